//! The admin port of one process: as much of HTTP as that takes, in HTTP/1.0, where the end of the stream ends the body.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use herdgate_admission::progress::{Refusal, Steer, Steered};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A process that is busy with a herd answers late; a person waits no longer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer: numbers for 65,536 slices, twice, in some ten digits each.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// One process.
#[derive(Debug)]
pub(crate) struct AdminPort {
    /// Host and port.
    authority: String,
    token: Option<String>,
}

impl AdminPort {
    pub(crate) fn new(address: &str, token_file: Option<&Path>) -> anyhow::Result<Self> {
        let authority = address
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'))
            .filter(|rest| rest.contains(':') && !rest.contains('/'));
        let Some(authority) = authority else {
            bail!("--admin {address} is not allowed; allowed: http://HOST:PORT");
        };
        let token = token_file.map(read_token).transpose()?;
        Ok(Self {
            authority: authority.to_owned(),
            token,
        })
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let (code, body) = self.ask("GET", path, "", b"").await?;
        if code != 200 {
            bail!("{} answers {code}: {}", self.authority, refusal(&body));
        }
        serde_json::from_slice(&body)
            .with_context(|| format!("failed to read what {} answers at {path}", self.authority))
    }

    pub(crate) async fn steer(&self, steer: Steer) -> anyhow::Result<Steered> {
        let body = serde_json::to_vec(&steer)?;
        let authorization = self.token.as_ref().map_or_else(String::new, |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        let (code, body) = self
            .ask("POST", "/admission", &authorization, &body)
            .await?;
        match code {
            202 => Ok(serde_json::from_slice(&body)?),
            401 if self.token.is_none() => bail!(
                "{} wants a token: give --token-file with the file that its admin.tokenFile names",
                self.authority
            ),
            _ => bail!("{}", refusal(&body)),
        }
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        header: &str,
        body: &[u8],
    ) -> anyhow::Result<(u16, Vec<u8>)> {
        let host = &self.authority;
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {host}\r\n{header}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let talk = async {
            let mut stream = TcpStream::connect(host).await?;
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body).await?;
            let mut answer = Vec::new();
            stream.take(MAX_BYTES).read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = timeout(TIMEOUT, talk)
            .await
            .with_context(|| format!("failed to get an answer of {host} within 10 s"))?
            .with_context(|| format!("failed to speak with the admin port {host}"))?;
        parse(&answer)
            .with_context(|| format!("failed to understand {host}: it does not speak HTTP"))
    }
}

fn read_token(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("failed to read the token {}", file.display()))?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_control) {
        bail!(
            "the token {} is empty or has more than one line",
            file.display()
        );
    }
    Ok(token.to_owned())
}

fn refusal(body: &[u8]) -> String {
    serde_json::from_slice::<Refusal>(body)
        .map(|refusal| refusal.error)
        .ok()
        .filter(|error| !error.is_empty())
        .unwrap_or_else(|| String::from_utf8_lossy(body).trim().to_owned())
}

/// Code and body.
fn parse(answer: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let line = head.lines().next()?.strip_prefix("HTTP/1.")?;
    let code = line.split(' ').nth(1)?.parse().ok()?;
    Some((code, answer.get(end + 4..)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_host_and_port() {
        let port = AdminPort::new("http://127.0.0.1:9883/", None).unwrap();
        assert_eq!(port.authority, "127.0.0.1:9883");
        for wrong in ["127.0.0.1:9883", "https://a:1", "http://a", "http://a:1/x"] {
            let error = AdminPort::new(wrong, None).unwrap_err().to_string();
            assert!(error.contains("http://HOST:PORT"), "{error}");
        }
    }

    #[test]
    fn answers_have_a_code_and_a_body() {
        assert_eq!(
            parse(b"HTTP/1.0 409 Conflict\r\na: b\r\n\r\n{}"),
            Some((409, b"{}".to_vec()))
        );
        assert_eq!(parse(b"SSH-2.0\r\n\r\n"), None);
        assert_eq!(refusal(br#"{"error":"not paused"}"#), "not paused");
        assert_eq!(refusal(b"plain\n"), "plain");
    }
}

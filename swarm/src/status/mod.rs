//! What a broker says of itself on its admin port.

mod asking;

use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::view::Server;

pub(crate) use asking::{ASK, Asking};

/// A broker under its herd answers within this, or is not asked again this time.
const PATIENCE: Duration = Duration::from_secs(2);
/// A status is a few kilobytes; anything beyond is not one.
const MAX_ANSWER: u64 = 1 << 20;

/// The parts of `/status` that are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Status {
    pub(crate) level: u32,
    pub(crate) slices: u32,
    pub(crate) entering: u32,
    pub(crate) entering_limit: u32,
    pub(crate) settling: u32,
    pub(crate) settle_limit: u32,
    pub(crate) held: u32,
    pub(crate) door: u32,
    pub(crate) connected: u32,
    pub(crate) limiting_signal: Option<String>,
    pub(crate) handshakes: Handshakes,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Handshakes {
    pub(crate) started: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
}

impl Status {
    pub(crate) fn is_fully_open(&self) -> bool {
        self.slices > 0 && self.level == self.slices
    }

    /// For the view.
    pub(crate) fn server(&self) -> Server {
        let limiting = self.limiting_signal.as_deref().unwrap_or("nothing");
        Server {
            level: self.level,
            slices: self.slices,
            text: format!(
                "held {}, door {}, entering {}{}, settling {}{}, limited by {limiting}",
                self.held,
                self.door,
                self.entering,
                limit(self.entering_limit),
                self.settling,
                limit(self.settle_limit),
            ),
        }
    }
}

/// `u32::MAX` means that there is none, as in mode Open.
fn limit(limit: u32) -> String {
    if limit == u32::MAX {
        String::new()
    } else {
        format!("/{limit}")
    }
}

/// GET /status.
pub(crate) async fn status(address: &str) -> anyhow::Result<Status> {
    let body = timeout(PATIENCE, get(address, "/status"))
        .await
        .context("failed to get an answer in time")??;
    serde_json::from_slice(&body).context("failed to understand /status")
}

/// One GET on a connection of its own.
async fn get(address: &str, path: &str) -> anyhow::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)
        .await
        .context("failed to connect to the admin port")?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    body(&answer)
}

/// The body of an answer that is whole because the server closed behind it.
fn body(answer: &[u8]) -> anyhow::Result<Vec<u8>> {
    const GAP: &[u8] = b"\r\n\r\n";
    let gap = answer
        .windows(GAP.len())
        .position(|window| window == GAP)
        .context("failed to find the end of the head")?;
    let head = std::str::from_utf8(&answer[..gap]).context("failed to read the head")?;
    let code = head
        .split(' ')
        .nth(1)
        .context("failed to find a status code")?;
    anyhow::ensure!(code == "200", "failed to get a good answer: {code}");
    Ok(answer[gap + GAP.len()..].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_status_and_ignores_what_it_does_not_show() {
        let json = r#"{"role":"standalone","mode":"Staged","level":12,"slices":256,"enteringLimit":64,
            "limitingSignal":null,"handshakes":{"started":9,"completed":8,"failed":1},"shards":[]}"#;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{json}");
        let status: Status = serde_json::from_slice(&body(answer.as_bytes()).unwrap()).unwrap();
        assert_eq!(
            (
                status.level,
                status.slices,
                status.entering_limit,
                status.handshakes.completed
            ),
            (12, 256, 64, 8)
        );
        assert!(!status.is_fully_open());
    }

    #[test]
    fn refuses_other_answers() {
        assert!(body(b"HTTP/1.1 503 Service Unavailable\r\n\r\nno").is_err());
        assert!(body(b"garbage").is_err());
    }

    #[test]
    fn a_broker_without_slices_is_not_fully_open() {
        assert!(!Status::default().is_fully_open());
        assert!(
            Status {
                level: 256,
                slices: 256,
                ..Status::default()
            }
            .is_fully_open()
        );
    }
}

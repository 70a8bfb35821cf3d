//! As much of HTTP as asking a pod of ours takes: HTTP/1.0, where the end of the stream ends the body.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest answer; a status of a hundred shards has 30 KB.
const MAX_BYTES: u64 = 256 * 1024;

#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("failed to speak with the pod")]
    Io(#[from] io::Error),
    #[error("the pod did not answer in HTTP")]
    NotHttp,
    #[error("the pod answered with status {0}")]
    Status(u16),
}

/// The body of a good answer. The caller bounds the time.
pub(super) async fn get(address: SocketAddr, path: &str) -> Result<Vec<u8>, HttpError> {
    let request =
        format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: application/json\r\n\r\n");
    let answer = talk(address, request.as_bytes()).await?;
    body(&answer).map(<[u8]>::to_vec)
}

/// What a pod answered to a request that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Posted {
    pub(crate) code: u16,
    pub(crate) body: Vec<u8>,
}

/// With the token that the pod's `admin.tokenFile` holds. The caller bounds the time.
pub(super) async fn post(
    address: SocketAddr,
    path: &str,
    token: &str,
    body: &[u8],
) -> Result<Posted, HttpError> {
    let head = format!(
        "POST {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = talk(address, &[head.as_bytes(), body].concat()).await?;
    let (code, body) = parse(&answer)?;
    let body = body.to_vec();
    Ok(Posted { code, body })
}

async fn talk(address: SocketAddr, request: &[u8]) -> Result<Vec<u8>, HttpError> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut answer).await?;
    Ok(answer)
}

fn body(answer: &[u8]) -> Result<&[u8], HttpError> {
    match parse(answer)? {
        (200, body) => Ok(body),
        (code, _) => Err(HttpError::Status(code)),
    }
}

/// Status and body.
fn parse(answer: &[u8]) -> Result<(u16, &[u8]), HttpError> {
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or(HttpError::NotHttp)?;
    let (head, rest) = answer.split_at(end);
    let head = std::str::from_utf8(head).map_err(|_| HttpError::NotHttp)?;
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let is_http = words
        .next()
        .is_some_and(|version| version.starts_with("HTTP/1."));
    let status = words
        .next()
        .and_then(|code| code.parse::<u16>().ok())
        .filter(|_| is_http);
    let status = status.ok_or(HttpError::NotHttp)?;
    Ok((status, rest.get(4..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_answer_has_a_body() {
        assert_eq!(
            body(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap(),
            b"{}"
        );
        assert_eq!(body(b"HTTP/1.1 200 OK\r\n\r\n").unwrap(), b"");
    }

    #[test]
    fn other_answers_are_errors() {
        assert!(matches!(
            body(b"HTTP/1.1 503 Busy\r\n\r\n"),
            Err(HttpError::Status(503))
        ));
        for odd in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 yes\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
        ] {
            assert!(
                matches!(body(odd.as_bytes()), Err(HttpError::NotHttp)),
                "{odd}"
            );
        }
    }
}

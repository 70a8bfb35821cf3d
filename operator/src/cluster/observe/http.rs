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
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: application/json\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut answer).await?;
    body(&answer).map(<[u8]>::to_vec)
}

fn body(answer: &[u8]) -> Result<&[u8], HttpError> {
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
    match status {
        Some(200) => Ok(rest.get(4..).unwrap_or_default()),
        Some(code) => Err(HttpError::Status(code)),
        None => Err(HttpError::NotHttp),
    }
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

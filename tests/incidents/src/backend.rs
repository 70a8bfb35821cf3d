//! An authentication backend: real HTTP, and as slow or broken as it is told to be.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// A request of a login is a few hundred bytes; more is none.
const MOST_BYTES: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Health {
    /// Says yes after so long.
    Answers { milliseconds: u64 },
    /// Answers 500 at once.
    Fails,
}

/// Serves for as long as the run takes.
#[derive(Debug)]
pub(crate) struct Backend {
    health: Rc<Cell<Health>>,
    pub(crate) address: SocketAddr,
}

impl Backend {
    pub(crate) async fn start(health: Health) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("failed to open the backend's port")?;
        let address = listener.local_addr()?;
        let health = Rc::new(Cell::new(health));
        let shared = Rc::clone(&health);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let health = Rc::clone(&shared);
                tokio::task::spawn_local(async move {
                    // a client that is gone needs no answer
                    _ = serve(stream, &health).await;
                });
            }
        });
        Ok(Self { health, address })
    }

    pub(crate) fn turn(&self, health: Health) {
        self.health.set(health);
    }
}

async fn serve(mut stream: TcpStream, health: &Cell<Health>) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    loop {
        while let Some(length) = request(&bytes) {
            bytes.drain(..length);
            let answer = match health.get() {
                Health::Answers { milliseconds } => {
                    sleep(Duration::from_millis(milliseconds)).await;
                    answer("200 OK", r#"{"result":"allow"}"#)
                }
                Health::Fails => answer("500 Internal Server Error", "{}"),
            };
            stream.write_all(answer.as_bytes()).await?;
        }
        anyhow::ensure!(
            bytes.len() < MOST_BYTES,
            "failed to read a request: it is too long"
        );
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Bytes of the first request, once it is whole.
fn request(bytes: &[u8]) -> Option<usize> {
    const GAP: &[u8] = b"\r\n\r\n";
    let head = bytes.windows(GAP.len()).position(|window| window == GAP)?;
    let text = std::str::from_utf8(&bytes[..head]).ok()?.to_lowercase();
    let body: usize = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    let length = head + GAP.len() + body;
    (bytes.len() >= length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_with_its_body() {
        let bytes = b"POST /login HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST";
        assert_eq!(request(bytes), Some(bytes.len() - 4));
        assert_eq!(request(&bytes[..bytes.len() - 5]), None);
        assert_eq!(request(b"GET / HTTP/1.1\r\n\r\n"), Some(18));
    }

    #[test]
    fn it_answers_as_it_is_told() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let backend = Backend::start(Health::Answers { milliseconds: 0 })
                .await
                .unwrap();
            let mut stream = TcpStream::connect(backend.address).await.unwrap();
            let mut ask = async || {
                stream
                    .write_all(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
                    .await
                    .unwrap();
                let mut answer = vec![0; 1_000];
                let read = stream.read(&mut answer).await.unwrap();
                String::from_utf8(answer[..read].to_vec()).unwrap()
            };
            assert!(ask().await.starts_with("HTTP/1.1 200 "));
            backend.turn(Health::Fails);
            assert!(ask().await.starts_with("HTTP/1.1 500 "));
        });
    }
}

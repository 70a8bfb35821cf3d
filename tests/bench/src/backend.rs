//! An authentication backend: real HTTP, and as slow or broken as it is told to be.
//!
//! A thread for each connection, so that an answer that takes long holds up nobody else.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request of a login is a few hundred bytes; more is none.
const MOST_BYTES: usize = 64 * 1024;
const READ_BYTES: usize = 4096;

/// What it says to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub after: Duration,
    /// With its words, such as `200 OK`.
    pub status: &'static str,
    pub body: String,
}

impl Answer {
    /// `result` is a verdict such as `allow`.
    pub fn verdict(result: &str) -> Self {
        Self {
            after: Duration::ZERO,
            status: "200 OK",
            body: format!(r#"{{"result":"{result}"}}"#),
        }
    }

    pub fn failure() -> Self {
        Self {
            after: Duration::ZERO,
            status: "500 Internal Server Error",
            body: "{}".to_owned(),
        }
    }

    #[must_use]
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let Self { status, body, .. } = self;
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        to.write_all(text.as_bytes())?;
        to.flush()
    }
}

type Judge = Arc<dyn Fn(&str) -> Answer + Send + Sync>;

/// Starts one that serves until the process ends; `judge` gets each request's body. Returns where it listens.
pub fn start(judge: impl Fn(&str) -> Answer + Send + Sync + 'static) -> io::Result<SocketAddr> {
    listen(move |socket, judge| serve(socket, judge), judge)
}

/// As [`start`], over TLS.
pub fn start_tls(
    config: Arc<ServerConfig>,
    judge: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> io::Result<SocketAddr> {
    let secure = move |socket, judge: &Judge| {
        let tls = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        serve(StreamOwned::new(tls, socket), judge)
    };
    listen(secure, judge)
}

fn listen(
    serve: impl Fn(TcpStream, &Judge) -> io::Result<()> + Send + Sync + 'static,
    judge: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (serve, judge): (_, Judge) = (Arc::new(serve), Arc::new(judge));
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let (serve, judge) = (Arc::clone(&serve), Arc::clone(&judge));
            // a client that is gone needs no answer
            thread::spawn(move || _ = serve(socket, &judge));
        }
    });
    Ok(address)
}

fn serve(mut stream: impl Read + Write, judge: &Judge) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut buffer = [0; READ_BYTES];
    loop {
        while let Some((head, length)) = request(&bytes) {
            let body = String::from_utf8_lossy(&bytes[head..length]).into_owned();
            bytes.drain(..length);
            let answer = judge(&body);
            thread::sleep(answer.after);
            answer.write(&mut stream)?;
        }
        let read = stream.read(&mut buffer)?;
        if read == 0 || bytes.len() >= MOST_BYTES {
            return Ok(());
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
}

/// Bytes of the first request's head, and of all of it, once it is whole.
fn request(bytes: &[u8]) -> Option<(usize, usize)> {
    const GAP: &[u8] = b"\r\n\r\n";
    let head = bytes.windows(GAP.len()).position(|window| window == GAP)?;
    let text = std::str::from_utf8(&bytes[..head]).ok()?.to_lowercase();
    let body: usize = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    let head = head + GAP.len();
    (bytes.len() >= head + body).then_some((head, head + body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_with_its_body() {
        let bytes = b"POST /login HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST";
        let whole = bytes.len() - 4;
        assert_eq!(request(bytes), Some((whole - 3, whole)));
        assert_eq!(request(&bytes[..whole - 1]), None);
        assert_eq!(request(b"GET / HTTP/1.1\r\n\r\n"), Some((18, 18)));
    }

    #[test]
    fn it_answers_as_it_judges() {
        let address = start(|body| match body {
            "{}" => Answer::verdict("allow"),
            _ => Answer::failure(),
        });
        let mut stream = TcpStream::connect(address.unwrap()).unwrap();
        let mut ask = |body: &str| {
            let text = format!(
                "POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(text.as_bytes()).unwrap();
            let mut answer = vec![0; 1_000];
            let read = stream.read(&mut answer).unwrap();
            String::from_utf8(answer[..read].to_vec()).unwrap()
        };
        let allowed = ask("{}");
        assert!(allowed.starts_with("HTTP/1.1 200 OK\r\n"), "{allowed}");
        assert!(allowed.ends_with(r#"{"result":"allow"}"#), "{allowed}");
        assert!(ask("[]").starts_with("HTTP/1.1 500 "));
    }
}

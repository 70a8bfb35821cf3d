//! What a client that asked for WebSocket is told.

use bytes::Bytes;

use super::request::{SUBPROTOCOL, VERSION};

/// Why there is no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{0}")]
    BadRequest(&'static str),
    #[error("this origin is not allowed")]
    Origin,
    #[error("there is nothing at this path")]
    NotFound,
    #[error("only GET is allowed")]
    Method,
    #[error("the request took too long")]
    Timeout,
    #[error("only WebSocket version 13 is spoken here")]
    UpgradeRequired,
    #[error("the request's head is too large")]
    HeadTooLarge,
}

impl Refusal {
    fn status(self) -> &'static str {
        match self {
            Self::BadRequest(_) => "400 Bad Request",
            Self::Origin => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::Method => "405 Method Not Allowed",
            Self::Timeout => "408 Request Timeout",
            Self::UpgradeRequired => "426 Upgrade Required",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
        }
    }

    fn fields(self) -> String {
        match self {
            Self::Method => "Allow: GET\r\nConnection: close\r\n".to_owned(),
            Self::UpgradeRequired => format!(
                "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: {VERSION}\r\n"
            ),
            _ => "Connection: close\r\n".to_owned(),
        }
    }

    /// The whole response; the connection ends with it.
    pub fn response(self) -> Bytes {
        let body = format!("{self}\n");
        let length = body.len();
        let (status, fields) = (self.status(), self.fields());
        format!(
            "HTTP/1.1 {status}\r\n{fields}Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into()
    }
}

/// `accept`: the answer to the client's key.
pub(super) fn switching(accept: &str) -> Bytes {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    )
    .into()
}

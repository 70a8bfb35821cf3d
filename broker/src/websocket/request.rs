//! The request with which a client asks for WebSocket (RFC 6455, section 4.2).

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::response::{self, Refusal};
use crate::config::{AllowedOrigins, WebSocket};

/// Of the request's head: browsers with cookies send one or two thousand.
pub const MOST_HEAD_BYTES: usize = 8 * 1024;
/// Header fields of a request.
const MOST_FIELDS: usize = 64;

/// What MQTT's subprotocol is called [MQTT-6.0.0-3].
pub(super) const SUBPROTOCOL: &str = "mqtt";
/// The version of RFC 6455.
pub(super) const VERSION: &str = "13";
/// What every server adds to a client's key (section 1.3).
const SERVER_KEY: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Of a client's key, when decoded.
const KEY_BYTES: usize = 16;

/// A request that is granted.
#[derive(Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// Bytes of the request; frames follow.
    pub request_bytes: usize,
    /// To be written before any frame.
    pub response: Bytes,
}

/// Judges the request at the beginning of `bytes`. `None`: more bytes are needed.
pub fn upgrade(bytes: &[u8], settings: &WebSocket) -> Result<Option<Upgrade>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let parsed = request.parse(bytes).map_err(|error| match error {
        httparse::Error::TooManyHeaders => Refusal::HeadTooLarge,
        _ => Refusal::BadRequest("this is no HTTP/1.1 request"),
    })?;
    let request_bytes = match parsed {
        httparse::Status::Complete(bytes) => bytes,
        httparse::Status::Partial => bytes.len(),
    };
    if request_bytes > MOST_HEAD_BYTES {
        return Err(Refusal::HeadTooLarge);
    }
    if parsed.is_partial() {
        return Ok(None);
    }
    let key = judge(&request, settings)?;
    Ok(Some(Upgrade {
        request_bytes,
        response: response::switching(&accept(key)),
    }))
}

/// The client's key, if everything else is as it should be.
fn judge<'a>(
    request: &'a httparse::Request<'_, '_>,
    settings: &WebSocket,
) -> Result<&'a [u8], Refusal> {
    let fields = Fields(request.headers);
    if request.method != Some("GET") {
        return Err(Refusal::Method);
    }
    let target = request.path.unwrap_or_default();
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    if path != settings.path {
        return Err(Refusal::NotFound);
    }
    if request.version != Some(1) {
        return Err(Refusal::BadRequest("WebSocket needs HTTP/1.1"));
    }
    let host = fields.one("host")?;
    let host = host.ok_or(Refusal::BadRequest("Host is missing"))?;
    let asks = fields.lists("upgrade", |name| name.eq_ignore_ascii_case(b"websocket"))
        && fields.lists("connection", |name| name.eq_ignore_ascii_case(b"upgrade"));
    if !asks || fields.one("sec-websocket-version")? != Some(VERSION.as_bytes()) {
        return Err(Refusal::UpgradeRequired);
    }
    let origin = fields.one("origin")?;
    if origin.is_some_and(|origin| !is_allowed(origin, host, &settings.allowed_origins)) {
        return Err(Refusal::Origin);
    }
    if !fields.lists("sec-websocket-protocol", |name| {
        name == SUBPROTOCOL.as_bytes()
    }) {
        return Err(Refusal::BadRequest("Sec-WebSocket-Protocol must list mqtt"));
    }
    let key = fields.one("sec-websocket-key")?;
    key.filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == KEY_BYTES))
        .ok_or(Refusal::BadRequest(
            "Sec-WebSocket-Key must be 16 bytes in base64",
        ))
}

/// A page may talk to the host that it came from, and to those that say so: a browser shows client certificates, and
/// reaches loopback, on behalf of any page.
fn is_allowed(origin: &[u8], host: &[u8], allowed: &AllowedOrigins) -> bool {
    let Ok(origin) = str::from_utf8(origin) else {
        return false;
    };
    let own = || {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_some_and(|authority| authority.as_bytes().eq_ignore_ascii_case(host))
    };
    match allowed {
        AllowedOrigins::Any => true,
        AllowedOrigins::OwnAnd(others) => {
            own()
                || others
                    .iter()
                    .any(|other| other.eq_ignore_ascii_case(origin))
        }
    }
}

fn accept(key: &[u8]) -> String {
    let both = [key, SERVER_KEY].concat();
    // Nothing is kept secret by it: it shows that the server speaks WebSocket (section 10.8).
    STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &both))
}

struct Fields<'a>(&'a [httparse::Header<'a>]);

impl<'a> Fields<'a> {
    fn all(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let named = self
            .0
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name));
        named.map(|field| field.value.trim_ascii())
    }

    /// A field that may not stand twice.
    fn one(&self, name: &'static str) -> Result<Option<&'a [u8]>, Refusal> {
        let mut all = self.all(name);
        let first = all.next();
        match all.next() {
            None => Ok(first),
            Some(_) => Err(Refusal::BadRequest("a field stands twice")),
        }
    }

    /// Whether a field that is a list has a member that `is_wanted`.
    fn lists(&self, name: &'static str, is_wanted: impl Fn(&[u8]) -> bool) -> bool {
        self.all(name)
            .flat_map(|list| list.split(|byte| *byte == b','))
            .any(|member| is_wanted(member.trim_ascii()))
    }
}

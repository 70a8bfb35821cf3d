//! Version 1: one line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::{Header, HeaderError, Source};

pub(super) const PREFIX: &[u8] = b"PROXY ";
/// The longest line of the standard (section 2.1), line end included.
pub(super) const MOST_BYTES: usize = 107;

pub(super) fn parse(bytes: &[u8]) -> Result<Option<Header>, HeaderError> {
    let seen = bytes.get(..MOST_BYTES).unwrap_or(bytes);
    let Some(end) = seen.windows(2).position(|pair| pair == b"\r\n") else {
        return if seen.len() < MOST_BYTES {
            Ok(None)
        } else {
            Err(HeaderError::LineTooLong)
        };
    };
    let said = seen.get(PREFIX.len()..end).unwrap_or_default();
    Ok(Some(Header {
        source: source(said)?,
        len: end + 2,
    }))
}

/// `said`: the line behind `PROXY `.
fn source(said: &[u8]) -> Result<Source, HeaderError> {
    // Whatever stands behind UNKNOWN is to be ignored.
    if said == b"UNKNOWN" || said.starts_with(b"UNKNOWN ") {
        return Ok(Source::Own);
    }
    let said = str::from_utf8(said).map_err(|_| HeaderError::Protocol)?;
    let (protocol, rest) = said.split_once(' ').ok_or(HeaderError::Protocol)?;
    match protocol {
        "TCP4" => client::<Ipv4Addr>(rest),
        "TCP6" => client::<Ipv6Addr>(rest),
        _ => Err(HeaderError::Protocol),
    }
    .map(Source::Client)
}

/// `rest`: both addresses, then both ports. All four are checked, though only the client's are wanted.
fn client<A: FromStr + Into<IpAddr>>(rest: &str) -> Result<SocketAddr, HeaderError> {
    let mut words = rest.split(' ');
    let mut word = || words.next().ok_or(HeaderError::Address);
    let address = |word: &str| A::from_str(word).map_err(|_| HeaderError::Address);
    let (source, _destination) = (address(word()?)?, address(word()?)?);
    let (source_port, _destination_port) = (port(word()?)?, port(word()?)?);
    match words.next() {
        None => Ok(SocketAddr::new(source.into().to_canonical(), source_port)),
        Some(_) => Err(HeaderError::Address),
    }
}

/// Decimal, without sign or leading zero.
fn port(word: &str) -> Result<u16, HeaderError> {
    let plain = word == "0" || !word.starts_with(['0', '+']);
    let port = word.parse().ok().filter(|_| plain);
    port.ok_or(HeaderError::Address)
}

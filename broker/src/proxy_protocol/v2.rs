//! Version 2: binary.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Header, HeaderError, Source};

pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family and transport, length of what follows.
pub(super) const FIXED: usize = 16;
/// Most bytes of addresses and TLVs. haproxy and the clouds' balancers send some hundreds; a client's certificate, the
/// longest TLV in use, has one or two thousand.
pub(super) const MOST_BEHIND: usize = 4096;

const LOCAL: u8 = 0;
const PROXY: u8 = 1;

const UNSPECIFIED: u8 = 0x00;
const TCP_OVER_V4: u8 = 0x11;
const TCP_OVER_V6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;
const UNIX_DATAGRAM: u8 = 0x32;

pub(super) fn parse(bytes: &[u8]) -> Result<Option<Header>, HeaderError> {
    let rest = bytes.get(SIGNATURE.len()..).unwrap_or_default();
    let [version_and_command, family, high, low, behind @ ..] = rest else {
        return Ok(None);
    };
    let (version, command) = (version_and_command >> 4, version_and_command & 0x0F);
    if version != 2 {
        return Err(HeaderError::Version(version));
    }
    if !matches!(command, LOCAL | PROXY) {
        return Err(HeaderError::Command(command));
    }
    let length = u16::from_be_bytes([*high, *low]);
    let len = usize::from(length);
    if len > MOST_BEHIND {
        return Err(HeaderError::TooLong { length });
    }
    let Some(behind) = behind.get(..len) else {
        return Ok(None);
    };
    let source = if command == LOCAL {
        Source::Own
    } else {
        proxied(*family, behind).map_err(|error| error.unwrap_or(HeaderError::TooShort(length)))?
    };
    Ok(Some(Header {
        source,
        len: FIXED + len,
    }))
}

/// `behind`: addresses, ports and TLVs; these last are of no use here. `Err(None)`: too few bytes.
fn proxied(family: u8, behind: &[u8]) -> Result<Source, Option<HeaderError>> {
    match family {
        UNSPECIFIED => Ok(Source::Own),
        TCP_OVER_V4 => client::<4>(behind, |octets| Ipv4Addr::from(octets).into()).ok_or(None),
        TCP_OVER_V6 => client::<16>(behind, |octets| Ipv6Addr::from(octets).into()).ok_or(None),
        UNIX_STREAM | UNIX_DATAGRAM => Err(Some(HeaderError::Unix)),
        other => Err(Some(HeaderError::Family(other))),
    }
}

/// Source and destination address of `N` bytes each, then both ports.
fn client<const N: usize>(behind: &[u8], address: impl Fn([u8; N]) -> IpAddr) -> Option<Source> {
    let (source, rest) = behind.split_first_chunk::<N>()?;
    let (_destination, rest) = rest.split_first_chunk::<N>()?;
    let [high, low, _, _, ..] = rest else {
        return None;
    };
    let port = u16::from_be_bytes([*high, *low]);
    let source = SocketAddr::new(address(*source).to_canonical(), port);
    Some(Source::Client(source))
}

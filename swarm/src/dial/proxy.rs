//! PROXY headers: the address that a balancer in front would tell, so that a fleet of thousands of addresses needs none
//! of its own.

use std::net::{IpAddr, SocketAddr};

use crate::scenario::ProxyVersion;

/// What version 2 begins with (haproxy.org, `proxy-protocol.txt`, section 2.2).
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, command PROXY.
const PROXY: u8 = 0x21;
/// TCP over IPv4 and over IPv6.
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

/// The header for a connection from `source` to `target`. Both are told as IPv6 when one of them is.
pub(crate) fn header(version: ProxyVersion, source: SocketAddr, target: SocketAddr) -> Vec<u8> {
    match version {
        ProxyVersion::V1 => text(source, target),
        ProxyVersion::V2 => binary(source, target),
    }
}

fn text(source: SocketAddr, target: SocketAddr) -> Vec<u8> {
    let (from, to) = same_family(source.ip(), target.ip());
    let family = if from.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from_port, to_port) = (source.port(), target.port());
    format!("PROXY {family} {from} {to} {from_port} {to_port}\r\n").into_bytes()
}

fn binary(source: SocketAddr, target: SocketAddr) -> Vec<u8> {
    let (family, addresses) = match same_family(source.ip(), target.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => (TCP4, [from.octets(), to.octets()].concat()),
        (from, to) => (TCP6, [v6(from).octets(), v6(to).octets()].concat()),
    };
    let ports = [source.port().to_be_bytes(), target.port().to_be_bytes()].concat();
    // 12 or 36 bytes
    let length = u16::try_from(addresses.len() + ports.len()).unwrap_or(u16::MAX);
    [
        &SIGNATURE[..],
        &[PROXY, family],
        &length.to_be_bytes(),
        &addresses,
        &ports,
    ]
    .concat()
}

fn same_family(source: IpAddr, target: IpAddr) -> (IpAddr, IpAddr) {
    if source.is_ipv4() == target.is_ipv4() {
        (source, target)
    } else {
        (v6(source).into(), v6(target).into())
    }
}

fn v6(address: IpAddr) -> std::net::Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

#[cfg(test)]
mod tests {
    use herdgate::proxy_protocol::{Source, parse};

    use super::*;

    /// The broker's own reader understands it.
    fn read(version: ProxyVersion, source: &str, target: &str) -> SocketAddr {
        let bytes = header(version, source.parse().unwrap(), target.parse().unwrap());
        let read = parse(&bytes).unwrap().unwrap();
        assert_eq!(read.len, bytes.len());
        match read.source {
            Source::Client(client) => client,
            Source::Own => panic!("nobody's address in {bytes:?}"),
        }
    }

    #[test]
    fn a_broker_reads_the_address_out_of_either_version() {
        for version in [ProxyVersion::V1, ProxyVersion::V2] {
            for (source, target) in [
                ("10.1.2.3:4567", "127.0.0.1:8883"),
                ("[2001:db8::7]:4567", "[::1]:8883"),
            ] {
                assert_eq!(read(version, source, target), source.parse().unwrap());
            }
        }
    }

    #[test]
    fn an_address_of_the_other_family_is_told_as_ipv6() {
        let source = "[2001:db8::7]:4567";
        for version in [ProxyVersion::V1, ProxyVersion::V2] {
            assert_eq!(
                read(version, source, "127.0.0.1:8883"),
                source.parse().unwrap()
            );
        }
    }
}

//! Values of each type, taken within the bounds of their kind.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::Value;

use super::http_url::HttpUrl;
use super::kind::{ANY_ORIGIN, Kind};
use super::pattern::ClientIdPattern;
use super::reader::choice;
use super::types::{
    Anonymous, AuthenticationMethod, LogFormat, LogLevel, Mode, Slices, TlsVersion,
};

/// A type that a value of the tree can become. `None`: the value is not of the kind, or not within its bounds.
pub(super) trait Parse: Sized {
    fn parse(value: &Value, kind: Kind) -> Option<Self>;
}

fn integer(value: &Value, kind: Kind) -> Option<u64> {
    let number = value.as_u64()?;
    match kind {
        Kind::Integer { min, max } => (min..=max).contains(&number).then_some(number),
        Kind::PowerOfTwo { max } => (number.is_power_of_two() && number <= max).then_some(number),
        _ => None,
    }
}

macro_rules! integers {
    ($($type:ty),+) => {
        $(impl Parse for $type {
            fn parse(value: &Value, kind: Kind) -> Option<Self> {
                integer(value, kind)?.try_into().ok()
            }
        })+
    };
}
integers!(u8, u16, u32, usize);

macro_rules! non_zero_integers {
    ($($type:ty),+) => {
        $(impl Parse for NonZero<$type> {
            fn parse(value: &Value, kind: Kind) -> Option<Self> {
                Self::new(<$type>::parse(value, kind)?)
            }
        })+
    };
}
non_zero_integers!(u8, u16, u32, usize);

impl Parse for Slices {
    fn parse(value: &Value, kind: Kind) -> Option<Self> {
        Self::new(u32::parse(value, kind)?)
    }
}

impl Parse for Duration {
    fn parse(value: &Value, kind: Kind) -> Option<Self> {
        match kind {
            Kind::Seconds { min, max } => {
                let seconds = value
                    .as_f64()
                    .filter(|seconds| (min..=max).contains(seconds))?;
                Self::try_from_secs_f64(seconds).ok()
            }
            Kind::Milliseconds { min, max } => {
                let millis = value
                    .as_u64()
                    .filter(|millis| (min..=max).contains(millis))?;
                Some(Self::from_millis(millis))
            }
            _ => None,
        }
    }
}

impl Parse for bool {
    fn parse(value: &Value, _: Kind) -> Option<Self> {
        value.as_bool()
    }
}

impl Parse for String {
    fn parse(value: &Value, kind: Kind) -> Option<Self> {
        let text = value
            .as_str()
            .filter(|text| !text.is_empty() && !text.contains('\0'))?;
        let fits = match kind {
            Kind::Name => is_name(text),
            Kind::HostPort => is_host_port(text),
            Kind::UrlPath => is_url_path(text),
            Kind::Origin => text == ANY_ORIGIN || is_origin(text),
            _ => true,
        };
        fits.then(|| text.to_owned())
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 15
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_url_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#');
    text.starts_with('/') && text.len() <= 255 && text.bytes().all(plain)
}

/// Scheme, host and perhaps a port (RFC 6454, section 6.2).
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    let plain = |byte: u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'/' | b'?' | b'#' | b'@' | b'*' | b',')
    };
    let letters = |scheme: &str| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    !scheme.is_empty()
        && letters(scheme)
        && !authority.is_empty()
        && text.len() <= 255
        && authority.bytes().all(plain)
}

fn is_host_port(text: &str) -> bool {
    if text
        .parse::<SocketAddr>()
        .is_ok_and(|address| address.port() != 0)
    {
        return true;
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // digits and dots alone are a mistyped address, not a name
    let name = host.len() <= 253
        && host.trim_end_matches('.').split('.').all(label)
        && host.bytes().any(|byte| byte.is_ascii_alphabetic());
    name && port.parse::<u16>().is_ok_and(|port| port != 0)
}

impl Parse for PathBuf {
    fn parse(value: &Value, kind: Kind) -> Option<Self> {
        String::parse(value, kind).map(Self::from)
    }
}

impl Parse for SocketAddr {
    fn parse(value: &Value, _: Kind) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl Parse for IpNet {
    fn parse(value: &Value, _: Kind) -> Option<Self> {
        let net: Self = value.as_str()?.parse().ok()?;
        let mapped =
            matches!(net.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
        (net.trunc() == net && !mapped).then_some(net)
    }
}

impl Parse for HttpUrl {
    fn parse(value: &Value, _: Kind) -> Option<Self> {
        Self::parse(value.as_str()?)
    }
}

impl Parse for ClientIdPattern {
    fn parse(value: &Value, _: Kind) -> Option<Self> {
        Self::parse(value.as_str()?)
    }
}

macro_rules! choices {
    ($($type:ty),+) => {
        $(impl Parse for $type {
            fn parse(value: &Value, kind: Kind) -> Option<Self> {
                choice(value, kind)
            }
        })+
    };
}
choices!(
    Anonymous,
    AuthenticationMethod,
    LogFormat,
    LogLevel,
    Mode,
    TlsVersion,
    super::build::Protocol,
    super::build::ClientAuthKind,
    super::build::ProxyProtocolMode,
    super::build::SlicingType
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        for good in [
            "shard-0.shards:7883",
            "localhost:1",
            "10.0.0.1:7883",
            "[::1]:7883",
            "a.b.svc.cluster.local.:80",
        ] {
            assert!(is_host_port(good), "{good}");
        }
        for bad in [
            "",
            "shard-0",
            ":1",
            "a:",
            "a:0",
            "a:65536",
            "10.0.0:1",
            "10.0.0.1.5:7",
            "::1:7",
            "a b:1",
            "a..b:1",
            "10.0.0.1:0",
        ] {
            assert!(!is_host_port(bad), "{bad}");
        }
    }

    #[test]
    fn paths_and_origins() {
        for good in ["/", "/mqtt", "/a/b-c_d.e~f%20"] {
            assert!(is_url_path(good), "{good}");
        }
        for bad in ["", "mqtt", "/a b", "/a?b", "/a#b", "/\u{e9}"] {
            assert!(!is_url_path(bad), "{bad}");
        }
        for good in [
            "https://a.example.com",
            "http://localhost:3000",
            "http://[::1]:80",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "a.example.com",
            "https://",
            "https://a/",
            "https://*.a",
            "://a",
            "https://a b",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }

    #[test]
    fn networks_have_no_host_bits() {
        let net = |text: &str| IpNet::parse(&Value::from(text), Kind::Cidr);
        for good in ["198.18.0.0/24", "10.0.0.1/32", "2001:db8::/56", "0.0.0.0/0"] {
            assert!(net(good).is_some(), "{good}");
        }
        for bad in [
            "198.18.0.1/24",
            "198.18.0.0/33",
            "10.0.0.1",
            "::ffff:10.0.0.0/104",
            "x",
        ] {
            assert!(net(bad).is_none(), "{bad}");
        }
    }
}

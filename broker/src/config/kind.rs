//! What a key may hold, and how that is told.

use std::fmt;

/// Pages of all origins.
pub(super) const ANY_ORIGIN: &str = "*";

/// The shape of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Keys of its own.
    Section,
    /// A list of sections.
    Sections,
    /// A list of values of one kind.
    List(&'static Kind),
    Text,
    /// A label: `[a-z0-9-]{1,15}`.
    Name,
    File,
    /// IP address and port.
    Address,
    /// Host name or IP address, and port.
    HostPort,
    Cidr,
    /// Of a URL, without query.
    UrlPath,
    /// Of a server that we ask.
    HttpUrl,
    /// Of a page, as browsers tell it; or any.
    Origin,
    Integer {
        min: u64,
        max: u64,
    },
    PowerOfTwo {
        max: u64,
    },
    /// With a fraction if need be.
    Seconds {
        min: f64,
        max: f64,
    },
    Milliseconds {
        min: u64,
        max: u64,
    },
    Switch,
    Choice(&'static [&'static str]),
    ClientIdPattern,
}

impl Kind {
    /// Whether a text from the environment or a flag is taken as it is, not read as YAML.
    pub(super) fn is_textual(self) -> bool {
        !matches!(
            self,
            Self::Section
                | Self::Sections
                | Self::List(_)
                | Self::Integer { .. }
                | Self::PowerOfTwo { .. }
                | Self::Seconds { .. }
                | Self::Milliseconds { .. }
                | Self::Switch
        )
    }
}

/// What is allowed.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section => f.write_str("a mapping"),
            Self::Sections => f.write_str("a list of mappings"),
            Self::List(of) => write!(f, "a list, each {of}"),
            Self::Text => f.write_str("a text that is not empty"),
            Self::Name => f.write_str("1 to 15 of a-z, 0-9 and -"),
            Self::File => f.write_str("a path"),
            Self::Address => {
                f.write_str("an IP address and a port, such as 0.0.0.0:8883 or [::]:8883")
            }
            Self::HostPort => f.write_str("a host and a port, such as shard-0.shards:7883"),
            Self::Cidr => {
                f.write_str("a network without host bits, such as 198.18.0.0/24 or 2001:db8::/56")
            }
            Self::UrlPath => {
                f.write_str("a path that begins with /, of at most 255 characters, without ? and #")
            }
            Self::HttpUrl => f.write_str(super::http_url::ALLOWED),
            Self::Origin => f.write_str("an origin such as https://console.example.com, or *"),
            Self::Integer { min, max } | Self::Milliseconds { min, max } => {
                write!(f, "a whole number from {min} to {max}")
            }
            Self::PowerOfTwo { max } => write!(f, "a power of two from 1 to {max}"),
            Self::Seconds { min, max } => write!(f, "a number from {min} to {max}"),
            Self::Switch => f.write_str("true or false"),
            Self::Choice(names) => write!(f, "one of {}", names.join(", ")),
            Self::ClientIdPattern => f.write_str(super::pattern::ALLOWED),
        }
    }
}

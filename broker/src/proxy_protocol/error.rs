/// Why bytes are no header that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("failed to find a PROXY header: the bytes begin with neither version's signature")]
    NoHeader,
    #[error(
        "failed to read the PROXY header: version 1 has no line end within {} bytes",
        super::v1::MOST_BYTES
    )]
    LineTooLong,
    #[error("failed to read the PROXY header: version 1 does not say TCP4, TCP6 or UNKNOWN")]
    Protocol,
    #[error("failed to read the PROXY header: an address or port of version 1 is malformed")]
    Address,
    #[error("failed to read the PROXY header: version {0} is not known")]
    Version(u8),
    #[error("failed to read the PROXY header: command {0} is neither LOCAL nor PROXY")]
    Command(u8),
    #[error(
        "failed to read the PROXY header: {length} bytes of version 2 are more than the {} that are taken",
        super::v2::MOST_BEHIND
    )]
    TooLong { length: u16 },
    #[error(
        "failed to read the PROXY header: {0} bytes of version 2 are too few for its addresses"
    )]
    TooShort(u16),
    #[error(
        "failed to read the PROXY header: a client on a unix socket has no address to be admitted by"
    )]
    Unix,
    #[error(
        "failed to read the PROXY header: family and transport {0:#04x} are not TCP over IPv4 or IPv6"
    )]
    Family(u8),
}

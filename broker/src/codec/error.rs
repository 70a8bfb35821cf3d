//! Why bytes are no packet, or a packet no bytes.

use super::ReasonCode;

/// A packet the standard forbids. `reason()` is what a v5 peer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("failed to decode {packet}: {violation}")]
    Malformed {
        packet: &'static str,
        violation: Violation,
    },
    #[error("failed to decode {packet}: {violation}")]
    Protocol {
        packet: &'static str,
        violation: Violation,
    },
    /// 3.1.1 answers CONNACK 0x02 [MQTT-3.1.3-8].
    #[error("failed to decode CONNECT: an empty client id needs a clean session")]
    ClientIdRejected,
    #[error("failed to decode {packet}: {source}")]
    Codec {
        packet: &'static str,
        source: ntex_mqtt::error::DecodeError,
    },
}

impl DecodeError {
    pub const fn reason(&self) -> ReasonCode {
        match self {
            Self::Malformed { .. } | Self::Codec { .. } => ReasonCode::MALFORMED_PACKET,
            Self::Protocol { .. } => ReasonCode::PROTOCOL_ERROR,
            Self::ClientIdRejected => ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
        }
    }
}

/// The rule that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("a field is longer than the packet")]
    TooShort,
    #[error("bytes follow the last field")]
    TrailingBytes,
    #[error("the frame's length differs from its remaining length")]
    FrameLength,
    #[error("a length is not encoded in the fewest bytes")]
    LengthEncoding,
    #[error("the packet type is reserved")]
    PacketType,
    #[error("reserved flags are set")]
    ReservedFlags,
    #[error("the QoS is 3")]
    QoS,
    #[error("DUP is set with QoS 0")]
    DupAtQoS0,
    #[error("the packet id is 0")]
    PacketIdZero,
    #[error("a string holds U+0000")]
    Nul,
    #[error("a property is unknown")]
    UnknownProperty,
    #[error("the list is empty")]
    EmptyList,
    #[error("retain handling is 3")]
    RetainHandling,
    #[error("a subscription identifier is 0")]
    SubscriptionIdZero,
    #[error("will QoS or will retain is set without a will")]
    WillFlags,
    #[error("a password needs a user name")]
    PasswordWithoutUserName,
    #[error("authentication data needs a method")]
    AuthenticationDataWithoutMethod,
    #[error("the protocol name or level differs from the one that was sniffed")]
    ProtocolLevel,
    #[error("an empty client id needs a clean session")]
    ClientId,
    #[error("the codec gave no packet")]
    Incomplete,
}

/// A packet that has no bytes: a caller's mistake, or a message too large for the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("failed to encode {0}: it does not exist in this protocol")]
    NotInProtocol(&'static str),
    #[error("failed to encode {packet}: the reason code {code} does not belong to it")]
    ReasonCode {
        packet: &'static str,
        code: ReasonCode,
    },
    #[error("failed to encode the packet: it is larger than 256 MiB")]
    TooLarge,
    #[error("failed to encode the packet: {0}")]
    Codec(#[from] ntex_mqtt::error::EncodeError),
}

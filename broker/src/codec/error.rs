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

impl Violation {
    /// A packet that can be read, but says what it may not: a protocol error (section 1.2). In all other cases it can't
    /// be read, or the standard calls it malformed by name.
    const fn is_protocol_error(self) -> bool {
        matches!(
            self,
            Self::EmptyList
                | Self::PacketIdZero
                | Self::RetainHandling
                | Self::SubscriptionQoS
                | Self::RepeatedProperty
                | Self::PropertyValue
                | Self::TopicAliasZero
                | Self::ReasonCode
                | Self::AuthenticationDataWithoutMethod
        )
    }

    /// As what is wrong with this packet.
    pub(super) const fn of(self, packet: &'static str) -> DecodeError {
        let violation = self;
        match violation {
            Self::ClientId => DecodeError::ClientIdRejected,
            _ if violation.is_protocol_error() => DecodeError::Protocol { packet, violation },
            _ => DecodeError::Malformed { packet, violation },
        }
    }
}

impl DecodeError {
    pub const fn reason(&self) -> ReasonCode {
        match self {
            Self::Malformed { .. } | Self::Codec { .. } => ReasonCode::MALFORMED_PACKET,
            Self::Protocol {
                violation: Violation::TopicAliasZero,
                ..
            } => ReasonCode::TOPIC_ALIAS_INVALID,
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
    #[error("a subscription's QoS is 3")]
    SubscriptionQoS,
    #[error("DUP is set with QoS 0")]
    DupAtQoS0,
    #[error("the packet id is 0")]
    PacketIdZero,
    #[error("a string is not UTF-8")]
    NotUtf8,
    #[error("a string holds U+0000")]
    Nul,
    #[error("a property is unknown")]
    UnknownProperty,
    #[error("a property does not belong to the packet")]
    MisplacedProperty,
    #[error("a property is there twice")]
    RepeatedProperty,
    #[error("a property has a value that it may not have")]
    PropertyValue,
    #[error("the topic alias is 0")]
    TopicAliasZero,
    #[error("the reason code does not belong to the packet")]
    ReasonCode,
    #[error("the list is empty")]
    EmptyList,
    #[error("retain handling is 3")]
    RetainHandling,
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
    #[error("failed to encode the packet: a field is longer than 65,535 bytes")]
    FieldTooLong,
    #[error("failed to encode PUBLISH: a QoS over 0 needs a packet id")]
    NoPacketId,
    #[error("failed to encode the packet: {0}")]
    Codec(#[from] ntex_mqtt::error::EncodeError),
}

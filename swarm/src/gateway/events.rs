//! What happens to a gateway, and what it wants done.

/// Something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The fleet calls a parked gateway to dial.
    Call,
    /// The gateway's deadline has come.
    Due,
    TcpUp,
    /// TLS is complete; does not come on plain listeners.
    Secured,
    /// The server shows that it completed TLS as well.
    Confirmed,
    /// The way is free for CONNECT.
    Ready,
    Heard(Heard),
    Lost(Loss),
}

/// A packet of the server, as far as a gateway cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// 0 is accepted; otherwise the return code (3.1.1) or reason code (5).
    ConnAck {
        code: u8,
    },
    SubAck {
        id: u16,
        granted: bool,
    },
    /// `id` asks for a PUBACK; `mark` is set when the message is one of the gateway's own.
    Message {
        id: Option<u16>,
        mark: Option<u64>,
    },
    PubAck {
        id: u16,
    },
    Pong,
    Disconnect,
    /// PUBREC and the like: nothing depends on it.
    Other,
}

/// How a connection ended without the gateway wanting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// `connect()` failed.
    Refused,
    /// Closed or reset before the first byte of the server.
    BeforeTls,
    /// The server sent a TLS alert.
    Alert,
    /// The server's certificate does not prove its name.
    Distrusted,
    /// The server's bytes are not MQTT.
    Garbled,
    Closed,
    /// The way to the server is gone, and neither end has been told.
    Cut,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Dial { certificate: u8 },
    Send(Say),
    HangUp,
    Mark(Milestone),
}

/// A packet to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Say {
    Connect,
    Subscribe {
        id: u16,
        topic: u16,
    },
    /// The own message, `QoS` 1, to the first topic.
    Publish {
        id: u16,
        mark: u64,
    },
    /// Telemetry; with an id at `QoS` 1.
    Telemetry {
        id: Option<u16>,
    },
    PubAck {
        id: u16,
    },
    Ping,
}

/// A step worth counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Milestone {
    Attempt {
        certificate: u8,
    },
    TcpUp,
    Handshake {
        certificate: u8,
    },
    /// The server finished the handshake too: it said something after our last byte of it. In TLS 1.3 a client is done
    /// before its server is.
    HandshakeConfirmed,
    ConnAck,
    Back,
    /// A message that is not the gateway's own.
    Message,
    TelemetrySent,
    TelemetryAcknowledged,
    /// A gateway that never settles has hung up once more.
    Flapped,
    /// A gateway that was back lost its connection.
    Dropped(Failure),
    /// A dial came to nothing.
    Failed(Failure),
}

/// Why a connection or a dial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    Refused,
    ResetBeforeTls,
    Alert,
    Distrusted,
    /// CONNACK with this code.
    Denied(u8),
    SubscribeRefused,
    Protocol,
    Closed,
    Cut,
    Timeout(Stage),
}

/// The step that took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// TCP or TLS.
    Dial,
    ConnAck,
    SubAck,
    OwnMessage,
    Pong,
}

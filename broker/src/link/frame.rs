//! What travels on a link, as types; `wire` gives them bytes.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use herdgate_admission::keeper::CensusReport;
use herdgate_admission::report::{EdgeReport, ShardReport};
use herdgate_admission::slicing::TableFor;

use super::ListenerLimits;

/// One client on one link. The edge worker chooses it; it is not used again before the shard has heard `Detach`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);

/// Which of the two standards a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    V311,
    V5,
}

/// A client that has proven who it is and asks for its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attach {
    pub client_id: Arc<str>,
    /// The client sent an empty id and was given this one; a v5 CONNACK must tell it.
    pub client_id_assigned: bool,
    /// `None`: anonymous.
    pub principal: Option<Arc<str>>,
    pub protocol: Protocol,
    /// The CONNECT packet, whole, with user name and password taken out.
    pub connect: Bytes,
    pub peer: SocketAddr,
    /// The largest packet that the client's listener takes; a v5 CONNACK tells it.
    pub max_packet_bytes: u32,
    /// The keep-alive that the edge enforces where it is not the client's; a v5 CONNACK must tell it.
    pub server_keep_alive: Option<u16>,
    /// Topic aliases that the edge takes from the client and resolves; a v5 CONNACK tells it.
    pub topic_alias_maximum: u16,
    /// Of the client's listener.
    pub limits: ListenerLimits,
    /// The client came by enhanced authentication; a v5 CONNACK must tell it.
    pub authenticated: Option<Authenticated>,
}

/// The end of an exchange, for the CONNACK (MQTT 5, section 4.12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    pub method: Arc<str>,
    /// The server's last word, such as its own proof.
    pub data: Option<Bytes>,
}

/// From an edge worker to a shard.
#[derive(Clone, Debug)]
pub enum ToShard {
    Attach {
        stream: StreamId,
        attach: Box<Attach>,
    },
    /// The client left before it was attached.
    Cancel {
        stream: StreamId,
    },
    /// One or more whole MQTT packets.
    Data {
        stream: StreamId,
        packets: Bytes,
    },
    /// The client's socket took this many more bytes.
    Window {
        stream: StreamId,
        bytes: u32,
    },
    Detach {
        stream: StreamId,
        reason: DetachReason,
    },
    Health(Box<EdgeReport>),
    /// Once a minute, by the first worker of an edge alone.
    Census(Arc<CensusReport>),
}

/// From a shard to an edge worker.
#[derive(Clone, Debug)]
pub enum ToEdge {
    /// The session is the client's; CONNACK is inside.
    Attached {
        stream: StreamId,
        connack: Bytes,
    },
    /// The session is not the client's; write the CONNACK and close. An empty one: close without a word.
    Refused {
        stream: StreamId,
        connack: Bytes,
    },
    /// One or more whole MQTT packets.
    Data {
        stream: StreamId,
        packets: Bytes,
    },
    /// As `Data`, for several clients that get the same: it crosses the link once, and the edge keeps it once.
    Fan {
        streams: Vec<StreamId>,
        packets: Bytes,
    },
    /// The shard took this many more bytes of `ToShard::Data`.
    Window {
        stream: StreamId,
        bytes: u32,
    },
    /// Write what is queued, then close. The stream is free.
    Close {
        stream: StreamId,
        reason: CloseReason,
    },
    /// The client is done coming back.
    Settled {
        stream: StreamId,
    },
    Health(Box<ShardReport>),
    /// Before the first report of its reopening, to the first worker of an edge alone.
    Table(Arc<TableFor>),
}

/// Why the edge lets a stream go; decides the will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetachReason {
    /// The client closed its socket, or it broke.
    PeerGone,
    KeepAliveExpired,
    /// The client sent what the edge must refuse (a packet over the limit, no MQTT).
    ProtocolError,
    /// The client took nothing for too long while packets waited for it.
    TooSlow,
    /// The edge is going away; the will is published as for any lost client.
    EdgeShutdown,
}

/// Why the shard ends a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client sent DISCONNECT.
    Disconnected,
    TakenOver,
    ProtocolError,
    ShuttingDown,
}

/// Bytes of `Data` that one side may send on a stream before the other has taken any, both ways.
/// Large enough for a storm's SUBSCRIBEs, small enough that ten thousand stuck clients fit in memory.
///
/// A sender may send while it has any credit left; the last frame may overdraw, or a packet larger than the window
/// could never pass. A receiver may collect what it gives back, but no more than a quarter of the window.
pub const INITIAL_WINDOW: u32 = 64 * 1024;

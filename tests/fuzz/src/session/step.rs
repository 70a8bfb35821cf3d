//! What happens next, from four bytes each: so that a change of one byte changes one step.

use herdgate::codec::{Protocol, QoS};

/// Clients that keep to the standard.
pub(super) const PEERS: usize = 3;
/// Topics that they publish to, and filters that they subscribe to.
pub(super) const TOPICS: [&str; 4] = ["t/0", "t/1", "t/2", "t/2/deep"];
pub(super) const FILTERS: [&str; 6] = ["t/0", "t/1", "t/#", "t/+", "t/2", "t/+/deep"];

const EXPIRIES: [u32; 4] = [0, 10, 100, u32::MAX];
const RECEIVE_MAXIMA: [Option<u16>; 4] = [None, Some(1), Some(2), Some(5)];
const PACKET_SIZES: [Option<u32>; 4] = [None, None, Some(2_000), Some(100)];
const MESSAGE_EXPIRIES: [Option<u32>; 4] = [None, None, Some(1), Some(20)];
/// The largest fill the byte window in some messages.
const PAYLOADS: [usize; 4] = [0, 0, 300, 24_000];
const PAUSES: [u64; 4] = [1, 5, 20, 200];

#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    pub(super) protocol: Protocol,
    pub(super) clean_start: bool,
    pub(super) expiry: u32,
    pub(super) receive_maximum: Option<u16>,
    pub(super) packet_size: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) topic: usize,
    pub(super) qos: QoS,
    pub(super) retain: bool,
    pub(super) expiry: Option<u32>,
    pub(super) bytes: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Takes over a connection that is still there.
    Connect(usize, Opening),
    Subscribe(usize, usize, QoS),
    Unsubscribe(usize, usize),
    Publish(usize, Wish),
    /// So many packets reach the server.
    Send(usize, usize),
    /// So many packets reach the client.
    Read(usize, usize),
    /// So many messages between workers; which of the channels that have some.
    Route(usize, usize),
    /// What is on the connection is lost both ways; `true`: with its link.
    Lose(usize, bool),
    Wait(u64),
    /// `true`: the client's socket takes nothing until further notice.
    Stall(usize, bool),
    Disconnect(usize, Option<u32>),
    /// Whatever a client may send that keeps to nothing; `true`: as its CONNECT.
    Hostile(bool, Vec<u8>),
    /// Everything that is under way arrives.
    Settle,
}

/// The bytes of one history.
pub(super) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Four bytes; `None` at the end.
    pub(super) fn four(&mut self) -> Option<[u8; 4]> {
        let (four, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*four)
    }

    pub(super) fn next(&mut self) -> Option<Step> {
        let [verb, who, a, b] = self.four()?;
        let peer = usize::from(who) % PEERS;
        let count = 1 + usize::from(a) % 8;
        Some(match verb % 13 {
            0 => Step::Connect(peer, opening(a)),
            1 => Step::Subscribe(peer, usize::from(a) % FILTERS.len(), qos(b)),
            2 => Step::Unsubscribe(peer, usize::from(a) % FILTERS.len()),
            3 => Step::Publish(peer, wish(a, b)),
            4 => Step::Send(peer, count),
            5 => Step::Read(peer, count),
            6 => Step::Route(usize::from(b), count),
            7 => Step::Lose(peer, a & 1 == 1),
            8 => Step::Wait(pick(PAUSES, a)),
            9 => Step::Stall(peer, a & 1 == 1),
            10 => Step::Disconnect(peer, (b & 1 == 1).then(|| pick(EXPIRIES, a))),
            11 => Step::Hostile(a & 1 == 1, self.take(usize::from(who))),
            _ => Step::Settle,
        })
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken.to_vec()
    }
}

fn pick<T: Copy>(of: [T; 4], number: u8) -> T {
    of[usize::from(number & 3)]
}

pub(super) fn protocol(number: u8) -> Protocol {
    if number & 1 == 1 {
        Protocol::V5
    } else {
        Protocol::V311
    }
}

fn qos(number: u8) -> QoS {
    pick(
        [
            QoS::AtMostOnce,
            QoS::AtLeastOnce,
            QoS::ExactlyOnce,
            QoS::ExactlyOnce,
        ],
        number,
    )
}

/// From the lowest bit: protocol, clean start, then two bits for each of the others. 3.1.1 has none of these.
fn opening(bits: u8) -> Opening {
    let protocol = protocol(bits);
    let clean_start = bits >> 1 & 1 == 1;
    if protocol == Protocol::V5 {
        Opening {
            protocol,
            clean_start,
            expiry: pick(EXPIRIES, bits >> 2),
            receive_maximum: pick(RECEIVE_MAXIMA, bits >> 4),
            packet_size: pick(PACKET_SIZES, bits >> 6),
        }
    } else {
        Opening {
            protocol,
            clean_start,
            expiry: if clean_start { 0 } else { u32::MAX },
            receive_maximum: None,
            packet_size: None,
        }
    }
}

fn wish(topic: u8, bits: u8) -> Wish {
    Wish {
        topic: usize::from(topic) % TOPICS.len(),
        qos: qos(bits),
        retain: bits >> 2 & 1 == 1,
        expiry: pick(MESSAGE_EXPIRIES, bits >> 3),
        bytes: pick(PAYLOADS, bits >> 5),
    }
}

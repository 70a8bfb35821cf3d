//! The first packet: whole, in time, and a CONNECT.

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, timeout_at};

use super::read_some::read_some;
use super::reasons;
use super::replies::{self, Hearer};
use super::shared::ListenerShared;
use super::stream::Stream;
use super::worker::Worker;
use crate::codec::frame::{FrameError, first_packet_len};
use crate::codec::{Connect, DecodeError, Packet, Protocol, ReasonCode, decode, sniff};
use crate::metrics::EdgeLimit;

/// A CONNECT with a will of 64 KiB, and half as much for all its strings; nobody who has not logged in gets more.
const MOST: u32 = 96 * 1024;

/// What a client opened its session with.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) connect: Box<Connect>,
    /// The packet as it came.
    pub(super) packet: Bytes,
    /// What came behind it.
    pub(super) early: Vec<u8>,
    /// Until then the client must have said all that it has to say before its CONNACK.
    pub(super) deadline: Instant,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum NoOpening {
    /// Nobody is there to answer.
    Gone,
    /// Say this (perhaps nothing), then close.
    Refused(Bytes),
}

pub(super) async fn read(
    worker: &Worker,
    listener: &ListenerShared,
    stream: &mut Stream,
    deadline: Instant,
) -> Result<Opening, NoOpening> {
    let limits = &worker.shared.metrics.edge.limits;
    let limit = listener.settings.max_packet_bytes.min(MOST) as usize;
    let whole = read_whole(worker, stream, limit);
    let Ok(read) = timeout_at(deadline, whole).await else {
        limits.inc(EdgeLimit::ConnectTime);
        return Err(NoOpening::Refused(Bytes::new()));
    };
    let (packet, early) = read?;
    let protocol = sniff(&packet).map_err(|error| {
        tracing::debug!(%error, "client refused");
        NoOpening::Refused(error.reply().unwrap_or_default())
    })?;
    let connect = open(protocol, &packet).map_err(NoOpening::Refused)?;
    if connect.client_id.len() > usize::from(listener.settings.max_client_id_bytes) {
        limits.inc(EdgeLimit::ClientId);
        return Err(NoOpening::Refused(replies::client_id_rejected(Hearer::of(
            &connect,
        ))));
    }
    Ok(Opening {
        connect,
        packet,
        early,
        deadline,
    })
}

async fn read_whole(
    worker: &Worker,
    stream: &mut Stream,
    limit: usize,
) -> Result<(Bytes, Vec<u8>), NoOpening> {
    let mut bytes = Vec::new();
    loop {
        match read_some(worker, stream, &mut bytes).await {
            Ok(0) | Err(_) => return Err(NoOpening::Gone),
            Ok(_) => {}
        }
        match first_packet_len(&bytes, limit) {
            Ok(Some(len)) if len <= bytes.len() => {
                let early = bytes.split_off(len);
                return Ok((Bytes::from(bytes), early));
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "client refused");
                if !matches!(error, FrameError::TooLarge { .. }) {
                    return Err(NoOpening::Refused(Bytes::new()));
                }
                worker.shared.metrics.edge.limits.inc(EdgeLimit::PacketSize);
                return Err(NoOpening::Refused(too_large(&bytes)));
            }
        }
    }
}

/// For the beginning of a CONNECT that says it is too long. 3.1.1 has no code for it.
fn too_large(beginning: &[u8]) -> Bytes {
    match sniff(beginning) {
        Ok(protocol @ Protocol::V5) => refusal(protocol, ReasonCode::PACKET_TOO_LARGE),
        Ok(Protocol::V311) | Err(_) => Bytes::new(),
    }
}

/// The CONNECT in `packet`, or what its sender is told.
fn open(protocol: Protocol, packet: &Bytes) -> Result<Box<Connect>, Bytes> {
    match decode(protocol, packet) {
        Ok(Packet::Connect(connect)) => Ok(connect),
        Ok(_) => Err(Bytes::new()),
        Err(error) => {
            tracing::debug!(%error, "client refused");
            Err(match (protocol, error) {
                (Protocol::V311, DecodeError::ClientIdRejected) => {
                    refusal(protocol, ReasonCode::V3_IDENTIFIER_REJECTED)
                }
                // 3.1.1 has no code for a malformed CONNECT: the connection is closed (section 3.1.4).
                (Protocol::V311, _) => Bytes::new(),
                (Protocol::V5, error) => refusal(protocol, error.reason()),
            })
        }
    }
}

fn refusal(protocol: Protocol, code: ReasonCode) -> Bytes {
    replies::connack(Hearer::unknown(protocol), code, code, reasons::NO_PACKET)
}

/// The packet that the shard may see: without user name, password, and what belongs to an exchange.
pub(super) fn without_credentials(opening: &Opening) -> Option<Bytes> {
    let connect = &opening.connect;
    let seen = connect.without_credentials();
    if seen == **connect {
        return Some(opening.packet.clone());
    }
    let mut out = BytesMut::new();
    let packet = Packet::Connect(Box::new(seen));
    crate::codec::encode_into(connect.protocol, &packet, &mut out).ok()?;
    Some(out.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::encode;

    fn opening(protocol: Protocol) -> Opening {
        let mut connect = Connect::new(protocol, "gw-1");
        connect.username = Some("gw-1".into());
        connect.password = Some(Bytes::from_static(b"secret"));
        connect.keep_alive = 30;
        if protocol == Protocol::V5 {
            connect.properties.authentication_method = Some("SCRAM-SHA-256".into());
            connect.properties.authentication_data = Some(Bytes::from_static(b"secret"));
        }
        let packet = encode(protocol, &Packet::Connect(Box::new(connect.clone()))).unwrap();
        Opening {
            connect: Box::new(connect),
            packet,
            early: Vec::new(),
            deadline: Instant::now(),
        }
    }

    #[test]
    fn the_shard_sees_no_credentials_and_all_the_rest() {
        for protocol in [Protocol::V311, Protocol::V5] {
            let opening = opening(protocol);
            let packet = without_credentials(&opening).unwrap();
            assert!(!packet.windows(6).any(|part| part == b"secret"));
            let Ok(Packet::Connect(seen)) = decode(protocol, &packet) else {
                panic!("a CONNECT")
            };
            assert_eq!(*seen, opening.connect.without_credentials());
        }
    }
}

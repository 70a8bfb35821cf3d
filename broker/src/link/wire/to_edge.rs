//! Frames from a shard.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use herdgate_admission::slicing::TableFor;

use super::fields::{FieldError, Reader, put_report};
use super::{Frame, WireError, put_frame};
use crate::link::{CloseReason, ToEdge};

const ATTACHED: u8 = 0x20;
const REFUSED: u8 = 0x21;
const DATA: u8 = 0x22;
const WINDOW: u8 = 0x23;
const CLOSE: u8 = 0x24;
const HEALTH: u8 = 0x25;
const FAN: u8 = 0x26;
const TABLE: u8 = 0x27;
const SETTLED: u8 = 0x28;

impl Frame for ToEdge {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Attached { stream, connack } => put_packets(out, ATTACHED, stream.0, connack),
            Self::Refused { stream, connack } => put_packets(out, REFUSED, stream.0, connack),
            Self::Data { stream, packets } => put_packets(out, DATA, stream.0, packets),
            Self::Fan { streams, packets } => put_frame(out, FAN, |out| {
                // a worker has fewer clients than that
                out.put_u32(u32::try_from(streams.len()).unwrap_or(u32::MAX));
                for stream in streams {
                    out.put_u32(stream.0);
                }
                out.put_slice(packets);
            }),
            Self::Window { stream, bytes } => put_frame(out, WINDOW, |out| {
                out.put_u32(stream.0);
                out.put_u32(*bytes);
            }),
            Self::Close { stream, reason } => put_frame(out, CLOSE, |out| {
                out.put_u32(stream.0);
                out.put_u8(reason_code(*reason));
            }),
            Self::Settled { stream } => put_frame(out, SETTLED, |out| out.put_u32(stream.0)),
            Self::Health(report) => put_frame(out, HEALTH, |out| put_report(out, report)),
            Self::Table(table) => put_frame(out, TABLE, |out| out.put_slice(&table.encode())),
        }
    }

    fn decode(kind: u8, body: Bytes) -> Result<Self, WireError> {
        let body = Reader::new(body);
        let (name, frame) = match kind {
            ATTACHED => (
                "ATTACHED",
                packets(body, |stream, connack| Self::Attached { stream, connack }),
            ),
            REFUSED => (
                "REFUSED",
                packets(body, |stream, connack| Self::Refused { stream, connack }),
            ),
            DATA => (
                "DATA",
                packets(body, |stream, packets| Self::Data { stream, packets }),
            ),
            FAN => ("FAN", fan(body)),
            WINDOW => ("WINDOW", window(body)),
            CLOSE => ("CLOSE", close(body)),
            SETTLED => ("SETTLED", settled(body)),
            HEALTH => (
                "HEALTH",
                body.report("report")
                    .map(|report| Self::Health(Box::new(report))),
            ),
            TABLE => ("TABLE", table(body)),
            kind => return Err(WireError::UnknownKind { kind }),
        };
        frame.map_err(|source| WireError::Body { kind: name, source })
    }
}

fn table(body: Reader) -> Result<ToEdge, FieldError> {
    let table = TableFor::decode(&body.rest());
    let table = table.map_err(|error| FieldError::of_table("table", &error))?;
    Ok(ToEdge::Table(Arc::new(table)))
}

fn fan(mut body: Reader) -> Result<ToEdge, FieldError> {
    let count = body.u32("count")?;
    // each is read before the next is believed in
    let streams = (0..count)
        .map(|_| body.stream())
        .collect::<Result<_, _>>()?;
    let packets = body.rest();
    Ok(ToEdge::Fan { streams, packets })
}

fn put_packets(out: &mut BytesMut, kind: u8, stream: u32, packets: &[u8]) {
    put_frame(out, kind, |out| {
        out.put_u32(stream);
        out.put_slice(packets);
    });
}

fn packets(
    mut body: Reader,
    frame: impl FnOnce(crate::link::StreamId, Bytes) -> ToEdge,
) -> Result<ToEdge, FieldError> {
    let stream = body.stream()?;
    Ok(frame(stream, body.rest()))
}

fn window(mut body: Reader) -> Result<ToEdge, FieldError> {
    let (stream, bytes) = (body.stream()?, body.u32("bytes")?);
    body.end()?;
    Ok(ToEdge::Window { stream, bytes })
}

fn close(mut body: Reader) -> Result<ToEdge, FieldError> {
    let (stream, reason) = (body.stream()?, reason(body.u8("reason")?)?);
    body.end()?;
    Ok(ToEdge::Close { stream, reason })
}

fn settled(mut body: Reader) -> Result<ToEdge, FieldError> {
    let stream = body.stream()?;
    body.end()?;
    Ok(ToEdge::Settled { stream })
}

fn reason_code(reason: CloseReason) -> u8 {
    match reason {
        CloseReason::Disconnected => 0,
        CloseReason::TakenOver => 1,
        CloseReason::ProtocolError => 2,
        CloseReason::ShuttingDown => 4,
    }
}

fn reason(code: u8) -> Result<CloseReason, FieldError> {
    match code {
        0 => Ok(CloseReason::Disconnected),
        1 => Ok(CloseReason::TakenOver),
        2 => Ok(CloseReason::ProtocolError),
        4 => Ok(CloseReason::ShuttingDown),
        value => Err(FieldError::Unknown {
            field: "reason",
            value: value.into(),
        }),
    }
}

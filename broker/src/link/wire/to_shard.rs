//! Frames from an edge worker.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use herdgate_admission::keeper::CensusReport;

use super::fields::{FieldError, Reader, put_address, put_report, put_short};
use super::{Frame, WireError, put_frame};
use crate::link::{Attach, Authenticated, DetachReason, ListenerLimits, Protocol, ToShard};

const ATTACH: u8 = 0x10;
const CANCEL: u8 = 0x11;
const DATA: u8 = 0x12;
const WINDOW: u8 = 0x13;
const DETACH: u8 = 0x14;
const HEALTH: u8 = 0x15;
const CENSUS: u8 = 0x16;

impl Frame for ToShard {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Attach { stream, attach } => put_frame(out, ATTACH, |out| {
                out.put_u32(stream.0);
                put_attach(out, attach);
            }),
            Self::Cancel { stream } => put_frame(out, CANCEL, |out| out.put_u32(stream.0)),
            Self::Data { stream, packets } => put_frame(out, DATA, |out| {
                out.put_u32(stream.0);
                out.put_slice(packets);
            }),
            Self::Window { stream, bytes } => put_frame(out, WINDOW, |out| {
                out.put_u32(stream.0);
                out.put_u32(*bytes);
            }),
            Self::Detach { stream, reason } => put_frame(out, DETACH, |out| {
                out.put_u32(stream.0);
                out.put_u8(reason_code(*reason));
            }),
            Self::Health(report) => put_frame(out, HEALTH, |out| put_report(out, report)),
            Self::Census(report) => put_frame(out, CENSUS, |out| out.put_slice(&report.encode())),
        }
    }

    fn decode(kind: u8, body: Bytes) -> Result<Self, WireError> {
        let body = Reader::new(body);
        let (name, frame) = match kind {
            ATTACH => ("ATTACH", attach(body)),
            CANCEL => ("CANCEL", cancel(body)),
            DATA => ("DATA", data(body)),
            WINDOW => ("WINDOW", window(body)),
            DETACH => ("DETACH", detach(body)),
            HEALTH => (
                "HEALTH",
                body.report("report")
                    .map(|report| Self::Health(Box::new(report))),
            ),
            CENSUS => ("CENSUS", census(body)),
            kind => return Err(WireError::UnknownKind { kind }),
        };
        frame.map_err(|source| WireError::Body { kind: name, source })
    }
}

fn put_attach(out: &mut BytesMut, attach: &Attach) {
    put_short(out, attach.client_id.as_bytes());
    out.put_u8(attach.client_id_assigned.into());
    out.put_u8(attach.principal.is_some().into());
    put_short(
        out,
        attach.principal.as_deref().unwrap_or_default().as_bytes(),
    );
    out.put_u8(match attach.protocol {
        Protocol::V311 => 4,
        Protocol::V5 => 5,
    });
    put_address(out, attach.peer);
    out.put_u32(attach.max_packet_bytes);
    out.put_u8(attach.server_keep_alive.is_some().into());
    out.put_u16(attach.server_keep_alive.unwrap_or_default());
    out.put_u8(attach.authenticated.is_some().into());
    if let Some(authenticated) = &attach.authenticated {
        put_short(out, authenticated.method.as_bytes());
        out.put_u8(authenticated.data.is_some().into());
        put_short(out, authenticated.data.as_deref().unwrap_or_default());
    }
    out.put_u16(attach.topic_alias_maximum);
    put_limits(out, &attach.limits);
    out.put_slice(&attach.connect);
}

/// Zero stands for none.
fn put_limits(out: &mut BytesMut, limits: &ListenerLimits) {
    let long = |limit: Option<NonZeroU32>| limit.map_or(0, NonZeroU32::get);
    let short = |limit: Option<NonZeroU16>| limit.map_or(0, NonZeroU16::get);
    out.put_u32(long(limits.max_queued_messages));
    out.put_u32(long(limits.max_queued_bytes));
    out.put_u16(short(limits.max_inflight));
    out.put_u16(short(limits.receive_maximum));
    out.put_u16(short(limits.max_topic_bytes));
    out.put_u8(limits.max_topic_levels.map_or(0, NonZeroU8::get));
    out.put_u32(long(limits.max_subscriptions));
}

fn limits(body: &mut Reader) -> Result<ListenerLimits, FieldError> {
    Ok(ListenerLimits {
        max_queued_messages: NonZeroU32::new(body.u32("max queued messages")?),
        max_queued_bytes: NonZeroU32::new(body.u32("max queued bytes")?),
        max_inflight: NonZeroU16::new(body.u16("max inflight")?),
        receive_maximum: NonZeroU16::new(body.u16("receive maximum")?),
        max_topic_bytes: NonZeroU16::new(body.u16("max topic bytes")?),
        max_topic_levels: NonZeroU8::new(body.u8("max topic levels")?),
        max_subscriptions: NonZeroU32::new(body.u32("max subscriptions")?),
    })
}

fn attach(mut body: Reader) -> Result<ToShard, FieldError> {
    let stream = body.stream()?;
    let client_id = body.text("client id")?;
    let client_id_assigned = body.flag("client id assigned")?;
    let has_principal = body.flag("has principal")?;
    let principal = Some(body.text("principal")?).filter(|_| has_principal);
    let protocol = match body.u8("protocol")? {
        4 => Protocol::V311,
        5 => Protocol::V5,
        value => {
            return Err(FieldError::Unknown {
                field: "protocol",
                value: value.into(),
            });
        }
    };
    let peer = body.address("peer")?;
    let max_packet_bytes = body.u32("max packet bytes")?;
    let has_server_keep_alive = body.flag("has server keep alive")?;
    let server_keep_alive = Some(body.u16("server keep alive")?).filter(|_| has_server_keep_alive);
    let is_authenticated = body.flag("is authenticated")?;
    let authenticated = if is_authenticated {
        Some(authenticated(&mut body)?)
    } else {
        None
    };
    let topic_alias_maximum = body.u16("topic alias maximum")?;
    let limits = limits(&mut body)?;
    let attach = Attach {
        client_id,
        client_id_assigned,
        principal,
        protocol,
        connect: body.rest(),
        peer,
        max_packet_bytes,
        server_keep_alive,
        authenticated,
        topic_alias_maximum,
        limits,
    };
    Ok(ToShard::Attach {
        stream,
        attach: Box::new(attach),
    })
}

fn authenticated(body: &mut Reader) -> Result<Authenticated, FieldError> {
    let method = body.text("authentication method")?;
    let has_data = body.flag("has authentication data")?;
    let data = Some(body.short("authentication data")?).filter(|_| has_data);
    Ok(Authenticated { method, data })
}

fn census(body: Reader) -> Result<ToShard, FieldError> {
    let report = CensusReport::decode(&body.rest());
    let report = report.map_err(|error| FieldError::of_table("count", &error))?;
    Ok(ToShard::Census(Arc::new(report)))
}

fn cancel(mut body: Reader) -> Result<ToShard, FieldError> {
    let stream = body.stream()?;
    body.end()?;
    Ok(ToShard::Cancel { stream })
}

fn data(mut body: Reader) -> Result<ToShard, FieldError> {
    let stream = body.stream()?;
    Ok(ToShard::Data {
        stream,
        packets: body.rest(),
    })
}

fn window(mut body: Reader) -> Result<ToShard, FieldError> {
    let (stream, bytes) = (body.stream()?, body.u32("bytes")?);
    body.end()?;
    Ok(ToShard::Window { stream, bytes })
}

fn detach(mut body: Reader) -> Result<ToShard, FieldError> {
    let (stream, reason) = (body.stream()?, reason(body.u8("reason")?)?);
    body.end()?;
    Ok(ToShard::Detach { stream, reason })
}

fn reason_code(reason: DetachReason) -> u8 {
    match reason {
        DetachReason::PeerGone => 0,
        DetachReason::KeepAliveExpired => 1,
        DetachReason::ProtocolError => 2,
        DetachReason::EdgeShutdown => 3,
        DetachReason::TooSlow => 4,
    }
}

fn reason(code: u8) -> Result<DetachReason, FieldError> {
    match code {
        0 => Ok(DetachReason::PeerGone),
        1 => Ok(DetachReason::KeepAliveExpired),
        2 => Ok(DetachReason::ProtocolError),
        3 => Ok(DetachReason::EdgeShutdown),
        4 => Ok(DetachReason::TooSlow),
        value => Err(FieldError::Unknown {
            field: "reason",
            value: value.into(),
        }),
    }
}

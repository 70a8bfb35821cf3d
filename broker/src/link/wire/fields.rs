//! The pieces of frame bodies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use herdgate_admission::slicing::SpecError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::link::StreamId;
use crate::process::Causes;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    #[error("failed to read {field}: the frame ends before it does")]
    CutOff { field: &'static str },
    #[error("failed to read {field}: the value {value} is unknown")]
    Unknown { field: &'static str, value: u32 },
    #[error("failed to read {field}: it is not UTF-8")]
    NotText { field: &'static str },
    #[error("failed to read {field}: {reason}")]
    Report { field: &'static str, reason: String },
    #[error("failed to end: {left} bytes follow the last field")]
    Trailing { left: usize },
}

impl FieldError {
    /// The error with what it came from.
    pub(super) fn of_table(field: &'static str, error: &SpecError) -> Self {
        let reason = Causes(error).to_string();
        Self::Report { field, reason }
    }
}

/// Reads a body field by field.
pub(super) struct Reader {
    body: Bytes,
}

impl Reader {
    pub(super) fn new(body: Bytes) -> Self {
        Self { body }
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, FieldError> {
        self.body
            .try_get_u8()
            .map_err(|_| FieldError::CutOff { field })
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, FieldError> {
        self.body
            .try_get_u16()
            .map_err(|_| FieldError::CutOff { field })
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, FieldError> {
        self.body
            .try_get_u32()
            .map_err(|_| FieldError::CutOff { field })
    }

    pub(super) fn u64(&mut self, field: &'static str) -> Result<u64, FieldError> {
        self.body
            .try_get_u64()
            .map_err(|_| FieldError::CutOff { field })
    }

    pub(super) fn flag(&mut self, field: &'static str) -> Result<bool, FieldError> {
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(FieldError::Unknown {
                field,
                value: value.into(),
            }),
        }
    }

    pub(super) fn stream(&mut self) -> Result<StreamId, FieldError> {
        self.u32("stream").map(StreamId)
    }

    /// Bytes behind a length of two.
    pub(super) fn short(&mut self, field: &'static str) -> Result<Bytes, FieldError> {
        let len = usize::from(self.u16(field)?);
        if len > self.body.len() {
            return Err(FieldError::CutOff { field });
        }
        Ok(self.body.split_to(len))
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<Arc<str>, FieldError> {
        let bytes = self.short(field)?;
        std::str::from_utf8(&bytes)
            .map(Arc::from)
            .map_err(|_| FieldError::NotText { field })
    }

    pub(super) fn address(&mut self, field: &'static str) -> Result<SocketAddr, FieldError> {
        let ip = match self.u8(field)? {
            4 => IpAddr::V4(Ipv4Addr::from_bits(self.u32(field)?)),
            6 => {
                let high = u128::from(self.u64(field)?);
                IpAddr::V6(Ipv6Addr::from_bits(
                    high << 64 | u128::from(self.u64(field)?),
                ))
            }
            value => {
                return Err(FieldError::Unknown {
                    field,
                    value: value.into(),
                });
            }
        };
        Ok(SocketAddr::new(ip, self.u16(field)?))
    }

    /// All that is left.
    pub(super) fn rest(self) -> Bytes {
        self.body
    }

    pub(super) fn report<T: DeserializeOwned>(self, field: &'static str) -> Result<T, FieldError> {
        serde_json::from_slice(&self.body).map_err(|error| FieldError::Report {
            field,
            reason: error.to_string(),
        })
    }

    pub(super) fn end(self) -> Result<(), FieldError> {
        match self.body.len() {
            0 => Ok(()),
            left => Err(FieldError::Trailing { left }),
        }
    }
}

/// `bytes` must be at most 64 KiB long, as every string of MQTT is; what is over is cut off.
pub(super) fn put_short(out: &mut BytesMut, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.put_u16(len);
    out.put_slice(&bytes[..usize::from(len)]);
}

pub(super) fn put_address(out: &mut BytesMut, address: SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            out.put_u8(4);
            out.put_u32(ip.to_bits());
        }
        IpAddr::V6(ip) => {
            out.put_u8(6);
            out.put_u128(ip.to_bits());
        }
    }
    out.put_u16(address.port());
}

pub(super) fn put_report<T: Serialize>(out: &mut BytesMut, report: &T) {
    // Plain structs of numbers and strings: serde_json has nothing to refuse.
    if let Ok(text) = serde_json::to_vec(report) {
        out.put_slice(&text);
    }
}

//! Numbers and texts as few bytes, for what is stored and sent. Reading never panics and never believes in a length
//! before the bytes are there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::addresses::canonical_net;

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BytesError {
    #[error("failed to read {field}: the bytes end before it does")]
    CutOff { field: &'static str },
    #[error("failed to read {field}: {reason}")]
    Bad {
        field: &'static str,
        reason: &'static str,
    },
    #[error("failed to end: {left} bytes follow the last field")]
    Trailing { left: usize },
}

pub(crate) fn bad(field: &'static str, reason: &'static str) -> BytesError {
    BytesError::Bad { field, reason }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
pub(crate) fn put_number(out: &mut Vec<u8>, number: impl Into<u128>) {
    let mut number: u128 = number.into();
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7F) as u8);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u128);
    out.extend_from_slice(bytes);
}

pub(crate) fn put_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => {
            out.push(4);
            out.extend_from_slice(&v4.octets());
        }
        IpAddr::V6(v6) => {
            out.push(6);
            out.extend_from_slice(&v6.octets());
        }
    }
}

pub(crate) fn put_net(out: &mut Vec<u8>, net: IpNet) {
    put_address(out, net.addr());
    out.push(net.prefix_len());
}

/// Reads field by field.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(
        &mut self,
        count: usize,
        field: &'static str,
    ) -> Result<&'a [u8], BytesError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(BytesError::CutOff { field })?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self, field: &'static str) -> Result<u8, BytesError> {
        self.take(1, field).map(|byte| byte[0])
    }

    pub(crate) fn flag(&mut self, field: &'static str) -> Result<bool, BytesError> {
        match self.byte(field)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(bad(field, "it is neither 0 nor 1")),
        }
    }

    pub(crate) fn number(&mut self, field: &'static str) -> Result<u128, BytesError> {
        let mut number = 0_u128;
        for shift in (0..u128::BITS).step_by(7) {
            let byte = self.byte(field)?;
            let part = u128::from(byte & 0x7F);
            if part != 0 && part.leading_zeros() < shift {
                return Err(bad(field, "it is too large"));
            }
            number |= part << shift;
            if byte == 0 && shift > 0 {
                return Err(bad(field, "it is longer than needed"));
            }
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(bad(field, "it is too long"))
    }

    /// A number that fits into `T`.
    pub(crate) fn fitting<T: TryFrom<u128>>(
        &mut self,
        field: &'static str,
    ) -> Result<T, BytesError> {
        T::try_from(self.number(field)?).map_err(|_| bad(field, "it is too large"))
    }

    /// How many of something follow; each takes a byte at least.
    pub(crate) fn count(&mut self, field: &'static str, most: usize) -> Result<usize, BytesError> {
        let count = self.fitting::<usize>(field)?;
        if count > most {
            return Err(bad(field, "there are too many"));
        }
        if count > self.0.len() {
            return Err(BytesError::CutOff { field });
        }
        Ok(count)
    }

    pub(crate) fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], BytesError> {
        let len = self.fitting(field)?;
        self.take(len, field)
    }

    pub(crate) fn text(&mut self, field: &'static str) -> Result<&'a str, BytesError> {
        std::str::from_utf8(self.bytes(field)?).map_err(|_| bad(field, "it is not UTF-8"))
    }

    pub(crate) fn address(&mut self, field: &'static str) -> Result<IpAddr, BytesError> {
        match self.byte(field)? {
            4 => {
                let octets = self.take(4, field)?.try_into();
                octets
                    .map(|octets: [u8; 4]| IpAddr::V4(Ipv4Addr::from(octets)))
                    .map_err(|_| BytesError::CutOff { field })
            }
            6 => {
                let octets = self.take(16, field)?.try_into();
                octets
                    .map(|octets: [u8; 16]| IpAddr::V6(Ipv6Addr::from(octets)))
                    .map_err(|_| BytesError::CutOff { field })
            }
            _ => Err(bad(field, "its family is neither 4 nor 6")),
        }
    }

    pub(crate) fn net(&mut self, field: &'static str) -> Result<IpNet, BytesError> {
        let address = self.address(field)?;
        let net = IpNet::new(address, self.byte(field)?);
        let net = net.map_err(|_| bad(field, "its prefix is too long"))?;
        if canonical_net(net) == net {
            Ok(net)
        } else {
            Err(bad(
                field,
                "it has host bits, or is IPv4 in the form of IPv6",
            ))
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn end(self) -> Result<(), BytesError> {
        match self.0.len() {
            0 => Ok(()),
            left => Err(BytesError::Trailing { left }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_put_is_read(number: u128, small: u32, text: String, address: IpAddr) {
            let mut out = Vec::new();
            put_number(&mut out, number);
            put_number(&mut out, small);
            put_bytes(&mut out, text.as_bytes());
            put_address(&mut out, address);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.number("number"), Ok(number));
            prop_assert_eq!(reader.fitting::<u32>("small"), Ok(small));
            prop_assert_eq!(reader.text("text"), Ok(text.as_str()));
            prop_assert_eq!(reader.address("address"), Ok(address));
            prop_assert_eq!(reader.end(), Ok(()));
            let mut cut = Reader::new(&out[..out.len() - 1]);
            let read = cut.number("number").and_then(|_| cut.number("small")).and_then(|_| cut.text("text"));
            prop_assert!(read.is_err() || cut.address("address").is_err());
        }
    }

    #[test]
    fn lengths_are_not_believed_in() {
        let mut out = Vec::new();
        put_number(&mut out, 1_u64 << 40);
        assert_eq!(
            Reader::new(&out).count("clients", usize::MAX),
            Err(BytesError::CutOff { field: "clients" })
        );
        assert_eq!(
            Reader::new(&[9, 1]).count("clients", 8),
            Err(bad("clients", "there are too many"))
        );
        assert_eq!(
            Reader::new(&[0xFF; 19]).number("n"),
            Err(bad("n", "it is too large"))
        );
        assert_eq!(
            Reader::new(&[0x80; 19]).number("n"),
            Err(bad("n", "it is too long"))
        );
    }
}

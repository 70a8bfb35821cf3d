//! Reading fields of a packet without trusting one of them.

use super::{PacketId, Violation};

type Result<T> = std::result::Result<T, Violation>;

/// Walks over a packet's body. Every method moves past what it returns.
pub(super) struct Cursor<'a> {
    whole: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(whole: &'a [u8], at: usize) -> Self {
        Self {
            whole,
            at: at.min(whole.len()),
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.whole.len()
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(len).ok_or(Violation::TooShort)?;
        let taken = self.whole.get(self.at..end).ok_or(Violation::TooShort)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn packet_id(&mut self) -> Result<PacketId> {
        PacketId::new(self.u16()?).ok_or(Violation::PacketIdZero)
    }

    /// Two bytes of length, then as many bytes.
    pub(super) fn binary(&mut self) -> Result<&'a [u8]> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    /// UTF-8 without surrogates [MQTT-1.5.4-1] and without U+0000 [MQTT-1.5.4-2]. Control characters and non-characters,
    /// which senders should avoid (section 1.5.4), are taken: fielded devices send them, and no part of us minds.
    pub(super) fn string(&mut self) -> Result<&'a str> {
        let text = std::str::from_utf8(self.binary()?).map_err(|_| Violation::NotUtf8)?;
        if text.as_bytes().contains(&0) {
            Err(Violation::Nul)
        } else {
            Ok(text)
        }
    }

    /// A variable byte integer in the fewest bytes [MQTT-1.5.5-1].
    pub(super) fn length(&mut self) -> Result<usize> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.u8()?;
            value |= usize::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                let padded = shift > 0 && byte == 0;
                return if padded {
                    Err(Violation::LengthEncoding)
                } else {
                    Ok(value)
                };
            }
        }
        Err(Violation::LengthEncoding)
    }

    pub(super) fn end(&self) -> Result<()> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Violation::TrailingBytes)
        }
    }

    /// The part of the packet that a length before it announces, as a cursor of its own.
    pub(super) fn part(&mut self) -> Result<Cursor<'a>> {
        let len = self.length()?;
        Ok(Cursor::new(self.take(len)?, 0))
    }
}

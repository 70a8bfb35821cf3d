//! What a client's frames carry, taken out of them in place.

use super::header::{self, Control, Header, Kind, MOST_HEADER_BYTES};
use super::mask::unmask;
use super::{Close, CloseCode, close};

/// One connection's frames, as they come in. Holds no memory of its own but what a control frame in pieces needs.
#[derive(Debug, Default)]
pub struct Decoder {
    /// A header in pieces.
    header: [u8; MOST_HEADER_BYTES],
    header_bytes: u8,
    frame: Option<Frame>,
    /// A message has begun and not ended.
    in_message: bool,
    /// The body of a control frame, as far as it has come.
    control: Vec<u8>,
}

/// A frame whose header is read.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    /// Bytes of the body to come.
    left: u64,
    /// Of the next byte.
    mask: [u8; 4],
}

/// What became of some bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// So many bytes of messages now stand at the beginning.
    pub bytes: usize,
    /// What the last ping among them said: it alone need be answered (section 5.5.3).
    pub ping: Option<Vec<u8>>,
    /// Nothing that follows counts.
    pub ending: Option<Ending>,
}

/// How the client's side ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has sent a close frame; this answers it.
    Closed(Close),
    /// It has broken the rules; this tells it.
    Failed(CloseCode),
}

impl Decoder {
    /// Takes the frames in `bytes` apart, and moves what they carry to the front.
    pub fn decode(&mut self, bytes: &mut [u8]) -> Decoded {
        let mut decoded = Decoded::default();
        let mut at = 0;
        while at < bytes.len() && decoded.ending.is_none() {
            let step = match self.frame {
                None => self.read_header(&bytes[at..], &mut decoded),
                Some(frame) => Ok(self.read_body(frame, bytes, at, &mut decoded)),
            };
            match step {
                Ok(used) => at += used,
                Err(code) => decoded.ending = Some(Ending::Failed(code)),
            }
        }
        decoded
    }

    /// Returns how many of `bytes` belong to the header.
    fn read_header(&mut self, bytes: &[u8], decoded: &mut Decoded) -> Result<usize, CloseCode> {
        let had = usize::from(self.header_bytes);
        let free = &mut self.header[had..];
        let new = bytes.len().min(free.len());
        free[..new].copy_from_slice(&bytes[..new]);
        let Some((header, length)) = header::read(&self.header[..had + new])? else {
            // As many as a header may have hold a whole one.
            self.header_bytes += u8::try_from(new).unwrap_or_default();
            return Ok(new);
        };
        self.header_bytes = 0;
        self.begin(header, decoded)?;
        Ok(length.saturating_sub(had))
    }

    fn begin(&mut self, header: Header, decoded: &mut Decoded) -> Result<(), CloseCode> {
        match header.kind {
            Kind::Control(_) => {}
            Kind::Binary if self.in_message => return Err(CloseCode::PROTOCOL_ERROR),
            Kind::Continuation if !self.in_message => return Err(CloseCode::PROTOCOL_ERROR),
            Kind::Binary | Kind::Continuation => self.in_message = !header.is_final,
        }
        self.frame = Some(Frame {
            kind: header.kind,
            left: header.length,
            mask: header.mask,
        });
        if header.length == 0 {
            self.end(header.kind, decoded);
        }
        Ok(())
    }

    /// Returns how many bytes from `at` on belong to the body.
    fn read_body(
        &mut self,
        mut frame: Frame,
        bytes: &mut [u8],
        at: usize,
        decoded: &mut Decoded,
    ) -> usize {
        let here = bytes.len() - at;
        let used = usize::try_from(frame.left).map_or(here, |left| left.min(here));
        let body = at..at + used;
        if let Kind::Control(_) = frame.kind {
            frame.mask = unmask(&mut bytes[body.clone()], frame.mask);
            self.control.extend_from_slice(&bytes[body]);
        } else {
            bytes.copy_within(body, decoded.bytes);
            let moved = decoded.bytes..decoded.bytes + used;
            frame.mask = unmask(&mut bytes[moved], frame.mask);
            decoded.bytes += used;
        }
        frame.left -= used as u64;
        self.frame = Some(frame);
        if frame.left == 0 {
            self.end(frame.kind, decoded);
        }
        used
    }

    /// The frame is whole.
    fn end(&mut self, kind: Kind, decoded: &mut Decoded) {
        self.frame = None;
        let Kind::Control(control) = kind else { return };
        let body = std::mem::take(&mut self.control);
        match control {
            Control::Pong => {}
            Control::Ping => decoded.ping = Some(body),
            Control::Close => {
                decoded.ending = Some(match close::read(&body) {
                    Ok(said) => Ending::Closed(said),
                    Err(code) => Ending::Failed(code),
                });
            }
        }
    }
}

//! Our control frames that wait to be written between two data frames.

use super::Close;
use super::close;
use super::header::{self, Control};

/// At most one pong that is being written, the newest one behind it, and a close frame.
#[derive(Debug, Default)]
pub struct ControlFrames {
    /// The frame on its way.
    writing: Vec<u8>,
    written: usize,
    /// An answer that has not begun; a newer one takes its place.
    pong: Option<Vec<u8>>,
    close: Option<Close>,
    closed: bool,
}

impl ControlFrames {
    /// Answers a ping.
    pub fn pong(&mut self, body: &[u8]) {
        self.pong = Some(header::control(Control::Pong, body));
    }

    /// The last frame there is; what is said first stays.
    pub fn close(&mut self, said: Close) {
        self.close.get_or_insert(said);
    }

    /// A frame has begun and not ended: nothing else may be written.
    pub fn is_midway(&self) -> bool {
        !self.writing.is_empty()
    }

    /// What to write next; empty when nothing waits.
    pub fn pending(&mut self) -> &[u8] {
        if self.writing.is_empty() {
            if let Some(pong) = self.pong.take() {
                self.writing = pong;
            } else if let Some(said) = self.close.filter(|_| !self.closed) {
                self.writing = header::control(Control::Close, &close::body(said));
                self.closed = true;
            }
        }
        self.writing.get(self.written..).unwrap_or_default()
    }

    /// So much of it was written.
    pub fn written(&mut self, bytes: usize) {
        self.written += bytes;
        if self.written >= self.writing.len() {
            self.writing = Vec::new();
            self.written = 0;
        }
    }
}

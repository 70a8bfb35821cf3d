//! What goes to the client: its outbox, as far as it takes it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

use super::Packets;
use crate::edge::outbox::PIECES;
use crate::link::ToShard;
use crate::link::frame::INITIAL_WINDOW;

/// Written bytes are told to the shard when they are this many: it has three times as many left meanwhile.
const TELL_AFTER: u32 = INITIAL_WINDOW / 4;

impl Packets<'_> {
    pub(super) fn write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut outbox = self.conn.outbox.borrow_mut();
        while !outbox.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let filled = outbox.slices(&mut slices);
            let stream = Pin::new(&mut *self.stream);
            let wrote = match &slices[..filled] {
                // the rule, and a shorter way through the kernel
                [only] => stream.poll_write(cx, only),
                several => stream.poll_write_vectored(cx, several),
            };
            match wrote {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    self.unflushed = true;
                    self.written = self.worker.clock.now();
                    self.blocked = None;
                    let told = outbox.written(written);
                    self.worker.traffic.sent(written);
                    self.untold += u32::try_from(told).unwrap_or(u32::MAX);
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.blocked.get_or_insert_with(|| self.worker.clock.now());
                    break;
                }
            }
        }
        drop(outbox);
        if self.untold >= TELL_AFTER {
            let bytes = std::mem::take(&mut self.untold);
            self.worker.send(
                self.conn,
                ToShard::Window {
                    stream: self.conn.stream,
                    bytes,
                },
            );
        }
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut *self.stream).poll_flush(cx)
        {
            self.unflushed = false;
            flushed?;
        }
        Ok(())
    }
}

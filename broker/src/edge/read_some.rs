//! Reading a client that has no session yet.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use crate::edge::stream::Stream;
use crate::edge::worker::Worker;

/// Reads what there is onto the end of `into`; 0 is the end.
pub(super) async fn read_some(
    worker: &Worker,
    stream: &mut Stream,
    into: &mut Vec<u8>,
) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut memory = worker.read_buffer.borrow_mut();
        let mut buffer = ReadBuf::new(&mut memory);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
        into.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}

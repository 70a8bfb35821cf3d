//! What follows the session: the packet loop, and how a client leaves.

use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use crate::auth::Stay;
use crate::codec::ReasonCode;
use crate::edge::conn::{Conn, Ending};
use crate::edge::outbox::Outbox;
use crate::edge::packets::{End, Packets};
use crate::edge::reauthentication::Reauthentication;
use crate::edge::shared::{ListenerShared, OpenConnection};
use crate::edge::sockets::OpenSocket;
use crate::edge::stream::Stream;
use crate::edge::worker::Worker;
use crate::edge::{closing, replies};
use crate::link::{CloseReason, DetachReason};
use crate::metrics::EdgeLimit;
use crate::websocket::CloseCode;

/// A client with a session.
pub(super) struct Entered {
    pub(super) stream: Stream,
    pub(super) conn: Rc<Conn>,
    /// Sent behind CONNECT.
    pub(super) early: Box<[u8]>,
    pub(super) reauthentication: Option<Box<Reauthentication>>,
    pub(super) stay: Stay,
    pub(super) _open: OpenConnection,
}

impl Entered {
    /// The packet loop.
    fn until_end<'a>(
        &'a mut self,
        worker: &'a Worker,
        listener: &'a ListenerShared,
    ) -> impl Future<Output = End> + 'a {
        let (settings, reauthentication) = (&listener.settings, self.reauthentication.take());
        let (conn, stream) = (&*self.conn, &mut self.stream);
        let mut packets = Packets::new(worker, conn, stream, settings, reauthentication);
        let mut begun = packets.begin(&std::mem::take(&mut self.early));
        poll_fn(move |cx| match begun.take() {
            Some(end) => Poll::Ready(end),
            None => packets.poll(cx),
        })
    }
}

/// What most clients spend their lives in. Ends with the connection.
#[allow(clippy::manual_async_fn)] // an `async fn` has room for each of its arguments twice
pub(super) fn remain(
    worker: Rc<Worker>,
    listener: Arc<ListenerShared>,
    mut entered: Entered,
    open: OpenSocket,
) -> impl Future<Output = ()> {
    async move {
        let end = entered.until_end(&worker, &listener).await;
        if is_flap(&entered.conn, end) {
            worker.shared.authenticator.flaps().ended(&entered.stay);
        }
        leave(&worker, &entered.conn, end);
        if let Some(last_words) = last_words(&entered.conn, end, &mut entered.stream) {
            Box::pin(closing::close(entered.stream, last_words)).await;
        }
        drop(open);
    }
}

/// An end that counts when it comes fast: neither the client's own DISCONNECT nor our doing.
fn is_flap(conn: &Conn, end: End) -> bool {
    match end {
        End::PeerGone => !conn.said_goodbye(),
        End::KeepAliveExpired | End::ProtocolError(_) | End::TooSlow => true,
        End::Ended(Ending::Closed(reason)) => match reason {
            CloseReason::TakenOver | CloseReason::ProtocolError => true,
            CloseReason::Disconnected | CloseReason::ShuttingDown => false,
        },
        End::Ended(Ending::Refused | Ending::LinkLost | Ending::Drained) => false,
    }
}

/// Tells the shard, if it does not know.
fn leave(worker: &Worker, conn: &Conn, end: End) {
    let reason = match end {
        End::PeerGone => DetachReason::PeerGone,
        End::KeepAliveExpired => {
            worker.shared.metrics.edge.keep_alive_expired.inc();
            DetachReason::KeepAliveExpired
        }
        End::ProtocolError(_) => DetachReason::ProtocolError,
        End::TooSlow => {
            worker.shared.metrics.edge.limits.inc(EdgeLimit::Unread);
            DetachReason::TooSlow
        }
        End::Ended(_) => DetachReason::EdgeShutdown,
    };
    worker.release(conn, reason, is_flap(conn, end));
}

/// What is still to be written; `None`: nobody would read it.
fn last_words(conn: &Conn, end: End, stream: &mut Stream) -> Option<Outbox> {
    let code = match end {
        // The answer to a close frame, which a frame that has begun must not be cut off by.
        End::PeerGone if stream.owes_close() && stream.is_midway() => None,
        End::PeerGone if stream.owes_close() => return Some(Outbox::default()),
        End::PeerGone | End::Ended(Ending::LinkLost) => return None,
        End::KeepAliveExpired => Some(ReasonCode::KEEP_ALIVE_TIMEOUT),
        End::ProtocolError(code) => Some(code),
        // What waits before it will hardly be read; a client that begins again learns why.
        End::TooSlow => Some(ReasonCode::QUOTA_EXCEEDED),
        End::Ended(Ending::Drained) => {
            stream.will_close(CloseCode::GOING_AWAY);
            Some(ReasonCode::SERVER_SHUTTING_DOWN)
        }
        // The shard has said it already.
        End::Ended(Ending::Refused | Ending::Closed(_)) => None,
    };
    let mut outbox = conn.outbox.take();
    if let Some(code) = code {
        outbox.push(replies::disconnect(conn.hearer(), code), 0);
    }
    Some(outbox)
}

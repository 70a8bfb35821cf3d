//! From a login to a session: the shard is asked, and the client's patience runs.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};

use super::conn::{Conn, Ending};
use super::connect::{self, Opening};
use super::read_some::read_some;
use super::replies::Hearer;
use super::shared::ListenerShared;
use super::stream::Stream;
use super::worker::Worker;
use super::{aliases, keepalive, peer, replies};
use crate::auth::Identity;
use crate::codec::Protocol;
use crate::link::{Attach, ToShard};
use crate::metrics::EdgeLimit;

/// What a client may send before it has heard that it may: a few SUBSCRIBEs.
const MOST_EARLY: usize = 16 * 1024;
/// How often a client is looked after that has sent so much that it is not read any more.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Why there is no session.
#[derive(Debug)]
pub(super) enum NoSession {
    Gone,
    /// Say this, then close.
    Refused(Bytes),
    /// The shard said no; its CONNACK lies in the outbox.
    RefusedBy(Rc<Conn>),
}

/// Waits for half the patience at most, for the shard's link and for its answer together.
pub(super) async fn attach(
    worker: &Rc<Worker>,
    listener: &ListenerShared,
    stream: &mut Stream,
    opening: &mut Opening,
    identity: Identity,
    peer: SocketAddr,
    shard: usize,
) -> Result<Rc<Conn>, NoSession> {
    let hearer = Hearer::of(&opening.connect);
    let deadline = Instant::now() + worker.shared.patience() / 2;
    let up = async {
        worker.links.until_up(shard).await;
        worker.until_granted(shard).await;
    };
    match or_left(worker, stream, &mut opening.early, deadline, up).await {
        Waited::Over => {
            worker.waited_in_vain(peer.ip(), shard);
            return Err(NoSession::Refused(if worker.links.is_up(shard) {
                replies::busy(hearer)
            } else {
                replies::unavailable(hearer)
            }));
        }
        Waited::Left => return Err(NoSession::Gone),
        Waited::For(()) => {}
    }
    let Some(conn) = ask(worker, listener, opening, identity, peer, shard) else {
        return Err(NoSession::Refused(replies::unavailable(hearer)));
    };
    let waited = or_left(worker, stream, &mut opening.early, deadline, answer(&conn)).await;
    if let Waited::For(None) = waited {
        return Ok(conn);
    }
    worker.cancel(&conn);
    Err(match waited {
        Waited::For(Some(Ending::Refused)) => NoSession::RefusedBy(conn),
        Waited::For(_) => NoSession::Refused(replies::unavailable(hearer)),
        Waited::Over => {
            worker.waited_in_vain(peer.ip(), shard);
            NoSession::Refused(replies::busy(hearer))
        }
        Waited::Left => NoSession::Gone,
    })
}

/// How a wait with a client came out.
enum Waited<T> {
    For(T),
    /// The time is over.
    Over,
    /// The client has left.
    Left,
}

async fn or_left<T>(
    worker: &Worker,
    stream: &mut Stream,
    early: &mut Vec<u8>,
    deadline: Instant,
    wanted: impl Future<Output = T>,
) -> Waited<T> {
    tokio::select! {
        biased;
        found = timeout_at(deadline, wanted) => found.map_or(Waited::Over, Waited::For),
        () = left(worker, stream, early) => Waited::Left,
    }
}

/// Sends the ATTACH. `None`: the CONNECT has no bytes without its credentials.
fn ask(
    worker: &Worker,
    listener: &ListenerShared,
    opening: &Opening,
    identity: Identity,
    peer: SocketAddr,
    shard: usize,
) -> Option<Rc<Conn>> {
    let protocol = opening.connect.protocol;
    let server_keep_alive = server_keep_alive(listener, opening);
    if server_keep_alive.is_some() {
        worker.shared.metrics.edge.limits.inc(EdgeLimit::KeepAlive);
    }
    let keep_alive = server_keep_alive.unwrap_or(opening.connect.keep_alive);
    let attach = Box::new(Attach {
        client_id: identity.client_id,
        client_id_assigned: identity.client_id_assigned,
        principal: identity.principal,
        protocol,
        connect: connect::without_credentials(opening)?,
        peer,
        max_packet_bytes: listener.settings.max_packet_bytes,
        server_keep_alive,
        authenticated: identity.authenticated,
        topic_alias_maximum: listener.settings.topic_alias_maximum,
        limits: listener.settings.limits,
    });
    let hearer = Hearer::of(&opening.connect);
    let conn = worker.open(shard, hearer, keepalive::patience(keep_alive));
    conn.use_aliases(outbound_aliases(listener, opening));
    let stream = conn.stream;
    worker.send(&conn, ToShard::Attach { stream, attach });
    Some(conn)
}

fn outbound_aliases(listener: &ListenerShared, opening: &Opening) -> Option<aliases::Outbound> {
    let wishes = &opening.connect.properties;
    let max_packet = wishes
        .maximum_packet_size
        .map_or(usize::MAX, |size| size.get() as usize);
    let ours = listener.settings.topic_alias_maximum;
    aliases::Outbound::new(wishes.topic_alias_maximum, ours, max_packet)
}

/// The keep-alive that is enforced instead of the client's; only MQTT 5 can be told.
fn server_keep_alive(listener: &ListenerShared, opening: &Opening) -> Option<u16> {
    let cap = listener.settings.max_keep_alive_seconds?;
    let wanted = opening.connect.keep_alive;
    (opening.connect.protocol == Protocol::V5 && (wanted == 0 || wanted > cap)).then_some(cap)
}

/// `None`: attached.
async fn answer(conn: &Conn) -> Option<Ending> {
    poll_fn(|cx| {
        conn.wait_with(cx.waker());
        match (conn.is_attached(), conn.ending()) {
            (true, _) => Poll::Ready(None),
            (false, Some(ending)) => Poll::Ready(Some(ending)),
            (false, None) => Poll::Pending,
        }
    })
    .await
}

/// Waits until the client has left, keeping what it sends meanwhile.
pub(super) async fn left(worker: &Worker, stream: &mut Stream, early: &mut Vec<u8>) {
    while early.len() < MOST_EARLY {
        match read_some(worker, stream, early).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    while !peer::is_gone(stream.socket()) {
        sleep(LOOK_EVERY).await;
    }
}

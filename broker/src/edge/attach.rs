//! From a login to a session: the shard is asked, and the client's patience runs.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{sleep, timeout};

use super::conn::{Conn, Ending};
use super::connect::{self, Opening};
use super::packets::read_some;
use super::shared::ListenerShared;
use super::stream::Stream;
use super::worker::Worker;
use super::{keepalive, peer, replies};
use crate::auth::Identity;
use crate::codec::Protocol;
use crate::link::{Attach, ToShard};

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

/// Waits for half the patience at most.
pub(super) async fn attach(
    worker: &Rc<Worker>,
    listener: &ListenerShared,
    stream: &mut Stream,
    opening: &mut Opening,
    identity: Identity,
    peer: SocketAddr,
) -> Result<Rc<Conn>, NoSession> {
    let protocol = opening.connect.protocol;
    let unavailable = || NoSession::Refused(replies::unavailable(protocol));
    let Some(shard) = worker.links.shard_of(&identity.client_id) else {
        return Err(unavailable());
    };
    let packet = connect::without_credentials(opening).ok_or_else(unavailable)?;
    let server_keep_alive = server_keep_alive(listener, opening);
    let keep_alive = server_keep_alive.unwrap_or(opening.connect.keep_alive);
    let attach = Box::new(Attach {
        client_id: identity.client_id,
        client_id_assigned: identity.client_id_assigned,
        principal: identity.principal,
        protocol,
        connect: packet,
        peer,
        max_packet_bytes: listener.settings.max_packet_bytes,
        server_keep_alive,
    });
    let conn = worker.open(shard, protocol, keepalive::patience(keep_alive));
    worker.send(
        &conn,
        ToShard::Attach {
            stream: conn.stream,
            attach,
        },
    );
    let waited = tokio::select! {
        biased;
        answered = timeout(worker.shared.patience() / 2, answer(&conn)) => Some(answered),
        () = left(worker, stream, &mut opening.early) => None,
    };
    match waited {
        Some(Ok(None)) => Ok(conn),
        Some(Ok(Some(Ending::Refused))) => Err(NoSession::RefusedBy(conn)),
        Some(Ok(Some(_))) => Err(unavailable()),
        Some(Err(_)) => {
            worker.cancel(&conn);
            Err(NoSession::Refused(replies::busy(protocol)))
        }
        None => {
            worker.cancel(&conn);
            Err(NoSession::Gone)
        }
    }
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

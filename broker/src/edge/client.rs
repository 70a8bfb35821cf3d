//! One client from accept to close.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use tokio::net::TcpStream;

use super::arrival::{Arrival, waits_for};
use super::attach::{self, NoSession};
use super::conn::{Conn, Ending};
use super::connect::{self, NoOpening};
use super::entering::Entering;
use super::gate::Answer;
use super::handshake::NoTls;
use super::login::login;
use super::outbox::Outbox;
use super::packets::{End, Packets};
use super::proxied::Peer;
use super::reauthentication::Reauthentication;
use super::shared::{ListenerShared, OpenConnection};
use super::sockets::OpenSocket;
use super::stream::{Stream, Transport};
use super::upgrade::NoUpgrade;
use super::worker::Worker;
use super::{closing, handshake, peer, proxied, replies, upgrade};
use crate::auth::{Identity, Stay};
use crate::codec::ReasonCode;
use crate::link::{CloseReason, DetachReason};
use crate::metrics::EdgeLimit;
use crate::websocket::CloseCode;

/// A client with a session.
struct Entered {
    stream: Stream,
    conn: Rc<Conn>,
    /// Sent behind CONNECT.
    early: Box<[u8]>,
    reauthentication: Option<Box<Reauthentication>>,
    stay: Stay,
    _open: OpenConnection,
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

/// From accept to a session or to the end; whoever has a session stays in a task of its own.
pub(super) async fn run(
    worker: Rc<Worker>,
    listener: Arc<ListenerShared>,
    socket: TcpStream,
    from: SocketAddr,
    open: OpenSocket,
) {
    let entering = enter(Rc::clone(&worker), Arc::clone(&listener), socket, from);
    if let Some(entered) = entering.await {
        // The way in needs several times the room of what follows, and a task keeps its room until it ends.
        tokio::task::spawn_local(remain(worker, listener, entered, open));
    }
}

/// What most clients spend their lives in. Ends with the connection.
#[allow(clippy::manual_async_fn)] // an `async fn` has room for each of its arguments twice
fn remain(
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

async fn enter(
    worker: Rc<Worker>,
    listener: Arc<ListenerShared>,
    socket: TcpStream,
    from: SocketAddr,
) -> Option<Entered> {
    let since = Instant::now();
    let (socket, entering, peer) = pass(&worker, &listener, socket, from).await?;
    let Some(open) = listener.try_open() else {
        entering.as_ref().inspect(|entering| entering.spare());
        peer::reset(socket);
        return None;
    };
    let (stream, certificate) = match secure(&worker, &listener, socket, entering.as_ref()).await {
        Ok(secured) => secured,
        Err(NoTls::Gone) => return None,
        Err(NoTls::Alerted(socket)) => {
            // Somebody else may enter while the client reads its alert.
            drop(entering);
            Box::pin(handshake::end(socket)).await;
            return None;
        }
    };
    let deadline = tokio::time::Instant::now() + listener.settings.connect_timeout;
    let (mut stream, entering) = upgrade(&worker, &listener, stream, entering, deadline).await?;
    let mut opening = match connect::read(&worker, &listener, &mut stream, deadline).await {
        Ok(opening) => opening,
        Err(NoOpening::Gone) => return part(entering, stream).await,
        Err(NoOpening::Refused(told)) => {
            return refuse(&worker, entering, stream, told).await;
        }
    };
    let mut arrival = Arrival {
        worker: &worker,
        listener: &listener,
        stream: &mut stream,
        opening: &mut opening,
        entering,
        peer,
    };
    let attached = match let_in(&mut arrival, certificate, since).await {
        Ok(identity) => attach_as(&mut arrival, &listener, identity).await,
        Err(no) => Err(no),
    };
    let entering = arrival.entering;
    match attached {
        Ok(attached) => {
            is_in(&worker, &attached.conn, peer, entering);
            Some(Entered {
                stream,
                conn: attached.conn,
                early: opening.early.into(),
                reauthentication: attached.reauthentication,
                stay: attached.stay,
                _open: open,
            })
        }
        Err(NoSession::Gone) => part(entering, stream).await,
        Err(NoSession::Refused(told)) => refuse(&worker, entering, stream, told).await,
        Err(NoSession::RefusedBy(conn)) => {
            has_connack(&worker, entering);
            Box::pin(closing::close(stream, conn.outbox.take())).await;
            None
        }
    }
}

/// It has its CONNACK, and a session: from now on it settles, and is one of its address's clients.
fn is_in(worker: &Worker, conn: &Conn, peer: SocketAddr, entering: Option<Entering>) {
    let comer = entering.as_ref().and_then(Entering::take_comer);
    worker.settles(conn, comer);
    has_connack(worker, entering);
    worker.count(conn, peer.ip());
}

/// Who the client is, once the slice of its id is open where its address does not tell.
async fn let_in(
    arrival: &mut Arrival<'_>,
    certificate: Option<Arc<str>>,
    mut since: Instant,
) -> Result<Identity, NoSession> {
    if arrival.entering.is_none() {
        Box::pin(arrival.pass_by_client_id()).await?;
        since = Instant::now();
    }
    login(arrival, certificate, since).await
}

struct Attached {
    conn: Rc<Conn>,
    reauthentication: Option<Box<Reauthentication>>,
    stay: Stay,
}

async fn attach_as(
    arrival: &mut Arrival<'_>,
    listener: &Arc<ListenerShared>,
    identity: Identity,
) -> Result<Attached, NoSession> {
    let (worker, peer) = (arrival.worker, arrival.peer);
    let largest = arrival.opening.connect.properties.maximum_packet_size;
    let reauthentication = identity.authenticated.as_ref().map(|authenticated| {
        Box::new(Reauthentication::new(
            Arc::clone(&worker.shared),
            Arc::clone(listener),
            Arc::clone(&authenticated.method),
            identity.principal.clone(),
            peer,
            largest.map(std::num::NonZeroU32::get),
        ))
    });
    let (principal, client_id) = (identity.principal.clone(), Arc::clone(&identity.client_id));
    let shard = worker.links.shard_of(&client_id);
    let (stream, opening) = (&mut *arrival.stream, &mut *arrival.opening);
    // pinned: what an `async fn` takes has room twice
    let attach = pin!(attach::attach(
        worker, listener, stream, opening, identity, peer, shard
    ));
    let entering = arrival.entering.as_ref();
    if let Some(entering) = entering {
        entering.is_for(u32::try_from(shard).unwrap_or(u32::MAX));
    }
    let attached = waits_for(entering, attach).await;
    if let (Err(NoSession::Refused(_) | NoSession::RefusedBy(_)), Some(entering)) =
        (&attached, entering)
    {
        // the shard has not taken it
        entering.spare();
    }
    let conn = attached?;
    let flaps = worker.shared.authenticator.flaps();
    Ok(Attached {
        conn,
        reauthentication,
        stay: flaps.begin(principal.as_deref(), &client_id),
    })
}

/// A client that was held for its own doing has no part in how long clients wait for us.
fn has_connack(worker: &Worker, entering: Option<Entering>) {
    if let Some(entering) = entering {
        worker.entered(entering);
    }
}

/// Through the gate, by the address that counts. Without an [`Entering`] the client id will tell.
async fn pass(
    worker: &Worker,
    listener: &ListenerShared,
    socket: TcpStream,
    from: SocketAddr,
) -> Option<(TcpStream, Option<Entering>, SocketAddr)> {
    let client = match proxied::peer(worker, listener, &socket, from).await {
        Some(Peer::Client(client)) => client,
        Some(Peer::Probe(from, place)) => {
            return Some((socket, Some(worker.begin_probing(place)), from));
        }
        None => {
            peer::reset(socket);
            return None;
        }
    };
    match worker.gate.pass(&worker.shared, socket, client.ip()).await {
        Answer::Enter(socket, place) => {
            let comer = worker.gate.comer(&worker.shared, client.ip());
            Some((socket, Some(worker.begin_entering(place, comer)), client))
        }
        Answer::Later(socket) => Some((socket, None, client)),
        Answer::Reset(socket) => {
            peer::reset(socket);
            None
        }
        Answer::Gone => None,
    }
}

/// TLS, where the listener has it, and who the client's certificate names.
async fn secure(
    worker: &Worker,
    listener: &ListenerShared,
    socket: TcpStream,
    entering: Option<&Entering>,
) -> Result<(Stream, Option<Arc<str>>), NoTls> {
    let Some(tls) = &listener.tls else {
        return Ok((Transport::Plain(socket).into(), None));
    };
    let handshakes = &worker.handshakes;
    let shared = &worker.shared;
    let handshake = handshake::handshake(handshakes, shared, tls, socket, entering);
    let stream = Box::pin(handshake).await?;
    let principal = stream.peer_certificate().and_then(crate::tls::principal);
    Ok((Transport::Tls(stream).into(), principal))
}

/// To WebSocket, where the listener speaks it.
async fn upgrade(
    worker: &Worker,
    listener: &ListenerShared,
    mut stream: Stream,
    entering: Option<Entering>,
    deadline: tokio::time::Instant,
) -> Option<(Stream, Option<Entering>)> {
    let Some(web_socket) = &listener.settings.web_socket else {
        return Some((stream, entering));
    };
    match Box::pin(upgrade::accept(worker, web_socket, &mut stream, deadline)).await {
        Ok(()) => return Some((stream, entering)),
        Err(NoUpgrade::Gone) => {}
        Err(NoUpgrade::Refused(told)) => {
            drop(entering);
            close(stream, told).await;
        }
    }
    None
}

/// Says why, if there is anything to say, and closes; the place is given back first.
async fn refuse(
    worker: &Worker,
    entering: Option<Entering>,
    stream: Stream,
    told: bytes::Bytes,
) -> Option<Entered> {
    if told.is_empty() {
        // A time to CONNACK is the time of one that was sent.
        drop(entering);
    } else {
        has_connack(worker, entering);
    }
    close(stream, told).await;
    None
}

async fn close(stream: Stream, told: bytes::Bytes) {
    let mut outbox = Outbox::default();
    outbox.push(told, 0);
    Box::pin(closing::close(stream, outbox)).await;
}

/// Nobody waits for an answer, unless WebSocket's own.
async fn part(entering: Option<Entering>, stream: Stream) -> Option<Entered> {
    drop(entering);
    if stream.owes_close() {
        Box::pin(closing::close(stream, Outbox::default())).await;
    }
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the task of a client that is connected, in blocks of 128 bytes with what tokio adds.
    #[test]
    fn the_task_of_an_idle_client_is_small() {
        fn size_of_future<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
            size_of::<F>()
        }
        let size = size_of_future(remain);
        assert!(size <= 280, "{size}");
    }

    /// All who come at once hold one each: rare ways are boxed.
    #[test]
    fn the_task_of_a_client_on_its_way_in_is_no_page() {
        fn size_of_future<A, B, C, D, E, F>(_: impl Fn(A, B, C, D, E) -> F) -> usize {
            size_of::<F>()
        }
        let size = size_of_future(run);
        assert!(size <= 2464, "{size}");
    }
}

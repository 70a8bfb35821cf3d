//! The way in: from accept to a session, or to the end.

use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpStream;

use super::remain::Entered;
use crate::auth::{Identity, Stay};
use crate::edge::arrival::{Arrival, waits_for};
use crate::edge::attach::{self, NoSession};
use crate::edge::conn::Conn;
use crate::edge::connect::{self, NoOpening};
use crate::edge::entering::Entering;
use crate::edge::gate::Answer;
use crate::edge::handshake::NoTls;
use crate::edge::login::login;
use crate::edge::outbox::Outbox;
use crate::edge::proxied::Peer;
use crate::edge::reauthentication::Reauthentication;
use crate::edge::shared::ListenerShared;
use crate::edge::stream::{Stream, Transport};
use crate::edge::upgrade::NoUpgrade;
use crate::edge::worker::Worker;
use crate::edge::{closing, handshake, peer, proxied, upgrade};

pub(super) async fn enter(
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

//! One client from accept to close.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpStream;

use super::attach::{self, NoSession};
use super::conn::{Conn, Ending};
use super::connect::{self, NoOpening, Opening};
use super::entering::Entering;
use super::gate::Answer;
use super::handshake::NoTls;
use super::outbox::Outbox;
use super::packets::{End, Packets};
use super::shared::{ListenerShared, OpenConnection};
use super::stream::Stream;
use super::worker::Worker;
use super::{closing, handshake, peer, replies};
use crate::auth::{Identity, LoginRequest};
use crate::codec::ReasonCode;
use crate::link::DetachReason;

/// A client with a session.
struct Entered {
    stream: Stream,
    conn: Rc<Conn>,
    /// Sent behind CONNECT.
    early: Vec<u8>,
    _open: OpenConnection,
}

/// Ends with the connection.
pub(super) async fn run(
    worker: Rc<Worker>,
    listener: Arc<ListenerShared>,
    socket: TcpStream,
    peer: SocketAddr,
) {
    // On the heap, and gone once the client is in: most clients spend their lives in the packet loop.
    let way_in = Box::pin(enter(
        Rc::clone(&worker),
        Arc::clone(&listener),
        socket,
        peer,
    ));
    let Some(Entered {
        mut stream,
        conn,
        early,
        _open,
    }) = way_in.await
    else {
        return;
    };
    let limit = listener.settings.max_packet_bytes as usize;
    let end = Packets::new(&worker, &conn, &mut stream, limit)
        .run(early)
        .await;
    leave(&worker, &conn, end);
    if let Some(last_words) = last_words(&conn, end) {
        Box::pin(closing::close(stream, last_words)).await;
    }
}

async fn enter(
    worker: Rc<Worker>,
    listener: Arc<ListenerShared>,
    socket: TcpStream,
    peer: SocketAddr,
) -> Option<Entered> {
    let since = Instant::now();
    let (socket, entering) = pass(&worker, socket, peer).await?;
    let Some(open) = listener.try_open() else {
        peer::reset(socket);
        return None;
    };
    let (mut stream, certificate) = match secure(&worker, &listener, socket, &entering).await {
        Ok(secured) => secured,
        Err(NoTls::Gone) => return None,
        Err(NoTls::Alerted(socket)) => {
            // Somebody else may enter while the client reads its alert.
            drop(entering);
            handshake::end(socket).await;
            return None;
        }
    };
    let mut opening = match connect::read(&worker, &listener, &mut stream).await {
        Ok(opening) => opening,
        Err(NoOpening::Gone) => return None,
        Err(NoOpening::Refused(told)) => return refuse(&worker, entering, stream, told).await,
    };
    let login = login(&worker, &mut stream, &mut opening, certificate, peer, since);
    let attached = match entering.waits_for(login).await {
        Ok(identity) => {
            let attach = attach::attach(
                &worker,
                &listener,
                &mut stream,
                &mut opening,
                identity,
                peer,
            );
            entering.waits_for(attach).await
        }
        Err(no) => Err(no),
    };
    match attached {
        Ok(conn) => {
            worker.entered(entering);
            Some(Entered {
                stream,
                conn,
                early: opening.early,
                _open: open,
            })
        }
        Err(NoSession::Gone) => None,
        Err(NoSession::Refused(told)) => refuse(&worker, entering, stream, told).await,
        Err(NoSession::RefusedBy(conn)) => {
            worker.entered(entering);
            closing::close(stream, conn.outbox.take()).await;
            None
        }
    }
}

/// Through the gate.
async fn pass(
    worker: &Worker,
    socket: TcpStream,
    peer: SocketAddr,
) -> Option<(TcpStream, Entering)> {
    match worker.gate.pass(&worker.shared, socket, peer.ip()).await {
        Answer::Enter(socket, place) => Some((socket, worker.begin_entering(place))),
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
    entering: &Entering,
) -> Result<(Stream, Option<Arc<str>>), NoTls> {
    let Some(tls) = &listener.tls else {
        return Ok((Stream::Plain(socket), None));
    };
    let handshakes = &worker.handshakes;
    let stream = handshake::handshake(handshakes, &worker.shared, tls, socket, entering).await?;
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first());
    let principal = certificate.and_then(crate::tls::principal);
    Ok((Stream::Tls(stream), principal))
}

async fn login(
    worker: &Worker,
    stream: &mut Stream,
    opening: &mut Opening,
    certificate: Option<Arc<str>>,
    peer: SocketAddr,
    waiting_since: Instant,
) -> Result<Identity, NoSession> {
    let connect = &opening.connect;
    let protocol = connect.protocol;
    let request = LoginRequest {
        client_id: connect.client_id.to_string(),
        may_assign_id: protocol == crate::codec::Protocol::V5 || connect.clean_start,
        user_name: connect.username.as_deref().map(str::to_owned),
        password: connect.password.as_deref().map(<[u8]>::to_vec),
        certificate,
        peer,
        waiting_since,
    };
    let decided = tokio::select! {
        biased;
        decided = worker.shared.authenticator.login(request) => decided,
        () = attach::left(worker, stream, &mut opening.early) => return Err(NoSession::Gone),
    };
    decided.map_err(|refusal| {
        tracing::debug!(%peer, reason = refusal.name(), "login refused");
        let (v3, v5) = (ReasonCode(refusal.v3_code()), ReasonCode(refusal.v5_code()));
        NoSession::Refused(replies::connack(protocol, v3, v5))
    })
}

/// Says why, if there is anything to say, and closes; the place is given back first.
async fn refuse(
    worker: &Worker,
    entering: Entering,
    stream: Stream,
    told: bytes::Bytes,
) -> Option<Entered> {
    if told.is_empty() {
        // A time to CONNACK is the time of one that was sent.
        drop(entering);
    } else {
        worker.entered(entering);
    }
    let mut outbox = Outbox::default();
    outbox.push(told, false);
    closing::close(stream, outbox).await;
    None
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
        End::Ended(_) => DetachReason::EdgeShutdown,
    };
    worker.release(conn, reason);
}

/// What is still to be written; `None`: nobody would read it.
fn last_words(conn: &Conn, end: End) -> Option<Outbox> {
    let code = match end {
        End::PeerGone | End::Ended(Ending::LinkLost) => return None,
        End::KeepAliveExpired => Some(ReasonCode::KEEP_ALIVE_TIMEOUT),
        End::ProtocolError(code) => Some(code),
        End::Ended(Ending::Drained) => Some(ReasonCode::SERVER_SHUTTING_DOWN),
        // The shard has said it already.
        End::Ended(Ending::Refused | Ending::Closed(_)) => None,
    };
    let mut outbox = conn.outbox.take();
    if let Some(code) = code {
        outbox.push(replies::disconnect(conn.protocol, code), false);
    }
    Some(outbox)
}

//! One connection of one gateway, from `connect()` to its end.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Buf as _, BytesMut};
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, timeout};

use super::agent::Agent;
use crate::dial::{self, Stream, Tapped, classify};
use crate::gateway::{Event, Loss};

/// Runs until the gateway hung up.
pub(super) async fn run(agent: &mut Agent, certificate: u8) {
    agent.hung_up = false;
    let Some(tcp) = tcp(agent).await else {
        return;
    };
    agent.react(Event::TcpUp);
    if agent.shared.tls.is_some() {
        if let Some(stream) = secure(agent, certificate, tcp).await {
            agent.react(Event::Secured);
            talk(agent, stream).await;
        }
    } else {
        talk(agent, Tapped::new(tcp)).await;
    }
}

async fn tcp(agent: &mut Agent) -> Option<TcpStream> {
    match timeout(
        agent.until_due(),
        dial::connect(agent.source, agent.shared.target),
    )
    .await
    {
        Ok(Ok(tcp)) => return Some(tcp),
        Ok(Err(error)) => {
            if own_fault(&error) {
                agent.shared.own_fault.set(error.raw_os_error());
            }
            agent.react(Event::Lost(Loss::Refused));
        }
        Err(_) => agent.react(Event::Due),
    }
    None
}

/// Errors of `connect()` that are this machine's, not the server's.
fn own_fault(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let own = [
        Errno::ADDRNOTAVAIL,
        Errno::ADDRINUSE,
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::ACCESS,
    ];
    Errno::from_io_error(error).is_some_and(|errno| own.contains(&errno))
}

async fn secure(
    agent: &mut Agent,
    certificate: u8,
    tcp: TcpStream,
) -> Option<tokio_rustls::client::TlsStream<Tapped>> {
    let tls = agent.shared.tls.as_ref()?;
    let connect = tls
        .connector(certificate)
        .connect(tls.server_name(), Tapped::new(tcp))
        .into_fallible();
    match timeout(agent.until_due(), connect).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err((error, stream))) => agent.react(Event::Lost(classify(&error, stream.heard()))),
        Err(_) => agent.react(Event::Due),
    }
    None
}

/// What ended one wait.
enum Step {
    Read,
    Ended(Loss),
    Due,
}

async fn talk<S: Stream + 'static>(agent: &mut Agent, mut stream: S) {
    let mut inbox = BytesMut::new();
    let shared = Rc::clone(&agent.shared);
    let mut cut = pin!(shared.cut.notified());
    let mut confirmed = false;
    let mut timer = pin!(tokio::time::sleep(agent.until_due()));
    agent.react(Event::Ready);
    while !agent.hung_up {
        let step = poll_fn(|cx| {
            if cut.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Step::Ended(Loss::Cut));
            }
            poll_step(
                cx,
                agent,
                &mut stream,
                &mut inbox,
                timer.as_mut(),
                confirmed,
            )
        })
        .await;
        if !confirmed && (matches!(step, Step::Read) || stream.server_completed()) {
            confirmed = true;
            if agent.shared.tls.is_some() {
                agent.react(Event::Confirmed);
            }
        }
        match step {
            Step::Read => hear(agent, &mut inbox),
            Step::Ended(Loss::Cut) => {
                agent.react(Event::Lost(Loss::Cut));
                // nobody tells the server
                shared.lingering.borrow_mut().push(Box::new(stream));
                return;
            }
            Step::Ended(loss) => agent.react(Event::Lost(loss)),
            Step::Due => agent.react(Event::Due),
        }
        let due = Instant::now() + agent.until_due();
        // a later deadline is found when the timer fires: most deadlines move with every packet
        if timer.is_elapsed() || due < timer.deadline() {
            timer.as_mut().reset(due);
        }
    }
}

fn hear(agent: &mut Agent, inbox: &mut BytesMut) {
    while !agent.hung_up {
        match agent.voice.hear(inbox) {
            Ok(Some(heard)) => agent.react(Event::Heard(heard)),
            Ok(None) => break,
            Err(error) => {
                tracing::debug!(%error, "the server does not speak MQTT");
                agent.react(Event::Lost(Loss::Garbled));
            }
        }
    }
    if inbox.is_empty() {
        *inbox = BytesMut::new(); // idle gateways hold no memory
    }
}

/// Writes what is to be written, then reads, then looks at the timer.
fn poll_step<S: Stream>(
    cx: &mut Context<'_>,
    agent: &mut Agent,
    stream: &mut S,
    inbox: &mut BytesMut,
    timer: Pin<&mut Sleep>,
    heard: bool,
) -> Poll<Step> {
    // a failed write is not the end: the alert that says why may wait to be read
    let broken = poll_write(cx, agent, stream).is_err();
    let shared = Rc::clone(&agent.shared);
    let mut scratch = shared.scratch.borrow_mut();
    let mut buffer = ReadBuf::new(&mut scratch);
    match Pin::new(stream).poll_read(cx, &mut buffer) {
        Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
            Poll::Ready(Step::Ended(if heard || shared.tls.is_some() {
                Loss::Closed
            } else {
                Loss::BeforeTls
            }))
        }
        Poll::Ready(Ok(())) => {
            inbox.extend_from_slice(buffer.filled());
            Poll::Ready(Step::Read)
        }
        Poll::Ready(Err(error)) => {
            Poll::Ready(Step::Ended(classify(&error, heard || shared.tls.is_some())))
        }
        Poll::Pending if broken => Poll::Ready(Step::Ended(Loss::Closed)),
        Poll::Pending => timer.poll(cx).map(|()| Step::Due),
    }
}

fn poll_write<S: Stream>(
    cx: &mut Context<'_>,
    agent: &mut Agent,
    stream: &mut S,
) -> io::Result<()> {
    while agent.outbox.has_remaining() {
        match Pin::new(&mut *stream).poll_write(cx, &agent.outbox)? {
            Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(written) => agent.outbox.advance(written),
            Poll::Pending => return Ok(()),
        }
        agent.unflushed = true;
    }
    if agent.unflushed {
        agent.outbox = BytesMut::new();
        agent.unflushed = Pin::new(stream).poll_flush(cx)?.is_pending();
    }
    Ok(())
}

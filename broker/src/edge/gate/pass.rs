//! Whether a client may come in, and its wait until that is decided.

use std::future::Future;
use std::net::IpAddr;

use herdgate_admission::edge::{EdgeView, Mode};
use herdgate_admission::hold::NO_SLICE;
use herdgate_admission::last_class::Comer;
use herdgate_admission::places::Place;
use herdgate_admission::slicing::Where;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::comers::slice_of_address;
use super::{Gate, SocketId, Waiting, Who};
use crate::edge::peer;
use crate::edge::shared::Shared;
use crate::metrics::GateDecision;

/// What becomes of a client that has said its id.
#[derive(Debug)]
pub(in crate::edge) enum Verdict {
    Enter(Place),
    /// It waited for its whole patience, or nobody more can wait.
    Busy,
    Gone,
}

/// What becomes of a socket.
#[derive(Debug)]
pub(in crate::edge) enum Answer {
    /// Go on to TLS with this place.
    Enter(TcpStream, Place),
    /// Go on to CONNECT, then ask [`Gate::pass_client`]: the address does not tell.
    Later(TcpStream),
    /// The socket was held until its time was up, or could not be held: reset it.
    Reset(TcpStream),
    Gone,
}

impl Gate {
    /// Waits until it is decided whether the socket may come in.
    pub(in crate::edge) async fn pass(
        &self,
        shared: &Shared,
        socket: TcpStream,
        address: IpAddr,
    ) -> Answer {
        let decisions = &shared.metrics.edge.gate;
        if shared.always_allow.contains(address) {
            decisions.inc(GateDecision::AlwaysAllow);
            return Answer::Enter(socket, shared.places.take_anyway());
        }
        let now = self.clock.now();
        let comer = Comer::Address(address);
        let slice = match self.decide(shared, comer, |view| slice_of_address(view, address, now)) {
            Ok(place) => {
                decisions.inc(GateDecision::Admit);
                return Answer::Enter(socket, place);
            }
            // A crowd that nobody has room for would do its handshakes in vain, and those come before logins: it is held as
            // cheaply as others, and comes again.
            Err(Where::ByClientId) if self.clients.borrow().is_full() => NO_SLICE,
            Err(Where::ByClientId) => {
                decisions.inc(GateDecision::ClientId);
                return Answer::Later(socket);
            }
            Err(Where::Slice(slice)) => slice,
        };
        let held = shared.sockets.try_hold();
        let held =
            held.and_then(|held| Some((held, self.hold(slice, comer, Who::Address(address))?)));
        let Some((_held, (id, promoted))) = held else {
            decisions.inc(GateDecision::Reset);
            return Answer::Reset(socket);
        };
        decisions.inc(GateDecision::Hold);
        self.wait(shared, slice, id, promoted, socket).await
    }

    /// Waits until it is decided whether a client may come in that has sent CONNECT and whose address does not tell.
    /// `left` ends when it has left.
    pub(in crate::edge) async fn pass_client(
        &self,
        shared: &Shared,
        client_id: &str,
        left: impl Future<Output = ()>,
    ) -> Verdict {
        let decisions = &shared.metrics.edge.gate;
        let find = |view: &EdgeView| Where::Slice(view.table.slice_of_client(client_id));
        let comer = Comer::client(client_id);
        let slice = match self.decide(shared, comer, find) {
            Ok(place) => {
                decisions.inc(GateDecision::Admit);
                return Verdict::Enter(place);
            }
            Err(found) => found.slice().unwrap_or(NO_SLICE),
        };
        let Some((id, promoted)) = self.hold(slice, comer, Who::Client(client_id.into())) else {
            decisions.inc(GateDecision::Busy);
            return Verdict::Busy;
        };
        decisions.inc(GateDecision::Hold);
        tokio::select! {
            biased;
            () = left => {
                self.forget(id);
                Verdict::Gone
            }
            verdict = promoted => if let Ok(place) = verdict {
                decisions.inc(GateDecision::Promote);
                shared.entered.count(slice);
                Verdict::Enter(place)
            } else {
                decisions.inc(GateDecision::Busy);
                Verdict::Busy
            },
        }
    }

    /// A place, or where whoever asks must wait for one.
    fn decide(
        &self,
        shared: &Shared,
        comer: Comer,
        find: impl FnOnce(&EdgeView) -> Where,
    ) -> Result<Place, Where> {
        let view = self.view.borrow();
        let found = find(&view);
        let place = match found {
            _ if view.holds_nobody() => {
                let would_hold = matches!(found, Where::Slice(slice) if !view.law_admits(slice, shared.places.used()));
                if view.mode == Mode::DryRun && would_hold {
                    shared.metrics.edge.gate.inc(GateDecision::WouldHold);
                }
                Some(shared.places.take_anyway())
            }
            Where::Slice(slice) if view.admits(slice) => {
                if view.last_class.has(comer, self.clock.now()) {
                    shared.places.try_take_last()
                } else {
                    shared.places.try_take()
                }
            }
            Where::Slice(_) | Where::ByClientId => None,
        };
        if let (Some(_), Where::Slice(slice)) = (&place, found) {
            shared.entered.count(slice);
        }
        place.ok_or(found)
    }

    fn hold(
        &self,
        slice: u32,
        comer: Comer,
        who: Who,
    ) -> Option<(SocketId, oneshot::Receiver<Place>)> {
        let id = self.next.get();
        self.next.set(id + 1);
        if self.closed.get() {
            return None;
        }
        let hold = match who {
            Who::Address(_) => &self.hold,
            Who::Client(_) => &self.clients,
        };
        let now = self.clock.now();
        let (mut hold, is_last) = (
            hold.borrow_mut(),
            self.view.borrow().last_class.has(comer, now),
        );
        hold.hold(id, slice, is_last, now).ok()?;
        drop(hold);
        let (promoted, verdict) = oneshot::channel();
        let waiting = Waiting {
            who,
            since: self.clock.now(),
            promoted,
        };
        self.waiting.borrow_mut().insert(id, waiting);
        // It may stand at an open door, and the sweeper may be asleep.
        self.given_back.notify_one();
        Some((id, verdict))
    }

    /// It left while it waited.
    fn forget(&self, id: SocketId) {
        self.waiting.borrow_mut().remove(&id);
        let now = self.clock.now();
        self.hold.borrow_mut().remove(id, now);
        self.clients.borrow_mut().remove(id, now);
        self.place_given_back();
    }

    async fn wait(
        &self,
        shared: &Shared,
        slice: u32,
        id: SocketId,
        promoted: oneshot::Receiver<Place>,
        socket: TcpStream,
    ) -> Answer {
        let decisions = &shared.metrics.edge.gate;
        tokio::select! {
            biased;
            () = peer::gone(&socket) => {
                self.forget(id);
                Answer::Gone
            }
            verdict = promoted => match verdict {
                Ok(_) if peer::is_gone(&socket) => {
                    self.place_given_back();
                    Answer::Gone
                }
                Ok(place) => {
                    decisions.inc(GateDecision::Promote);
                    shared.entered.count(slice);
                    if let Ok(socket) = peer::registered_anew(socket) {
                        Answer::Enter(socket, place)
                    } else {
                        self.place_given_back();
                        Answer::Gone
                    }
                }
                Err(_) => {
                    decisions.inc(GateDecision::Expired);
                    Answer::Reset(socket)
                }
            },
        }
    }

    /// A place was taken for nothing, so that somebody else may have it.
    fn place_given_back(&self) {
        if !self.waiting.borrow().is_empty() {
            self.given_back.notify_one();
        }
    }
}

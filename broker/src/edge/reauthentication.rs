//! AUTH packets of an attached client: it proves again who it is (MQTT 5, section 4.12.1). Its session goes on meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::exchange::MOST_AUTH;
use super::replies;
use super::shared::{ListenerShared, Shared};
use crate::auth::{Exchange, Refusal, Step};
use crate::codec::{Packet, Protocol, ReasonCode, decode};

/// Of a client that came by enhanced authentication; nobody else has one.
#[derive(Debug)]
pub(super) struct Reauthentication {
    shared: Arc<Shared>,
    listener: Arc<ListenerShared>,
    /// That of CONNECT, for the connection's whole life.
    method: Arc<str>,
    principal: Option<Arc<str>>,
    peer: SocketAddr,
    /// Bytes of the largest packet that the client takes.
    largest: usize,
    under_way: Option<UnderWay>,
}

/// At most one at a time.
#[derive(Debug)]
struct UnderWay {
    exchange: Exchange,
    /// An answer that comes later is too late.
    until: Duration,
}

impl Reauthentication {
    pub(super) fn new(
        shared: Arc<Shared>,
        listener: Arc<ListenerShared>,
        method: Arc<str>,
        principal: Option<Arc<str>>,
        peer: SocketAddr,
        largest: Option<u32>,
    ) -> Self {
        Self {
            shared,
            listener,
            method,
            principal,
            peer,
            largest: largest.map_or(usize::MAX, |largest| largest as usize),
            under_way: None,
        }
    }

    /// Takes one whole AUTH; what is to be sent, or why the connection must end [MQTT-4.12.1-2].
    pub(super) fn take(&mut self, packet: &Bytes, now: Duration) -> Result<Bytes, ReasonCode> {
        if packet.len() > MOST_AUTH {
            return Err(ReasonCode::PACKET_TOO_LARGE);
        }
        let Packet::Auth(auth) = decode(Protocol::V5, packet).map_err(|error| error.reason())?
        else {
            return Err(ReasonCode::PROTOCOL_ERROR);
        };
        // [MQTT-4.12.0-5], [MQTT-4.12.1-1]
        if auth.method.as_ref() != Some(&self.method) {
            return Err(ReasonCode::PROTOCOL_ERROR);
        }
        let under_way = match (auth.code, self.under_way.take()) {
            (ReasonCode::REAUTHENTICATE, None) => self.begin(now)?,
            (ReasonCode::CONTINUE_AUTHENTICATION, Some(under_way)) if under_way.until >= now => {
                under_way
            }
            (ReasonCode::CONTINUE_AUTHENTICATION, Some(_)) => {
                return Err(ReasonCode::NOT_AUTHORIZED);
            }
            _ => return Err(ReasonCode::PROTOCOL_ERROR),
        };
        let answer = self.step(under_way, &auth.data.unwrap_or_default())?;
        if answer.len() > self.largest {
            return Err(ReasonCode::PACKET_TOO_LARGE);
        }
        Ok(answer)
    }

    fn begin(&self, now: Duration) -> Result<UnderWay, ReasonCode> {
        let offered = self.listener.settings.authentication_methods.as_deref();
        let authenticator = &self.shared.authenticator;
        let exchange = authenticator.exchange(&self.method, offered, self.peer.ip());
        Ok(UnderWay {
            exchange: exchange.map_err(code)?,
            until: now + self.listener.settings.connect_timeout,
        })
    }

    fn step(&mut self, mut under_way: UnderWay, data: &[u8]) -> Result<Bytes, ReasonCode> {
        let step = under_way.exchange.step(data);
        match step.map_err(|no| code(no.refusal))? {
            Step::Challenge(data) => {
                // Whoever must wait elsewhere would have to wait here; an attached client has no reason to hurry.
                under_way.exchange.admit().map_err(|no| code(no.refusal))?;
                self.under_way = Some(under_way);
                let more = ReasonCode::CONTINUE_AUTHENTICATION;
                Ok(replies::auth(more, &self.method, data))
            }
            // Its session is the other's.
            Step::Done { user, .. } if Some(&user) != self.principal.as_ref() => {
                Err(ReasonCode::NOT_AUTHORIZED)
            }
            Step::Done { data, .. } => Ok(replies::auth(
                ReasonCode::SUCCESS,
                &self.method,
                data.unwrap_or_default(),
            )),
        }
    }
}

/// For a DISCONNECT, which knows fewer codes than a CONNACK.
fn code(refusal: Refusal) -> ReasonCode {
    match refusal {
        Refusal::TooSoon => ReasonCode::CONNECTION_RATE_EXCEEDED,
        Refusal::Busy | Refusal::Unavailable => ReasonCode::SERVER_BUSY,
        Refusal::NotAuthorized
        | Refusal::BadUserNameOrPassword
        | Refusal::ClientIdNotAllowed
        | Refusal::UnknownMethod => ReasonCode::NOT_AUTHORIZED,
    }
}

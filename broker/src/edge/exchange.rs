//! The AUTH packets between CONNECT and CONNACK (MQTT 5, section 4.12).

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout_at;

use super::arrival::Arrival;
use super::attach::NoSession;
use super::read_some::read_some;
use super::reasons;
use super::replies::{self, Hearer};
use crate::auth::{Refusal, Step};
use crate::codec::frame::{FrameError, packet_len};
use crate::codec::{Packet, Protocol, ReasonCode, decode};

/// What nobody who has not logged in can exceed in one AUTH; SCRAM's are some hundred bytes.
pub(super) const MOST_AUTH: usize = 8 * 1024;

/// First bytes without their flags.
pub(super) const AUTH: u8 = 0xF0;
pub(super) const DISCONNECT: u8 = 0xE0;

/// Who the client is, and our last word to it.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) user: Arc<str>,
    pub(super) data: Option<Bytes>,
}

/// Until the listener's time to CONNECT is over.
pub(super) async fn exchange(
    arrival: &mut Arrival<'_>,
    method: &Arc<str>,
) -> Result<Proven, NoSession> {
    let offered = arrival.listener.settings.authentication_methods.as_deref();
    let authenticator = &arrival.worker.shared.authenticator;
    let begun = authenticator.exchange(method, offered, arrival.peer.ip());
    let mut exchange = match begun {
        Ok(exchange) => exchange,
        Err(refusal) => return Err(arrival.refused(refusal.into()).await),
    };
    let properties = &arrival.opening.connect.properties;
    let mut data = properties.authentication_data.clone().unwrap_or_default();
    loop {
        let challenge = match exchange.step(&data) {
            Ok(Step::Done { user, data }) => return Ok(Proven { user, data }),
            Ok(Step::Challenge(challenge)) => challenge,
            Err(no) => return Err(arrival.refused(no).await),
        };
        if let Err(no) = exchange.admit() {
            arrival.wait_to_enter(no.wait).await?;
            if exchange.admit().is_err() {
                return Err(arrival.refused(Refusal::TooSoon.into()).await);
            }
        }
        arrival.challenge(method, challenge).await?;
        data = arrival.answer(method).await?;
    }
}

impl Arrival<'_> {
    /// [MQTT-4.12.0-2], [MQTT-4.12.0-5]
    async fn challenge(&mut self, method: &Arc<str>, data: Bytes) -> Result<(), NoSession> {
        let packet = replies::auth(ReasonCode::CONTINUE_AUTHENTICATION, method, data);
        let most = self.opening.connect.properties.maximum_packet_size;
        if most.is_some_and(|most| packet.len() > most.get() as usize) {
            return Err(self.wrong(ReasonCode::PACKET_TOO_LARGE, reasons::CHALLENGE_TOO_LARGE));
        }
        let written = async {
            self.stream.write_all(&packet).await?;
            self.stream.flush().await
        };
        match timeout_at(self.opening.deadline, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NoSession::Gone),
        }
    }

    /// The data of the client's next AUTH [MQTT-4.12.0-3].
    async fn answer(&mut self, method: &Arc<str>) -> Result<Bytes, NoSession> {
        let packet = self.next_auth().await?;
        match decode(Protocol::V5, &packet) {
            Ok(Packet::Auth(auth))
                if auth.code == ReasonCode::CONTINUE_AUTHENTICATION
                    && auth.method.as_ref() == Some(method) =>
            {
                Ok(auth.data.unwrap_or_default())
            }
            Ok(_) => Err(self.wrong(ReasonCode::PROTOCOL_ERROR, reasons::OTHER_AUTH)),
            Err(error) => {
                tracing::debug!(%error, peer = %self.peer, "client refused");
                Err(self.wrong(error.reason(), reasons::NO_PACKET))
            }
        }
    }

    /// The client may send nothing else before its CONNACK, but DISCONNECT [MQTT-3.1.2-30].
    async fn next_auth(&mut self) -> Result<Bytes, NoSession> {
        let limit = (self.listener.settings.max_packet_bytes as usize).min(MOST_AUTH);
        loop {
            let early = &mut self.opening.early;
            match early.first().map(|first| first & 0xF0) {
                None | Some(AUTH) => {}
                Some(DISCONNECT) => return Err(NoSession::Gone),
                Some(_) => return Err(self.wrong(ReasonCode::PROTOCOL_ERROR, reasons::NOT_NOW)),
            }
            match packet_len(early, limit) {
                Ok(Some(len)) if len <= early.len() => {
                    let rest = early.split_off(len);
                    return Ok(std::mem::replace(early, rest).into());
                }
                Ok(_) => {}
                Err(FrameError::TooLarge { .. }) => {
                    return Err(self.wrong(ReasonCode::PACKET_TOO_LARGE, reasons::AUTH_TOO_LARGE));
                }
                Err(_) => {
                    return Err(self.wrong(ReasonCode::MALFORMED_PACKET, reasons::NO_PACKET));
                }
            }
            let read = read_some(self.worker, self.stream, early);
            match timeout_at(self.opening.deadline, read).await {
                Ok(Ok(0) | Err(_)) => return Err(NoSession::Gone),
                Ok(Ok(_)) => {}
                // As with a CONNECT that does not come.
                Err(_) => return Err(NoSession::Refused(Bytes::new())),
            }
        }
    }

    /// What came has no place in the exchange.
    fn wrong(&self, code: ReasonCode, why: &'static str) -> NoSession {
        let hearer = Hearer::of(&self.opening.connect);
        NoSession::Refused(replies::connack(hearer, code, code, why))
    }
}

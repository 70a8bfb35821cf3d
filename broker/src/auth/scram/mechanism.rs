//! The exchange as a state machine: the client's messages in, ours out.

use std::sync::Arc;

use bytes::Bytes;

use super::messages::{client_final, client_first, server_final, server_first};
use super::{ScramVerifier, prepare};
use crate::auth::{Mechanism, MechanismError, Step, Users};

/// One login by SCRAM-SHA-256.
#[derive(Debug)]
pub(in crate::auth) struct ScramSha256 {
    users: Arc<Users>,
    /// Ours; printable, without a comma.
    nonce: String,
    state: State,
}

#[derive(Debug)]
enum State {
    /// `asked`: the client was asked for its first message already.
    First {
        asked: bool,
    },
    Final(Box<Pending>),
    Over,
}

/// Between the two messages.
#[derive(Debug)]
struct Pending {
    user: String,
    verifier: ScramVerifier,
    /// Both nonces.
    nonce: String,
    header: String,
    /// What both sides sign, but for its end: the client's first message, a comma, ours, a comma.
    signed: String,
}

impl ScramSha256 {
    /// `nonce` must be random, and is used once.
    pub(in crate::auth) fn new(users: Arc<Users>, nonce: String) -> Self {
        Self {
            users,
            nonce,
            state: State::First { asked: false },
        }
    }

    fn first(&mut self, data: &[u8]) -> Result<Step, MechanismError> {
        let first = client_first(data)?;
        let user = prepare(&first.user).ok_or(MechanismError::Malformed(
            "the user name has no SASLprep form",
        ))?;
        if let Some(other) = first.acts_as {
            let other = prepare(&other);
            if other.as_deref() != Some(&*user) {
                return Err(MechanismError::ActsAsAnother);
            }
        }
        let verifier = self.users.scram_of(&user);
        let nonce = format!("{}{}", first.nonce, self.nonce);
        let ours = server_first(&nonce, verifier.salt(), verifier.iterations().get());
        self.state = State::Final(Box::new(Pending {
            signed: format!("{},{ours},", first.bare),
            header: first.header.to_owned(),
            user: user.into_owned(),
            verifier,
            nonce,
        }));
        Ok(Step::Challenge(ours.into()))
    }
}

impl Pending {
    fn last(mut self, data: &[u8]) -> Result<Step, MechanismError> {
        let last = client_final(data)?;
        if last.channel_binding != self.header.as_bytes() {
            return Err(MechanismError::Malformed(
                "the channel binding is not the first message's header",
            ));
        }
        if last.nonce != self.nonce {
            return Err(MechanismError::Malformed("the nonce is another"));
        }
        self.signed.push_str(last.without_proof);
        let signature = self
            .verifier
            .check(self.signed.as_bytes(), &last.proof)
            .ok_or(MechanismError::WrongProof)?;
        Ok(Step::Done {
            user: self.user.into(),
            data: Some(server_final(&signature).into()),
        })
    }
}

impl Mechanism for ScramSha256 {
    fn step(&mut self, data: &[u8]) -> Result<Step, MechanismError> {
        match std::mem::replace(&mut self.state, State::Over) {
            // The client speaks first; one that has not yet is asked to.
            State::First { asked: false } if data.is_empty() => {
                self.state = State::First { asked: true };
                Ok(Step::Challenge(Bytes::new()))
            }
            State::First { .. } => self.first(data),
            State::Final(pending) => pending.last(data),
            State::Over => Err(MechanismError::Malformed("the exchange is over")),
        }
    }

    fn claims(&self) -> Option<&str> {
        match &self.state {
            State::Final(pending) => Some(&pending.user),
            State::First { .. } | State::Over => None,
        }
    }
}

//! What a method of enhanced authentication (MQTT 5, section 4.12) is to the rest: a state machine without socket or
//! clock, fed with what the client sends.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;

/// One exchange of one client.
pub(super) trait Mechanism: Debug + Send {
    /// Takes the client's data (empty: it sent none). After an error or `Done` there is nothing more to say.
    fn step(&mut self, data: &[u8]) -> Result<Step, MechanismError>;

    /// Who the client says it is, once it has said so and not yet proven it.
    fn claims(&self) -> Option<&str>;
}

/// What the client is told next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// More is needed.
    Challenge(Bytes),
    /// The client is `user`, and gets `data` with the answer.
    Done { user: Arc<str>, data: Option<Bytes> },
}

/// Why an exchange has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MechanismError {
    #[error("failed to read the client's data: {0}")]
    Malformed(&'static str),
    #[error("failed to log in: channel binding is not offered")]
    ChannelBinding,
    #[error("failed to log in: a client may not act as another user")]
    ActsAsAnother,
    #[error("failed to log in: the proof does not fit")]
    WrongProof,
}

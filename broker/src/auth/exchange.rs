//! One exchange of enhanced authentication, whatever its method, with what bounds it.

use std::net::IpAddr;

use super::waits::{Attempt, Failures};
use super::{Mechanism, MechanismError, NoLogin, Refusal, Step};
use crate::metrics::{ExchangeOutcome, LoginMetrics};

/// What a client may say in one exchange. SCRAM needs two, and one more from a client that lets the server begin.
const MOST_ROUNDS: u8 = 8;

/// Dropped before it is over, the client has left.
#[derive(Debug)]
pub(crate) struct Exchange {
    mechanism: Box<dyn Mechanism>,
    failures: Failures,
    peer: IpAddr,
    /// Once the client has said who it is, and may try.
    attempt: Option<Attempt>,
    rounds: u8,
    outcome: ExchangeOutcome,
    metrics: LoginMetrics,
}

impl Exchange {
    pub(super) fn new(
        mechanism: Box<dyn Mechanism>,
        failures: Failures,
        peer: IpAddr,
        metrics: LoginMetrics,
    ) -> Self {
        Self {
            mechanism,
            failures,
            peer,
            attempt: None,
            rounds: 0,
            outcome: ExchangeOutcome::Abandoned,
            metrics,
        }
    }

    /// Takes what the client says (empty: nothing). A challenge may be sent once `admit` agrees.
    pub(crate) fn step(&mut self, data: &[u8]) -> Result<Step, NoLogin> {
        self.rounds += 1;
        let step = if self.rounds > MOST_ROUNDS {
            Err(MechanismError::Malformed("the client has said too much"))
        } else {
            self.mechanism.step(data)
        };
        match step {
            Ok(Step::Challenge(challenge)) => Ok(Step::Challenge(challenge)),
            Ok(done) => {
                self.outcome = ExchangeOutcome::Done;
                if let Some(attempt) = self.attempt.take() {
                    attempt.succeeded();
                }
                Ok(done)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Whether the user that the client says it is may try now. A client that waits may ask again.
    pub(crate) fn admit(&mut self) -> Result<(), NoLogin> {
        if self.attempt.is_none()
            && let Some(user) = self.mechanism.claims()
        {
            let attempt = self.failures.begin(self.peer, user);
            self.attempt = Some(attempt.map_err(|wait| {
                self.outcome = ExchangeOutcome::Refused;
                NoLogin::too_soon(wait)
            })?);
            self.outcome = ExchangeOutcome::Abandoned;
        }
        Ok(())
    }

    fn failed(&mut self, error: MechanismError) -> NoLogin {
        tracing::debug!(%error, peer = %self.peer, "an exchange failed");
        self.outcome = ExchangeOutcome::Refused;
        let attempt = self.attempt.take();
        match (error, attempt) {
            (MechanismError::WrongProof, Some(attempt)) => NoLogin::wrong(attempt.failed()),
            (MechanismError::WrongProof, None) => Refusal::BadUserNameOrPassword.into(),
            _ => Refusal::NotAuthorized.into(),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.metrics.exchanges.inc(self.outcome);
    }
}

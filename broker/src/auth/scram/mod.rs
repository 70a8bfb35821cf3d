//! SCRAM-SHA-256 (RFC 5802 and 7677), the server's side: nobody sends a password, and nobody here hashes one.

mod mechanism;
mod messages;
mod prepare;
mod verifier;

#[cfg(test)]
pub(crate) mod tests;

pub(super) use mechanism::ScramSha256;
pub use prepare::prepare;
pub use verifier::{ScramVerifier, VerifierError};
pub(super) use verifier::{Shape, USUAL_SHAPE};

/// As an MQTT client writes it into CONNECT.
pub const NAME: &str = "SCRAM-SHA-256";

/// Of a SHA-256.
const KEY_BYTES: usize = 32;

type Key = [u8; KEY_BYTES];

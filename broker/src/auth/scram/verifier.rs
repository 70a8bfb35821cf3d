//! What a server keeps of a SCRAM password, in the form that `PostgreSQL` writes:
//! `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, the last three in base64.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{KEY_BYTES, Key, NAME, prepare};
use crate::auth::RandomError;

/// Enough to tell a right password from a wrong one, not enough to log in with. Printing it prints what belongs into a
/// password file.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    shape: Shape,
    salt: Box<[u8]>,
    stored_key: Key,
    server_key: Key,
}

/// What a client is shown of a verifier before it has proven anything, the salt's bytes aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::auth) struct Shape {
    pub(in crate::auth) iterations: NonZeroU32,
    pub(in crate::auth) salt_bytes: usize,
}

/// What `herdgate passwd --scram` writes.
pub(in crate::auth) const USUAL_SHAPE: Shape = Shape {
    iterations: match NonZeroU32::new(ScramVerifier::DEFAULT_ITERATIONS) {
        Some(iterations) => iterations,
        None => NonZeroU32::MIN,
    },
    salt_bytes: SALT_BYTES,
};

/// As `PostgreSQL`'s.
const SALT_BYTES: usize = 16;

/// Longer salts are a file's damage, not anybody's choice.
const MAX_SALT_BYTES: usize = 256;

/// Why a stored verifier cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    #[error("it is not SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey")]
    Form,
    #[error(
        "the iterations are not a whole number from {min} to {max}",
        min = ScramVerifier::MIN_ITERATIONS,
        max = ScramVerifier::MAX_ITERATIONS
    )]
    Iterations,
    #[error("the salt is not 1 to {MAX_SALT_BYTES} bytes in base64")]
    Salt,
    #[error("the StoredKey is not {KEY_BYTES} bytes in base64")]
    StoredKey,
    #[error("the ServerKey is not {KEY_BYTES} bytes in base64")]
    ServerKey,
}

impl ScramVerifier {
    /// The least that RFC 7677 allows (section 4).
    pub const MIN_ITERATIONS: u32 = 4096;

    /// The clients pay, many of them small: the least is right where passwords are random.
    pub const DEFAULT_ITERATIONS: u32 = Self::MIN_ITERATIONS;

    /// Seconds on a server's core, a minute on a gateway's.
    pub const MAX_ITERATIONS: u32 = 10_000_000;

    /// Hashes with a fresh salt. `password` must be prepared.
    pub fn derive(password: &str, iterations: NonZeroU32) -> Result<Self, RandomError> {
        let mut salt = [0; SALT_BYTES];
        rand::fill(&mut salt).map_err(|_| RandomError)?;
        Ok(Self::with_salt(password.as_bytes(), iterations, &salt))
    }

    pub(super) fn with_salt(password: &[u8], iterations: NonZeroU32, salt: &[u8]) -> Self {
        let salted = salted(password, iterations, salt);
        Self {
            shape: Shape {
                iterations,
                salt_bytes: salt.len(),
            },
            salt: salt.into(),
            stored_key: sha256(&hmac_sha256(&salted, b"Client Key")),
            server_key: hmac_sha256(&salted, b"Server Key"),
        }
    }

    /// For a user that does not exist: looks like any other, is the same each time, and no proof fits it.
    pub(in crate::auth) fn decoy(secret: &[u8], user: &str, shape: Shape) -> Self {
        let part = |what: &[u8]| hmac_sha256(secret, &[what, b"\0", user.as_bytes()].concat());
        let salt = part(b"salt").into_iter().cycle().take(shape.salt_bytes);
        Self {
            shape,
            salt: salt.collect(),
            stored_key: part(b"stored key"),
            server_key: part(b"server key"),
        }
    }

    /// Checks a password that was sent as it is. Costs the full hash; compares in constant time.
    pub fn verify(&self, password: &[u8]) -> bool {
        let prepared = std::str::from_utf8(password).ok().and_then(prepare);
        let password = prepared.as_deref().map_or(password, str::as_bytes);
        let tried = Self::with_salt(password, self.shape.iterations, &self.salt);
        constant_time::verify_slices_are_equal(&tried.stored_key, &self.stored_key).is_ok()
    }

    /// The server's signature of `message`, if `proof` shows that the client knows the password.
    pub(super) fn check(&self, message: &[u8], proof: &Key) -> Option<Key> {
        let signature = hmac_sha256(&self.stored_key, message);
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        let right =
            constant_time::verify_slices_are_equal(&sha256(&client_key), &self.stored_key).is_ok();
        right.then(|| hmac_sha256(&self.server_key, message))
    }

    pub fn iterations(&self) -> NonZeroU32 {
        self.shape.iterations
    }

    pub(in crate::auth) fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// What nobody knows who has not read the file.
    pub(in crate::auth) fn secret(&self) -> &[u8] {
        &self.server_key
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Result<Self, VerifierError> {
        let rest = text
            .strip_prefix(NAME)
            .and_then(|rest| rest.strip_prefix('$'));
        let (parameters, keys) = rest
            .and_then(|rest| rest.split_once('$'))
            .ok_or(VerifierError::Form)?;
        let (iterations, salt) = parameters.split_once(':').ok_or(VerifierError::Form)?;
        let (stored_key, server_key) = keys.split_once(':').ok_or(VerifierError::Form)?;
        let iterations = iterations
            .parse::<NonZeroU32>()
            .ok()
            .filter(|n| (Self::MIN_ITERATIONS..=Self::MAX_ITERATIONS).contains(&n.get()))
            .ok_or(VerifierError::Iterations)?;
        let salt = STANDARD
            .decode(salt)
            .ok()
            .filter(|salt| (1..=MAX_SALT_BYTES).contains(&salt.len()))
            .ok_or(VerifierError::Salt)?;
        Ok(Self {
            shape: Shape {
                iterations,
                salt_bytes: salt.len(),
            },
            salt: salt.into(),
            stored_key: key(stored_key).ok_or(VerifierError::StoredKey)?,
            server_key: key(server_key).ok_or(VerifierError::ServerKey)?,
        })
    }
}

pub(super) fn key(text: &str) -> Option<Key> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

pub(super) fn salted(password: &[u8], iterations: NonZeroU32, salt: &[u8]) -> Key {
    let mut salted = [0; KEY_BYTES];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        iterations,
        salt,
        password,
        &mut salted,
    );
    salted
}

pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> Key {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    copied(tag.as_ref())
}

pub(super) fn sha256(bytes: &[u8]) -> Key {
    copied(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// A SHA-256 is as long as a key.
fn copied(bytes: &[u8]) -> Key {
    let mut key = [0; KEY_BYTES];
    key.copy_from_slice(bytes);
    key
}

impl fmt::Display for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{NAME}${}:{}${}:{}",
            self.shape.iterations,
            STANDARD.encode(&self.salt),
            STANDARD.encode(self.stored_key),
            STANDARD.encode(self.server_key)
        )
    }
}

impl fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScramVerifier({NAME}${}..)", self.shape.iterations)
    }
}

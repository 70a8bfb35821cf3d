//! One stored password: mosquitto's `$7$iterations$salt$hash`, which is PBKDF2 with HMAC-SHA512.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::{pbkdf2, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A salted hash. Printing it prints what belongs into a password file.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    iterations: NonZeroU32,
    salt: Box<[u8]>,
    hash: [u8; HASH_BYTES],
}

const HASH_BYTES: usize = 64;

/// As mosquitto 2 writes them, so that it can read ours.
const SALT_BYTES: usize = 12;

/// Longer salts are a file's damage, not anybody's choice.
const MAX_SALT_BYTES: usize = 256;

/// Why a stored password cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error(
        "the password is not hashed with PBKDF2; allowed: $7$iterations$salt$hash, as herdgate passwd and mosquitto_passwd write it, or SCRAM-SHA-256$..., as herdgate passwd --scram and PostgreSQL do"
    )]
    Scheme,
    #[error("the iterations are not a whole number from 1 to {max}", max = PasswordHash::MAX_ITERATIONS)]
    Iterations,
    #[error("the salt is not 1 to {MAX_SALT_BYTES} bytes in base64")]
    Salt,
    #[error("the hash is not {HASH_BYTES} bytes in base64")]
    Hash,
}

/// The system's random numbers failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to get random bytes from the system")]
pub struct RandomError;

impl PasswordHash {
    /// About 10 ms on a server core: a stolen file stays useless where passwords are random, and a fleet can still log in.
    pub const DEFAULT_ITERATIONS: u32 = 15_000;

    /// Some seconds a login; more would stop everybody else's.
    pub const MAX_ITERATIONS: u32 = 10_000_000;

    /// Hashes with a fresh salt.
    pub fn derive(password: &[u8], iterations: NonZeroU32) -> Result<Self, RandomError> {
        let mut salt = [0; SALT_BYTES];
        rand::fill(&mut salt).map_err(|_| RandomError)?;
        Ok(Self::with_salt(password, iterations, &salt))
    }

    fn with_salt(password: &[u8], iterations: NonZeroU32, salt: &[u8]) -> Self {
        let mut hash = [0; HASH_BYTES];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA512,
            iterations,
            salt,
            password,
            &mut hash,
        );
        Self {
            iterations,
            salt: salt.into(),
            hash,
        }
    }

    /// Matches no password anybody knows, at the usual cost: what unknown users are measured by.
    pub(super) fn decoy(iterations: NonZeroU32) -> Result<Self, RandomError> {
        let mut hash = [0; HASH_BYTES];
        rand::fill(&mut hash).map_err(|_| RandomError)?;
        Ok(Self {
            iterations,
            salt: [0; SALT_BYTES].into(),
            hash,
        })
    }

    /// Costs the full hash; compares in constant time.
    pub fn verify(&self, password: &[u8]) -> bool {
        pbkdf2::verify(
            pbkdf2::PBKDF2_HMAC_SHA512,
            self.iterations,
            &self.salt,
            password,
            &self.hash,
        )
        .is_ok()
    }

    pub fn iterations(&self) -> NonZeroU32 {
        self.iterations
    }

    /// What nobody knows who has not read the file.
    pub(super) fn secret(&self) -> &[u8] {
        &self.hash
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let mut parts = text
            .strip_prefix("$7$")
            .ok_or(FormatError::Scheme)?
            .split('$');
        let mut part = || parts.next().unwrap_or_default();
        let (iterations, salt, hash) = (part(), part(), part());
        if parts.next().is_some() {
            return Err(FormatError::Hash);
        }
        let iterations = iterations
            .parse::<NonZeroU32>()
            .ok()
            .filter(|n| n.get() <= Self::MAX_ITERATIONS);
        let salt = STANDARD
            .decode(salt)
            .ok()
            .filter(|salt| (1..=MAX_SALT_BYTES).contains(&salt.len()));
        Ok(Self {
            iterations: iterations.ok_or(FormatError::Iterations)?,
            salt: salt.ok_or(FormatError::Salt)?.into(),
            hash: STANDARD
                .decode(hash)
                .ok()
                .and_then(|hash| hash.try_into().ok())
                .ok_or(FormatError::Hash)?,
        })
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$7${}${}${}",
            self.iterations,
            STANDARD.encode(&self.salt),
            STANDARD.encode(self.hash)
        )
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash($7${}..)", self.iterations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).expect("not zero")
    }

    #[test]
    fn what_is_written_is_read_again() {
        let hash = PasswordHash::derive("pä:ss".as_bytes(), rounds(3)).expect("random");
        let again = PasswordHash::parse(&hash.to_string()).expect("parses");
        assert_eq!(again, hash);
        assert!(again.verify("pä:ss".as_bytes()));
        assert!(!again.verify(b"pass"));
        assert!(!again.verify(b""));
    }

    #[test]
    fn the_same_password_never_looks_the_same() {
        let hash = || {
            PasswordHash::derive(b"secret", rounds(1))
                .expect("random")
                .to_string()
        };
        assert_ne!(hash(), hash());
    }

    #[test]
    fn what_mosquitto_wrote_is_understood() {
        let alice = "$7$101$GrHK9AzKXizIc/SJ$87VRvFWw8GSV9taKCkDcjgAJKJBiByeWA68+/GGVoZhx9A9bdAkKKEFBEH04Mzg69O9KbJZrFx38WYtRVSeRFg==";
        let hash = PasswordHash::parse(alice).expect("parses");
        assert!(hash.verify(b"secret"));
        assert!(!hash.verify(b"Secret"));
        assert_eq!(hash.to_string(), alice);
    }

    #[test]
    fn damage_is_named() {
        let good = PasswordHash::derive(b"x", rounds(1))
            .expect("random")
            .to_string();
        let parts: Vec<&str> = good.split('$').collect();
        let (salt, hash) = (parts[3], parts[4]);
        for (text, error) in [
            ("secret".to_owned(), FormatError::Scheme),
            (format!("$6${salt}${hash}"), FormatError::Scheme),
            (String::new(), FormatError::Scheme),
            (format!("$7$0${salt}${hash}"), FormatError::Iterations),
            (format!("$7$-1${salt}${hash}"), FormatError::Iterations),
            (
                format!("$7$10000001${salt}${hash}"),
                FormatError::Iterations,
            ),
            (format!("$7$1$${hash}"), FormatError::Salt),
            (format!("$7$1$!${hash}"), FormatError::Salt),
            (format!("$7$1${salt}$"), FormatError::Hash),
            (format!("$7$1${salt}${}", &hash[4..]), FormatError::Hash),
            (format!("$7$1${salt}"), FormatError::Hash),
            (format!("$7$1${salt}${hash}$"), FormatError::Hash),
        ] {
            assert_eq!(
                PasswordHash::parse(&text).expect_err(&text),
                error,
                "{text}"
            );
        }
    }
}

//! Password hashes as `mosquitto_passwd` writes them: `$7$`, PBKDF2 with HMAC-SHA512.

use std::num::NonZeroU32;

use anyhow::Context as _;
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA512};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const SALT_BYTES: usize = 12;
const HASH_BYTES: usize = 64;

/// `$7$rounds$salt$hash` with a random salt.
pub(super) fn hash(password: &str, rounds: NonZeroU32) -> anyhow::Result<String> {
    let mut salt = [0; SALT_BYTES];
    SystemRandom::new()
        .fill(&mut salt)
        .ok()
        .context("failed to draw a salt")?;
    Ok(with_salt(password, rounds, &salt))
}

fn with_salt(password: &str, rounds: NonZeroU32, salt: &[u8]) -> String {
    let mut hash = [0; HASH_BYTES];
    pbkdf2::derive(
        PBKDF2_HMAC_SHA512,
        rounds,
        salt,
        password.as_bytes(),
        &mut hash,
    );
    format!(
        "$7${rounds}${}${}",
        STANDARD.encode(salt),
        STANDARD.encode(hash)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_mosquitto_passwd() {
        // written by mosquitto_passwd 2.0.11 for the password "secret-1"
        let line = include_str!("fixtures/mosquitto-2.0.11.passwd").trim();
        let (_, stored) = line.split_once(':').unwrap();
        let parts: Vec<_> = stored.split('$').collect();
        let rounds = parts[2].parse().unwrap();
        let salt = STANDARD.decode(parts[3]).unwrap();
        assert_eq!(with_salt("secret-1", rounds, &salt), stored);
        assert_ne!(with_salt("secret-2", rounds, &salt), stored);
    }

    #[test]
    fn salts_differ() {
        let rounds = NonZeroU32::MIN;
        assert_ne!(hash("a", rounds).unwrap(), hash("a", rounds).unwrap());
    }
}

//! The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), and what a server keeps of a password.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// One login.
pub struct Scram {
    password: String,
    nonce: String,
    first_bare: String,
    expected: String,
}

impl Scram {
    pub fn new(user: &str, password: &str, nonce: &str) -> Self {
        Self {
            password: password.to_owned(),
            nonce: nonce.to_owned(),
            first_bare: format!("n={user},r={nonce}"),
            expected: String::new(),
        }
    }

    pub fn first(&self) -> String {
        format!("n,,{}", self.first_bare)
    }

    /// The proof; stops when the server's challenge is none.
    pub fn answer(&mut self, challenge: &str) -> String {
        let field = |name: &str| {
            let of = challenge
                .split(',')
                .find_map(|part| part.strip_prefix(name));
            of.unwrap_or_else(|| panic!("the challenge has no {name}: {challenge}"))
        };
        let nonce = field("r=");
        assert!(nonce.starts_with(&self.nonce) && nonce.len() > self.nonce.len());
        let salt = BASE64.decode(field("s=")).unwrap();
        let salted = salted(&self.password, &salt, field("i=").parse().unwrap());
        let client = sign(&salted, b"Client Key");
        let bare = format!("c=biws,r={nonce}");
        let message = format!("{},{challenge},{bare}", self.first_bare);
        let signature = sign(&hash(&client), message.as_bytes());
        let proof: Vec<u8> = client.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let server = sign(&sign(&salted, b"Server Key"), message.as_bytes());
        self.expected = format!("v={}", BASE64.encode(server));
        format!("{bare},p={}", BASE64.encode(proof))
    }

    /// The server knows the password too.
    pub fn accepts(&self, last: &[u8]) -> bool {
        !self.expected.is_empty() && last == self.expected.as_bytes()
    }
}

/// A line of a password file: what `herdgate passwd --scram` and `PostgreSQL` write.
pub fn verifier((user, password): (&str, &str)) -> String {
    let (salt, rounds) = (b"salt of the tests", 4_096);
    let salted = salted(password, salt, rounds);
    let stored = BASE64.encode(hash(&sign(&salted, b"Client Key")));
    let server = BASE64.encode(sign(&salted, b"Server Key"));
    let salt = BASE64.encode(salt);
    format!("{user}:SCRAM-SHA-256${rounds}:{salt}${stored}:{server}\n")
}

fn salted(password: &str, salt: &[u8], rounds: u32) -> Vec<u8> {
    let mut out = vec![0; 32];
    let rounds = NonZeroU32::new(rounds).unwrap();
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
    pbkdf2::derive(algorithm, rounds, salt, password.as_bytes(), &mut out);
    out
}

fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, message).as_ref().to_vec()
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3.
    #[test]
    fn the_example_of_the_rfc() {
        let nonce = "rOprNGfwEbeRWgbNEkqO";
        let mut scram = Scram::new("user", "pencil", nonce);
        assert_eq!(scram.first(), format!("n,,n=user,r={nonce}"));
        let both = format!("{nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        let answer = scram.answer(&format!("r={both},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
        let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(answer, format!("c=biws,r={both},p={proof}"));
        assert!(scram.accepts(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!scram.accepts(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="));
    }
}

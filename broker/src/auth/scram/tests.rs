//! Whole exchanges, with the RFC's own example and a client written here.

use std::num::NonZeroU32;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::verifier::{hmac_sha256, salted, sha256};
use super::*;
use crate::auth::{Mechanism, MechanismError, Step, Users};

const LEAST: NonZeroU32 = NonZeroU32::new(ScramVerifier::MIN_ITERATIONS).unwrap();

/// The example of RFC 7677, section 3.
mod example {
    pub(super) const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
    pub(super) const CLIENT_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    pub(super) const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    pub(super) const SERVER_FIRST: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    pub(super) const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    pub(super) const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
}

fn verifier(password: &str) -> ScramVerifier {
    let salt = STANDARD.decode(example::SALT).unwrap();
    ScramVerifier::with_salt(password.as_bytes(), LEAST, &salt)
}

fn server(file: &str) -> ScramSha256 {
    let users = Arc::new(Users::parse(file).unwrap());
    ScramSha256::new(users, example::SERVER_NONCE.to_owned())
}

fn challenge(step: Result<Step, MechanismError>) -> String {
    match step {
        Ok(Step::Challenge(data)) => String::from_utf8(data.to_vec()).unwrap(),
        other => panic!("expected a challenge, got {other:?}"),
    }
}

#[test]
fn the_example_of_the_rfc() {
    let mut server = server(&format!("user:{}\n", verifier("pencil")));
    assert_eq!(server.claims(), None);
    let first = challenge(server.step(example::CLIENT_FIRST.as_bytes()));
    assert_eq!(first, example::SERVER_FIRST);
    assert_eq!(server.claims(), Some("user"));
    assert_eq!(
        server.step(example::CLIENT_FINAL.as_bytes()),
        Ok(Step::Done {
            user: "user".into(),
            data: Some(example::SERVER_FINAL.into()),
        })
    );
    assert!(
        server.step(example::CLIENT_FINAL.as_bytes()).is_err(),
        "once is all"
    );
}

/// What a client makes of the server's first message: its last.
pub(crate) fn client_final(
    password: &str,
    header: &str,
    client_first_bare: &str,
    server_first: &str,
) -> String {
    let part = |name: &str| {
        let mut parts = server_first.split(',');
        parts
            .find_map(|part| part.strip_prefix(name))
            .unwrap()
            .to_owned()
    };
    let salt = STANDARD.decode(part("s=")).unwrap();
    let salted = salted(password.as_bytes(), part("i=").parse().unwrap(), &salt);
    let client_key = hmac_sha256(&salted, b"Client Key");
    let without_proof = format!("c={},r={}", STANDARD.encode(header), part("r="));
    let signed = format!("{client_first_bare},{server_first},{without_proof}");
    let signature = hmac_sha256(&sha256(&client_key), signed.as_bytes());
    let proof: Vec<u8> = client_key
        .iter()
        .zip(signature)
        .map(|(a, b)| a ^ b)
        .collect();
    format!("{without_proof},p={}", STANDARD.encode(proof))
}

/// A whole login as `name`, with `header` in front.
fn login(file: &str, header: &str, name: &str, password: &str) -> Result<Step, MechanismError> {
    let mut server = server(file);
    let bare = format!("n={name},r=client");
    let first = challenge(server.step(format!("{header}{bare}").as_bytes()));
    server.step(client_final(password, header, &bare, &first).as_bytes())
}

fn file() -> String {
    format!(
        "alice:{}\nb,=ob:{}\n",
        verifier("secret"),
        verifier("gr\u{fc}n")
    )
}

#[test]
fn who_knows_the_password_comes_in_and_nobody_else() {
    let user = |step: Result<Step, MechanismError>| match step {
        Ok(Step::Done { user, .. }) => Ok(user.to_string()),
        Ok(step) => panic!("{step:?}"),
        Err(error) => Err(error),
    };
    let wrong = Err(MechanismError::WrongProof);
    for (header, name, password, comes) in [
        ("n,,", "alice", "secret", Ok("alice".to_owned())),
        ("y,,", "alice", "secret", Ok("alice".to_owned())),
        ("n,a=alice,", "alice", "secret", Ok("alice".to_owned())),
        // prepared by the server where the client did not
        ("n,,", "ali\u{ad}ce", "secret", Ok("alice".to_owned())),
        ("n,,", "b=2C=3Dob", "gr\u{fc}n", Ok("b,=ob".to_owned())),
        ("n,,", "alice", "Secret", wrong.clone()),
        ("n,,", "alice", "", wrong.clone()),
        ("n,,", "nobody", "secret", wrong),
    ] {
        assert_eq!(
            user(login(&file(), header, name, password)),
            comes,
            "{header} {name}"
        );
    }
}

#[test]
fn nobody_acts_for_another_or_binds_a_channel() {
    let first = |text: &str| server(&file()).step(text.as_bytes());
    assert_eq!(
        first("n,a=b=2C=3Dob,n=alice,r=x"),
        Err(MechanismError::ActsAsAnother)
    );
    assert_eq!(
        first("p=tls-exporter,,n=alice,r=x"),
        Err(MechanismError::ChannelBinding)
    );
    assert!(matches!(
        first("n,,n=\u{7},r=x"),
        Err(MechanismError::Malformed(_))
    ));
}

#[test]
fn what_was_said_before_cannot_be_changed_afterwards() {
    for (from, to) in [
        ("c=biws", "c=eSws"),
        ("r=client", "r=cliens"),
        ("k0,p=", "k1,p="),
        ("k0,p=", "k0,x=1,p="),
    ] {
        let mut server = server(&file());
        let first = challenge(server.step(b"n,,n=alice,r=client"));
        let last = client_final("secret", "n,,", "n=alice,r=client", &first);
        let changed = last.replacen(from, to, 1);
        assert_ne!(changed, last);
        assert!(server.step(changed.as_bytes()).is_err(), "{from} to {to}");
    }
}

#[test]
fn the_last_message_repeats_the_header_of_the_first() {
    let mut server = server(&file());
    let first = challenge(server.step(b"n,,n=alice,r=client"));
    // a proof that fits, of a header that was not sent
    let last = client_final("secret", "y,,", "n=alice,r=client", &first);
    assert!(matches!(
        server.step(last.as_bytes()),
        Err(MechanismError::Malformed(_))
    ));
}

#[test]
fn a_client_that_says_nothing_is_asked_once() {
    let mut server = server(&file());
    assert_eq!(challenge(server.step(b"")), "");
    challenge(server.step(b"n,,n=alice,r=client"));
    let mut server = self::server(&file());
    challenge(server.step(b""));
    assert!(server.step(b"").is_err());
}

#[test]
fn an_unknown_user_is_shown_what_a_known_one_could_be() {
    let shown =
        |name: &str| challenge(server(&file()).step(format!("n,,n={name},r=client").as_bytes()));
    assert_eq!(shown("nobody"), shown("nobody"));
    assert_ne!(shown("nobody"), shown("nemo"));
    assert_eq!(shown("nobody").len(), shown("alice").len());
    assert!(shown("nobody").ends_with(",i=4096"));
}

#[test]
fn a_verifier_is_written_as_postgresql_does_and_read_again() {
    let text = verifier("pencil").to_string();
    assert_eq!(
        text,
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    );
    let again = ScramVerifier::parse(&text).unwrap();
    assert_eq!(again, verifier("pencil"));
    assert!(again.verify(b"pencil"));
    assert!(!again.verify(b"Pencil"));
    assert!(!again.verify(b"\xff"));
    assert_ne!(
        ScramVerifier::derive("x", LEAST).unwrap().to_string(),
        ScramVerifier::derive("x", LEAST).unwrap().to_string(),
        "the same password never looks the same"
    );
    assert!(
        verifier("gr\u{fc}n").verify("gru\u{308}n".as_bytes()),
        "a password that is sent is prepared too"
    );
}

#[test]
fn damage_is_named() {
    let good = verifier("pencil").to_string();
    let change = |from: &str, to: &str| good.replacen(from, to, 1);
    for (text, error) in [
        (
            change("SCRAM-SHA-256$", "SCRAM-SHA-1$"),
            VerifierError::Form,
        ),
        (change("4096:", ""), VerifierError::Form),
        (change("=:", "="), VerifierError::Form),
        (change("4096", "4095"), VerifierError::Iterations),
        (change("4096", "10000001"), VerifierError::Iterations),
        (change("4096", "x"), VerifierError::Iterations),
        (change(example::SALT, ""), VerifierError::Salt),
        (change("$WG5d", "$"), VerifierError::StoredKey),
        (change(":wfPL", ":"), VerifierError::ServerKey),
        (format!("{good}$"), VerifierError::ServerKey),
    ] {
        assert_eq!(ScramVerifier::parse(&text), Err(error), "{text}");
    }
}

//! Methods of enhanced authentication, and a wrong proof.

use super::{WAIT, both, line, settings, start};
use crate::auth::*;
use crate::config::AuthenticationMethod;
use crate::metrics::{ExchangeOutcome, Metrics};

#[test]
fn methods_are_offered_by_the_listener_or_by_what_the_file_holds() {
    let peer = "198.18.0.1".parse().expect("address");
    let (_dir, _, auth) = both(WAIT);
    let all = [AuthenticationMethod::ScramSha256];
    for (method, offered, begins) in [
        ("SCRAM-SHA-256", None, true),
        ("SCRAM-SHA-256", Some(&all[..]), true),
        ("SCRAM-SHA-256", Some(&[][..]), false),
        ("SCRAM-SHA-1", None, false),
        ("scram-sha-256", Some(&all[..]), false),
        ("", None, false),
    ] {
        let begun = auth.exchange(method, offered, peer);
        assert_eq!(begun.is_ok(), begins, "{method} {offered:?}");
    }
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("passwords");
    std::fs::write(&file, line("alice", 1)).expect("write");
    let auth = start(&settings(&file, 1), &Metrics::new()).expect("starts");
    assert!(auth.exchange("SCRAM-SHA-256", None, peer).is_err());
    assert!(auth.exchange("SCRAM-SHA-256", Some(&all), peer).is_ok());
}

#[test]
fn a_wrong_proof_makes_its_user_wait_and_hashes_nothing() {
    let (_dir, metrics, auth) = both(WAIT);
    let peer = "198.18.0.1".parse().expect("address");
    let begin = |user: &str| {
        let mut exchange = auth.exchange("SCRAM-SHA-256", None, peer).expect("begins");
        let first = format!("n,,n={user},r=client");
        let Ok(Step::Challenge(challenge)) = exchange.step(first.as_bytes()) else {
            panic!("a challenge")
        };
        (exchange, challenge)
    };
    let (mut exchange, challenge) = begin("bob");
    exchange.admit().expect("may try");
    let nonce = std::str::from_utf8(&challenge)
        .expect("text")
        .split(',')
        .next()
        .expect("a nonce");
    let proof = "A".repeat(43) + "=";
    let wrong = exchange.step(format!("c=biws,{nonce},p={proof}").as_bytes());
    let Err(NoLogin { refusal, wait }) = wrong else {
        panic!("{wrong:?}")
    };
    assert_eq!(refusal, Refusal::BadUserNameOrPassword);
    assert!(!wait.is_zero());
    drop(exchange);
    let (mut exchange, _) = begin("bob");
    assert_eq!(
        exchange.admit().map_err(|no| no.refusal),
        Err(Refusal::TooSoon)
    );
    drop(exchange);
    let (mut exchange, _) = begin("carol");
    exchange.admit().expect("another may try");
    drop(exchange);
    let exchanges = &metrics.login.exchanges;
    assert_eq!(
        (
            exchanges.get(ExchangeOutcome::Refused),
            exchanges.get(ExchangeOutcome::Abandoned)
        ),
        (2, 1)
    );
    assert_eq!(
        (metrics.login.hashed.get(), metrics.login.wrong.get()),
        (0, 1)
    );
}

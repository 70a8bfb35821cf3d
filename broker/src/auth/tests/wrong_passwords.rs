//! What a wrong password costs.

use super::{NO_WAIT, WAIT, both, line, login, request, runtime, settings, start};
use crate::auth::*;
use crate::config::Authentication;
use crate::metrics::{LoginDrop, Metrics, WaitReason};

#[test]
fn a_wrong_password_costs_one_hash_until_its_wait_is_over() {
    let (_dir, metrics, auth) = both(WAIT);
    runtime().block_on(async {
        let first = auth.login(&request("alice", "wrong")).await;
        let Err(NoLogin { refusal, wait }) = first else {
            panic!("{first:?}")
        };
        assert_eq!(refusal, Refusal::BadUserNameOrPassword);
        assert!(wait > WAIT.first / 2 && wait <= WAIT.first);
        for password in ["wrong", "alice"] {
            assert_eq!(
                login(&auth, request("alice", password)).await,
                Err(Refusal::TooSoon)
            );
        }
        assert_eq!(metrics.login.hashed.get(), 1);
        let elsewhere = LoginRequest {
            peer: "198.18.0.2:1000".parse().expect("address"),
            ..request("alice", "alice")
        };
        assert!(login(&auth, elsewhere).await.is_ok());
        assert!(login(&auth, request("bob", "bob")).await.is_ok());
    });
    assert_eq!(metrics.login.waits.early.get(WaitReason::User), 2);
    assert_eq!(metrics.login.wrong.get(), 1);
}

#[test]
fn of_many_that_come_at_once_few_are_hashed() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("passwords");
    // long enough for the others to queue up behind it
    std::fs::write(&file, line("slow", 300_000)).expect("write");
    let metrics = Metrics::new();
    let settings = Authentication {
        wrong_password_wait: WAIT,
        ..settings(&file, 1)
    };
    let auth = start(&settings, &metrics).expect("starts");
    runtime().block_on(async {
        let all = (0..50).map(|_| login(&auth, request("slow", "wrong")));
        let all = futures::future::join_all(all).await;
        let wrong = |refusal: &Result<_, _>| *refusal == Err(Refusal::BadUserNameOrPassword);
        assert_eq!(all.iter().filter(|refusal| wrong(refusal)).count(), 1);
    });
    assert_eq!(metrics.login.hashed.get(), 1);
    // in the queue, or before it where this thread is slow
    let queued = metrics.login.dropped.get(LoginDrop::TooSoon);
    assert_eq!(queued + metrics.login.waits.early.get(WaitReason::User), 49);
}

#[test]
fn without_waits_every_password_is_looked_at() {
    let (_dir, metrics, auth) = both(NO_WAIT);
    runtime().block_on(async {
        for _ in 0..5 {
            let wrong = auth.login(&request("alice", "wrong")).await;
            assert_eq!(wrong, Err(Refusal::BadUserNameOrPassword.into()));
        }
    });
    assert_eq!(metrics.login.hashed.get(), 5);
}

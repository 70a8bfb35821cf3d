//! Password files: whose work, and when a changed one is taken.

use std::path::Path;
use std::process::Command;

use super::{eventually, line, login, request, runtime, settings, start};
use crate::auth::*;
use crate::metrics::{Metrics, ReloadOutcome};

#[test]
fn files_of_mosquitto_work() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/passwords/mosquitto-2.0.11");
    let auth = start(&settings(&file, 2), &Metrics::new()).expect("starts");
    runtime().block_on(async {
        let alice = login(&auth, request("alice", "secret"))
            .await
            .expect("comes in");
        assert_eq!(
            (
                alice.principal.as_deref(),
                &*alice.client_id,
                alice.client_id_assigned
            ),
            (Some("alice"), "alice", false)
        );
        assert!(login(&auth, request("bob", "pä:ss")).await.is_ok());
        for (user, password) in [
            ("alice", "Secret"),
            ("alice", ""),
            ("bob", "secret"),
            ("nobody", "secret"),
        ] {
            assert_eq!(
                login(&auth, request(user, password)).await,
                Err(Refusal::BadUserNameOrPassword),
                "{user}"
            );
        }
        let mut theirs = request("bob", "pä:ss");
        theirs.client_id = "alice".to_owned();
        assert_eq!(login(&auth, theirs).await, Err(Refusal::ClientIdNotAllowed));
    });
}

/// Needs mosquitto's tool; says so when it is not there, and fails then where everything must be.
#[test]
fn what_mosquitto_passwd_writes_now_works() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("passwords");
    let written = Command::new("mosquitto_passwd")
        .arg("-c")
        .arg("-b")
        .arg(&file)
        .args(["carol", "grün 1:2"])
        .output();
    let Ok(output) = written else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "mosquitto_passwd is not installed"
        );
        eprintln!("skipped: mosquitto_passwd is not installed");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let users = read_users(&file).expect("reads");
    assert!(users.stored_for("carol").verify("grün 1:2".as_bytes()));
    assert!(!users.stored_for("carol").verify(b"other"));
}

#[test]
fn a_changed_file_is_taken_and_a_bad_one_is_not() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("passwords");
    std::fs::write(&file, line("alice", 1)).expect("write");
    let metrics = Metrics::new();
    let auth = start(&settings(&file, 1), &metrics).expect("starts");
    let login = |user: &str| runtime().block_on(super::login(&auth, request(user, user)));
    assert!(login("alice").is_ok());
    std::fs::write(&file, line("bob", 1)).expect("write");
    auth.poke();
    eventually("the new file is in use", || {
        metrics.login.password_reloads.get(ReloadOutcome::Changed) == 1
    });
    assert_eq!(login("alice"), Err(Refusal::BadUserNameOrPassword));
    assert!(login("bob").is_ok());
    std::fs::write(&file, "nonsense").expect("write");
    auth.poke();
    eventually("the bad file is noticed", || {
        metrics.login.password_reloads.get(ReloadOutcome::Failed) == 1
    });
    assert!(login("bob").is_ok());
}

#[test]
fn a_bad_file_is_refused_at_the_start() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("passwords");
    let start = || start(&settings(&file, 1), &Metrics::new());
    assert!(matches!(start(), Err(AuthError::Read { .. })));
    std::fs::write(&file, "nonsense").expect("write");
    assert!(matches!(start(), Err(AuthError::Users { .. })));
}

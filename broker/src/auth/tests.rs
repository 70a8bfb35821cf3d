//! The door with real files and threads behind it.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use herdgate_admission::tuning::Tuning;

use super::*;
use crate::config::{
    Anonymous, Authentication, AuthenticationMethod, ClientIdPattern, Flapping, GrowingWait,
};
use crate::metrics::{ExchangeOutcome, LoginDrop, Metrics, ReloadOutcome, WaitReason};

const DEADLINE: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_mins(1);

fn settings(file: &Path, threads: usize) -> Authentication {
    Authentication {
        anonymous: Anonymous::Never,
        password_file: Some(file.to_owned()),
        http: None,
        client_id_pattern: ClientIdPattern::parse("%u").expect("pattern"),
        hashing_threads: NonZeroUsize::new(threads).expect("not zero"),
        wrong_password_wait: NO_WAIT,
        flapping: Flapping {
            within: Duration::ZERO,
            free_ends: 0,
            wait: NO_WAIT,
        },
    }
}

const NO_WAIT: GrowingWait = GrowingWait {
    first: Duration::ZERO,
    longest: Duration::ZERO,
};

pub(super) fn request(user: &str, password: &str) -> LoginRequest {
    LoginRequest {
        client_id: user.to_owned(),
        may_assign_id: true,
        user_name: Some(user.to_owned()),
        password: Some(password.as_bytes().to_owned()),
        certificate: None,
        listener: "mqtt".into(),
        peer: "198.18.0.1:1000".parse().expect("address"),
        waiting_since: Instant::now(),
    }
}

async fn login(auth: &Authenticator, request: LoginRequest) -> Result<Identity, Refusal> {
    auth.login(&request).await.map_err(|no| no.refusal)
}

fn line(user: &str, iterations: u32) -> String {
    let iterations = NonZeroU32::new(iterations).expect("not zero");
    format!(
        "{user}:{}\n",
        PasswordHash::derive(user.as_bytes(), iterations).expect("random")
    )
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "still not: {what}");
        std::thread::yield_now();
    }
}

fn start(settings: &Authentication, metrics: &Metrics) -> Result<Authenticator, AuthError> {
    Authenticator::start(settings, PATIENCE, &Tuning::default(), metrics)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime")
}

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
    let login = |user: &str| runtime().block_on(super::tests::login(&auth, request(user, user)));
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

#[test]
fn the_gone_are_not_hashed() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("passwords");
    // long enough for the others to queue up behind it
    std::fs::write(&file, line("slow", 300_000)).expect("write");
    let metrics = Metrics::new();
    let auth = start(&settings(&file, 1), &metrics).expect("starts");
    runtime().block_on(async {
        let first = login(&auth, request("slow", "slow"));
        let gone: Vec<_> = (0..5)
            .map(|_| login(&auth, request("slow", "wrong")))
            .collect();
        let mut all = Box::pin(futures::future::join(first, async {
            let mut gone = futures::future::join_all(gone);
            // each is polled once, so that it queues, and then dropped
            futures::future::poll_fn(|context| {
                let _ = std::future::Future::poll(std::pin::Pin::new(&mut gone), context);
                std::task::Poll::Ready(())
            })
            .await;
        }));
        assert!((&mut all).await.0.is_ok());
    });
    eventually("the gone have left", || {
        metrics.login.dropped.get(LoginDrop::ClientGone) == 5
    });
    assert_eq!(metrics.login.hashed.get(), 1);
}

#[test]
fn who_cannot_make_it_is_told_so_unhashed() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("passwords");
    std::fs::write(&file, line("alice", 1)).expect("write");
    let metrics = Metrics::new();
    let auth = Authenticator::start(
        &settings(&file, 1),
        Duration::ZERO,
        &Tuning::default(),
        &metrics,
    )
    .expect("starts");
    assert_eq!(
        runtime().block_on(login(&auth, request("alice", "alice"))),
        Err(Refusal::Busy)
    );
    assert_eq!(metrics.login.dropped.get(LoginDrop::TooLate), 1);
    assert_eq!(metrics.login.hashed.get(), 0);
}

#[test]
fn login_threads_have_a_lower_priority() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("passwords");
    std::fs::write(&file, line("alice", 1)).expect("write");
    let auth = start(&settings(&file, 3), &Metrics::new()).expect("starts");
    // the third thread exists in this test alone
    eventually("the thread is nice", || nice_of("login-2") == Some(10));
    drop(auth);
    eventually("the thread has ended", || nice_of("login-2").is_none());
}

/// The nice value of this process's thread of that name.
fn nice_of(name: &str) -> Option<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("tasks");
    let stats =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
    let stat = stats
        .into_iter()
        .find(|stat| stat.contains(&format!("({name})")))?;
    // fields from the third on follow the name; nice is the nineteenth
    stat.rsplit_once(") ")?.1.split(' ').nth(16)?.parse().ok()
}

#[test]
fn every_refusal_has_a_code_in_both_versions() {
    for (refusal, v3, v5) in [
        (Refusal::ClientIdNotAllowed, 2, 0x85),
        (Refusal::Busy, 3, 0x89),
        (Refusal::Unavailable, 3, 0x88),
        (Refusal::BadUserNameOrPassword, 4, 0x86),
        (Refusal::NotAuthorized, 5, 0x87),
        (Refusal::UnknownMethod, 5, 0x8C),
        (Refusal::TooSoon, 3, 0x9F),
    ] {
        assert_eq!(
            (refusal.v3_code(), refusal.v5_code()),
            (v3, v5),
            "{}",
            refusal.name()
        );
    }
}

#[test]
fn every_thread_can_be_watched() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/passwords/mosquitto-2.0.11");
    let auth = start(&settings(&file, 2), &Metrics::new()).expect("starts");
    let lives = auth.lives();
    let mut names: Vec<&str> = lives.iter().map(crate::process::Life::name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["login-0", "login-1", "login-queue", "password-file"]
    );
    // they end with the door, and not before
    runtime().block_on(async {
        use futures::FutureExt as _;
        let mut ends: Vec<_> = lives
            .into_iter()
            .map(|life| Box::pin(life.ended()))
            .collect();
        assert!(ends.iter_mut().all(|end| end.now_or_never().is_none()));
        drop(auth);
        futures::future::join_all(ends).await;
    });
}

const WAIT: GrowingWait = GrowingWait {
    first: Duration::from_mins(1),
    longest: Duration::from_mins(4),
};

/// Users alice with a hash and bob with a verifier, whose passwords are their names.
fn both(wait: GrowingWait) -> (tempfile::TempDir, Metrics, Authenticator) {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("passwords");
    let least = NonZeroU32::new(scram::ScramVerifier::MIN_ITERATIONS).expect("not zero");
    let bob = scram::ScramVerifier::derive("bob", least).expect("random");
    std::fs::write(&file, format!("{}bob:{bob}\n", line("alice", 1))).expect("write");
    let metrics = Metrics::new();
    let settings = Authentication {
        wrong_password_wait: wait,
        ..settings(&file, 1)
    };
    let auth = start(&settings, &metrics).expect("starts");
    (dir, metrics, auth)
}

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

//! The door with real files and threads behind it.

mod exchange;
mod password_file;
mod wrong_passwords;

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::time::{Duration, Instant};

use herdgate_admission::tuning::Tuning;

use super::*;
use crate::config::{Anonymous, Authentication, ClientIdPattern, Flapping, GrowingWait};
use crate::metrics::{LoginDrop, Metrics};

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

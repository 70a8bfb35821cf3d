//! The door with a real server behind it.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use futures::FutureExt as _;
use herdgate_admission::report::Verdict;
use herdgate_admission::tuning::Tuning;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::auth::tests::request;
use crate::auth::{AuthError, Authenticator, BackendFilesError, Refusal};
use crate::config::{
    Anonymous, Authentication, ClientIdPattern, Flapping, GrowingWait, HttpBackend, HttpUrl,
};
use crate::metrics::{BackendOutcome, LoginDrop, Metrics, ReloadOutcome, WaitReason};

const PATIENCE: Duration = Duration::from_mins(1);
const NO_WAIT: GrowingWait = GrowingWait {
    first: Duration::ZERO,
    longest: Duration::ZERO,
};

/// Answers by the password: what it says, as the answer's body; some words mean more.
#[derive(Clone)]
struct Server {
    asked: Arc<AtomicUsize>,
    /// Those who say `wait` get an answer when there is a permit.
    open: Arc<Semaphore>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            asked: Arc::default(),
            open: Arc::new(Semaphore::new(0)),
        }
    }
}

async fn answer(State(server): State<Server>, body: Bytes) -> Response {
    server.asked.fetch_add(1, Ordering::SeqCst);
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    match body["password"].as_str().expect("a password") {
        "500" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "204" => StatusCode::NO_CONTENT.into_response(),
        "allowed with 403" => (StatusCode::FORBIDDEN, r#"{"result":"allow"}"#).into_response(),
        "much" => {
            format!(r#"{{"more":"{}","result":"allow"}}"#, "x".repeat(70_000)).into_response()
        }
        "wait" => {
            server.open.acquire().await.expect("open").forget();
            r#"{"result":"allow"}"#.into_response()
        }
        said => said.to_owned().into_response(),
    }
}

async fn serve(server: Server) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("address");
    let router = Router::new()
        .route("/login", post(answer))
        .with_state(server);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/login")
}

fn settings(url: &str) -> Authentication {
    Authentication {
        anonymous: Anonymous::Never,
        password_file: None,
        http: Some(HttpBackend {
            url: HttpUrl::parse(url).expect("a URL"),
            timeout: Duration::from_secs(20),
            concurrency: NonZeroUsize::MIN,
            ca_file: None,
            token_file: None,
        }),
        client_id_pattern: ClientIdPattern::parse("%u").expect("pattern"),
        hashing_threads: NonZeroUsize::MIN,
        wrong_password_wait: NO_WAIT,
        flapping: Flapping {
            within: Duration::ZERO,
            free_ends: 0,
            wait: NO_WAIT,
        },
    }
}

async fn login(auth: &Authenticator, user: &str, password: &str) -> Result<(), Refusal> {
    let came = auth.login(&request(user, password)).await;
    came.map(|_| ()).map_err(|no| no.refusal)
}

fn door(settings: &Authentication) -> (Metrics, Authenticator) {
    let metrics = Metrics::new();
    let auth =
        Authenticator::start(settings, PATIENCE, &Tuning::default(), &metrics).expect("starts");
    (metrics, auth)
}

#[tokio::test]
async fn the_backend_decides_and_whatever_is_no_verdict_lets_nobody_in() {
    let (metrics, auth) = door(&settings(&serve(Server::default()).await));
    let wrong = Err(Refusal::BadUserNameOrPassword);
    let unjudged = Err(Refusal::Unavailable);
    for (said, expected) in [
        (r#"{"result":"allow"}"#, Ok(())),
        (r#"{"result":"deny"}"#, wrong),
        (r#"{"result":"ignore"}"#, wrong),
        (r#"{"result":"yes"}"#, unjudged),
        ("<html>", unjudged),
        ("", unjudged),
        ("500", unjudged),
        ("204", unjudged),
        ("allowed with 403", unjudged),
        ("much", unjudged),
    ] {
        assert_eq!(login(&auth, "alice", said).await, expected, "{said}");
    }
    let counted = |outcome| metrics.login.backend.requests.get(outcome);
    assert_eq!(counted(BackendOutcome::Allow), 1);
    assert_eq!(counted(BackendOutcome::Deny), 1);
    assert_eq!(counted(BackendOutcome::Ignore), 1);
    assert_eq!(counted(BackendOutcome::Status), 3);
    assert_eq!(counted(BackendOutcome::Garbage), 4);
    assert_eq!(metrics.login.hashed.get(), 0);
}

#[tokio::test]
async fn who_may_have_which_id_is_decided_here() {
    let (_, auth) = door(&settings(&serve(Server::default()).await));
    let mut theirs = request("alice", r#"{"result":"allow"}"#);
    theirs.client_id = "bob".to_owned();
    let no = auth.login(&theirs).await.expect_err("not hers");
    assert_eq!(no.refusal, Refusal::ClientIdNotAllowed);
}

#[tokio::test]
async fn a_late_answer_is_none() {
    let mut settings = settings(&serve(Server::default()).await);
    if let Some(http) = &mut settings.http {
        http.timeout = Duration::from_millis(50);
    }
    let (metrics, auth) = door(&settings);
    assert_eq!(
        login(&auth, "alice", "wait").await,
        Err(Refusal::Unavailable)
    );
    assert_eq!(
        metrics.login.backend.requests.get(BackendOutcome::Timeout),
        1
    );
}

#[tokio::test]
async fn nobody_comes_in_while_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let url = format!("http://{}/", listener.local_addr().expect("address"));
    drop(listener);
    let (metrics, auth) = door(&settings(&url));
    assert_eq!(login(&auth, "alice", "x").await, Err(Refusal::Unavailable));
    let requests = &metrics.login.backend.requests;
    assert_eq!(requests.get(BackendOutcome::Unreachable), 1);
}

#[tokio::test]
async fn the_gone_are_not_asked_about_and_no_more_at_once_than_may_be() {
    let server = Server::default();
    let (metrics, auth) = door(&settings(&serve(server.clone()).await));
    let first = login(&auth, "alice", "wait");
    let gone: Vec<_> = (0..5).map(|_| login(&auth, "bob", "wait")).collect();
    let neighbour = login(&auth, "carol", r#"{"result":"allow"}"#);
    let mut both = Box::pin(futures::future::join(first, neighbour));
    assert!((&mut both).now_or_never().is_none());
    let mut gone = futures::future::join_all(gone);
    assert!((&mut gone).now_or_never().is_none());
    drop(gone);
    tokio::select! {
        _ = &mut both => panic!("the backend has not said anything"),
        () = until(|| server.asked.load(Ordering::SeqCst) == 1) => {}
    }
    server.open.add_permits(1);
    assert_eq!(both.await, (Ok(()), Ok(())));
    until(|| metrics.login.backend.dropped.get(LoginDrop::ClientGone) == 5).await;
    assert_eq!(server.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn denials_make_wait_and_errors_do_not() {
    let server = Server::default();
    let mut settings = settings(&serve(server.clone()).await);
    settings.wrong_password_wait = GrowingWait {
        first: Duration::from_mins(1),
        longest: Duration::from_mins(1),
    };
    let (metrics, auth) = door(&settings);
    for _ in 0..3 {
        assert_eq!(
            login(&auth, "alice", "500").await,
            Err(Refusal::Unavailable)
        );
    }
    let deny = r#"{"result":"deny"}"#;
    let wrong = Err(Refusal::BadUserNameOrPassword);
    assert_eq!(login(&auth, "alice", deny).await, wrong);
    assert_eq!(login(&auth, "alice", deny).await, Err(Refusal::TooSoon));
    assert_eq!(metrics.login.waits.early.get(WaitReason::User), 1);
    assert_eq!(server.asked.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn whom_the_file_knows_the_backend_is_not_asked_about() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("passwords");
    let hash = crate::auth::PasswordHash::derive(b"secret", std::num::NonZeroU32::MIN);
    std::fs::write(&file, format!("alice:{}\n", hash.expect("random"))).expect("write");
    let server = Server::default();
    let mut settings = settings(&serve(server.clone()).await);
    settings.password_file = Some(file);
    let (metrics, auth) = door(&settings);
    assert_eq!(login(&auth, "alice", "secret").await, Ok(()));
    let wrong = Err(Refusal::BadUserNameOrPassword);
    let allow = r#"{"result":"allow"}"#;
    assert_eq!(login(&auth, "alice", allow).await, wrong);
    assert_eq!(server.asked.load(Ordering::SeqCst), 0);
    assert_eq!(login(&auth, "bob", allow).await, Ok(()));
    assert_eq!(metrics.login.hashed.get(), 2);
}

#[tokio::test]
async fn its_thread_can_be_watched() {
    let (_, auth) = door(&settings("http://127.0.0.1:1/"));
    let lives = auth.lives();
    let [life] = &lives[..] else {
        panic!("{lives:?}")
    };
    assert_eq!(life.name(), "login-http");
    let mut end = Box::pin(life.clone().ended());
    assert!((&mut end).now_or_never().is_none());
    drop(auth);
    end.await;
}

#[test]
fn a_file_without_authorities_is_refused_at_the_start() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("ca.crt");
    std::fs::write(&file, "nonsense").expect("write");
    let mut settings = settings("https://127.0.0.1:1/");
    if let Some(http) = &mut settings.http {
        http.ca_file = Some(file);
    }
    let started = Authenticator::start(&settings, PATIENCE, &Tuning::default(), &Metrics::new());
    let Err(AuthError::Backend(BackendFilesError::Roots(_))) = started else {
        panic!("{started:?}")
    };
}

/// Allows whoever comes with the token.
async fn serve_bearers(token: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("address");
    let answer = async move |headers: HeaderMap| {
        let shown = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        if shown == Some(token.as_bytes()) {
            r#"{"result":"allow"}"#.into_response()
        } else {
            StatusCode::UNAUTHORIZED.into_response()
        }
    };
    let router = Router::new().route("/", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

#[tokio::test]
async fn a_changed_token_is_shown_and_a_bad_one_changes_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let file = dir.path().join("token");
    std::fs::write(&file, "an-old-token-that-is-long").expect("write");
    let mut settings = settings(&serve_bearers("Bearer a-new-token-that-is-long").await);
    if let Some(http) = &mut settings.http {
        http.token_file = Some(file.clone());
    }
    let (metrics, auth) = door(&settings);
    let refused = Err(Refusal::Unavailable);
    assert_eq!(login(&auth, "alice", "x").await, refused);
    let reloads = |outcome| metrics.login.backend.reloads.get(outcome);
    for (text, outcome) in [
        ("short", ReloadOutcome::Failed),
        ("a-new-token-that-is-long\n", ReloadOutcome::Changed),
        ("with a space inside it", ReloadOutcome::Failed),
    ] {
        let before = reloads(outcome);
        std::fs::write(&file, text).expect("write");
        auth.poke();
        until(|| reloads(outcome) > before).await;
    }
    assert_eq!(login(&auth, "alice", "x").await, Ok(()));
}

async fn until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never holds");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_backend_that_fails_is_asked_slowly_until_it_is_well() {
    let mut settings = settings(&serve(Server::default()).await);
    if let Some(http) = &mut settings.http {
        http.concurrency = NonZeroUsize::new(64).expect("not zero");
    }
    let (metrics, auth) = door(&settings);
    let failing = || login(&auth, "alice", "500");
    let begun = Instant::now();
    while auth.backend_health() != Verdict::Hard {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never fails");
        let all = futures::future::join_all((0..10).map(|_| failing())).await;
        assert_eq!(all, [Err(Refusal::Unavailable); 10]);
    }
    let shown = || metrics.login.backend.health.get();
    assert_eq!(shown(), 2);
    let begun = Instant::now();
    assert_eq!(failing().await, Err(Refusal::Unavailable));
    assert!(begun.elapsed() > Duration::from_millis(900));
    let begun = Instant::now();
    while auth.backend_health() != Verdict::Good {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it is never well"
        );
        let allowed = login(&auth, "alice", r#"{"result":"allow"}"#).await;
        assert_eq!(allowed, Ok(()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(shown(), 0);
}

//! How a reopening goes and is steered, over a real socket.

use std::time::Duration;

use herdgate_admission::progress::{
    Action, CensusPage, ClientState, Explanation, PerSlice, Phase, Point, Progress, Refusal, Steer,
    Steered, Trigger,
};
use herdgate_admission::steering::NotSteered;
use serde_json::{Value, from_value, json, to_value};

use super::*;

const TOKEN: &str = "a token of enough bytes";

/// Tells fixed things, and does what it is asked unless that is to resume.
struct Fake;

impl Valve for Fake {
    fn progress(&self, per_slice: bool) -> Progress {
        Progress {
            number: 3,
            per_slice: per_slice.then(PerSlice::default),
            ..Progress::default()
        }
    }

    fn census(&self, top: usize) -> CensusPage {
        CensusPage {
            clients: top as u64,
            ..CensusPage::default()
        }
    }

    fn explain(&self, subject: Subject) -> BoxFuture<'static, Explanation> {
        let subject = format!("{subject:?}");
        let explanation = Explanation {
            subject,
            state: ClientState::Held,
            ..Explanation::default()
        };
        ready(explanation).boxed()
    }

    fn steer(&self, steer: Steer) -> BoxFuture<'static, Result<Steered, NotSteered>> {
        let answer = match steer.action {
            Action::Resume => Err(NotSteered::NotNow {
                action: "resume",
                because: "it is not paused",
            }),
            Action::Advance => Err(NotSteered::Field {
                field: "level",
                problem: "is missing".to_owned(),
            }),
            _ => Ok(Steered {
                reopening: 3,
                paused: true,
                ..Steered::default()
            }),
        };
        ready(answer).boxed()
    }
}

pub(super) fn fake() -> Arc<dyn Valve> {
    Arc::new(Fake)
}

async fn with_token() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, TOKEN).unwrap();
    let token = crate::link::TokenFile::start(crate::config::TokenUse::Admin, &file).unwrap();
    (server_with(Some(token)).await, folder)
}

impl Server {
    async fn post(&self, authorization: &str, body: &str) -> (u16, String) {
        let request = format!(
            "POST /admission HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n{authorization}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (code, _, body) = self.ask(&request).await;
        (code, body)
    }
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

fn error(body: &str) -> String {
    serde_json::from_str::<Refusal>(body).expect(body).error
}

#[tokio::test]
async fn anybody_may_ask_how_it_goes() {
    let server = server().await;
    assert_eq!(server.json("/reopening").await["number"], json!(3));
    assert!(server.json("/reopening").await.get("perSlice").is_none());
    let with_slices = server.json("/reopening?slices=true").await;
    assert_eq!(with_slices["perSlice"]["entered"], json!([]));
    assert_eq!(server.json("/census?top=7").await["clients"], json!(7));
    let explained = server.json("/explain?client=gw%2F4711").await;
    assert_eq!(explained["subject"], json!("Client(\"gw/4711\")"));
    let explained = server.json("/explain?address=198.18.3.7").await;
    assert_eq!(explained["subject"], json!("Address(198.18.3.7)"));
}

#[tokio::test]
async fn questions_that_make_no_sense_name_the_field() {
    let server = server().await;
    for (path, field) in [
        ("/reopening?slices=perhaps", "slices"),
        ("/census?top=-1", "top"),
        ("/census?top=1001", "top"),
        ("/explain", "client or address"),
        ("/explain?client=", "client or address"),
        ("/explain?client=a&address=198.18.3.7", "client or address"),
        ("/explain?address=here", "address"),
    ] {
        let (code, _, body) = server.get(path).await;
        assert_eq!(code, 400, "{path}");
        assert!(error(&body).contains(field), "{path}: {body}");
    }
}

#[tokio::test]
async fn who_does_not_know_the_token_changes_nothing() {
    let (code, body) = server()
        .await
        .post(&bearer(TOKEN), r#"{"action":"pause"}"#)
        .await;
    assert_eq!(
        (code, error(&body).contains("admin.tokenFile is not set")),
        (403, true)
    );
    let (server, _folder) = with_token().await;
    let pause = r#"{"action":"pause"}"#;
    for shown in [
        "",
        "authorization: Basic YTpi\r\n",
        &bearer("wrong"),
        &bearer(""),
    ] {
        assert_eq!(server.post(shown, pause).await.0, 401, "{shown}");
    }
    assert_eq!(server.get("/admission").await.0, 405);
}

#[tokio::test]
async fn who_knows_the_token_steers() {
    let (server, _folder) = with_token().await;
    let post = async |body: &str| server.post(&bearer(TOKEN), body).await;
    let (code, body) = post(r#"{"action":"pause"}"#).await;
    let steered: Steered = serde_json::from_str(&body).unwrap();
    assert_eq!((code, steered.reopening, steered.paused), (202, 3, true));
    let (code, body) = post(r#"{"action":"resume"}"#).await;
    assert_eq!(
        (code, &*error(&body)),
        (409, "failed to resume: it is not paused")
    );
    let (code, body) = post(r#"{"action":"advance"}"#).await;
    assert_eq!((code, &*error(&body)), (400, "level: is missing"));
    for (body, named) in [
        (r#"{"action":"Pause"}"#, "Pause"),
        (r#"{"action":"pause","levle":3}"#, "levle"),
        (r#"{"level":3}"#, "action"),
        ("", "EOF"),
    ] {
        let (code, answer) = post(body).await;
        assert_eq!(code, 400, "{body}");
        assert!(error(&answer).contains(named), "{body}: {answer}");
    }
    assert_eq!(post(&"x".repeat(2_000)).await.0, 413);
}

#[test]
fn progress_goes_there_and_back_in_camel_case() {
    let progress = Progress {
        number: 3,
        phase: Phase::Ramping,
        trigger: Trigger::Restart,
        slices: 256,
        level: 148,
        expected: Some(7000),
        eta_seconds: Some(38),
        timeline: vec![Point {
            seconds: 4,
            limiting_signal: Some("queue_wait".into()),
            ..Point::default()
        }],
        ..Progress::default()
    };
    let told = to_value(&progress).unwrap();
    assert_eq!(told["etaSeconds"], json!(38));
    assert_eq!(told["timeline"][0]["limitingSignal"], json!("queue_wait"));
    assert_eq!(told["finishedAt"], Value::Null);
    assert!(told.get("perSlice").is_none());
    assert_eq!(from_value::<Progress>(told).unwrap(), progress);
}

#[test]
fn what_is_left_out_reads_as_nothing_and_what_is_new_is_ignored() {
    let read: Progress = from_value(json!({"number": 2, "moonPhase": "full"})).unwrap();
    assert_eq!((read.number, read.phase), (2, Phase::None));
    assert_eq!(
        from_value::<CensusPage>(json!({})).unwrap(),
        CensusPage::default()
    );
}

#[test]
fn a_request_is_taken_literally() {
    let steer: Steer = from_value(json!({"action": "advance", "level": 7})).unwrap();
    assert_eq!((steer.action, steer.level), (Action::Advance, Some(7)));
    assert!(from_value::<Steer>(json!({"action": "Pause"})).is_err());
    assert!(from_value::<Steer>(json!({"action": "pause", "levle": 7})).is_err());
    for action in Action::ALL {
        assert_eq!(Action::of_word(action.word()), Some(action));
        assert_eq!(to_value(action).unwrap(), json!(action.word()));
    }
}

#[tokio::test]
async fn who_stands_still_keeps_no_request_open() {
    let refusal = routes::in_time(Duration::ZERO, std::future::pending::<()>())
        .await
        .unwrap_err();
    assert_eq!(refusal.status().as_u16(), 504);
    assert_eq!(
        routes::in_time(Duration::ZERO, ready(7)).await.ok(),
        Some(7)
    );
}

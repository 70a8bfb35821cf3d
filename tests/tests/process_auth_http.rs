//! Logins that a backend judges by HTTP, however well or badly it does.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use herdgate_bench::backend::{self, Answer};
use herdgate_tests::certs::{Algorithm, Authority};
use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::mqtt::{CONNACK, Client, Connect, PINGRESP};
use herdgate_tests::setup::{ALICE, SERVER_NAMES, Setup};
use herdgate_tests::skip::skip;
use herdgate_tests::tls;
use herdgate_tests::wait::{PATIENT, until};
use serde_json::{Value, json};

const SPLIT: Topology = Topology::Split { edges: 1 };
/// Far longer than any test takes.
const FOR_EVER: Duration = Duration::from_mins(10);

/// The backend that this file's tests share: it does what the user's name says.
fn judge(body: &str) -> Answer {
    let asked: Value = serde_json::from_str(body).unwrap();
    let user = asked["username"].as_str().unwrap();
    let right = asked["password"] == "secret";
    match user.split('-').next().unwrap() {
        "good" if right => Answer::verdict("allow"),
        "good" => Answer::verdict("deny"),
        "stranger" => Answer::verdict("ignore"),
        "slow" => Answer::verdict("allow").after(FOR_EVER),
        "broken" => Answer::failure(),
        "garbage" => Answer {
            body: "<html>welcome</html>".to_owned(),
            ..Answer::verdict("allow")
        },
        other => panic!("nobody expects {other}"),
    }
}

/// Logins judged at `url`, and nobody without one.
fn setup(url: &str, http: &Value) -> Setup {
    let mut section = json!({"url": url});
    let (all, more) = (section.as_object_mut().unwrap(), http.as_object().unwrap());
    all.extend(more.clone());
    Setup::new()
        .set("/authentication/anonymous", "Never")
        .set("/authentication/http", section)
}

fn url(backend: SocketAddr) -> String {
    format!("http://{backend}/login")
}

/// The code of the CONNACK.
fn code(address: SocketAddr, connect: &Connect) -> u8 {
    let mut client = Client::plain(address).unwrap();
    let connack = client.connect(connect).unwrap();
    assert_eq!(connack.kind(), CONNACK);
    connack.body[1]
}

/// The codes in MQTT 3.1.1 and 5.
fn codes(address: SocketAddr, user: &str, password: &str) -> (u8, u8) {
    (
        code(address, &Connect::v3(user).user(user, password)),
        code(address, &Connect::v5(user).user(user, password)),
    )
}

#[test]
fn the_backend_decides_and_its_faults_are_no_wrong_passwords() {
    if stand_in_wanted() {
        return skip("mosquitto has no HTTP backend of its own");
    }
    let backend = backend::start(judge).unwrap();
    let setup = setup(&url(backend), &json!({"timeoutMilliseconds": 300}));
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let address = cluster.listener("mqtt");
    for (user, password, expected) in [
        ("good", "secret", (0, 0)),
        ("good", "wrong", (0x04, 0x86)),
        ("stranger", "secret", (0x04, 0x86)),
        ("slow", "secret", (0x03, 0x88)),
        ("broken", "secret", (0x03, 0x88)),
        ("garbage", "secret", (0x03, 0x88)),
        // the file's own
        (ALICE.0, ALICE.1, (0, 0)),
    ] {
        assert_eq!(
            codes(address, user, password),
            expected,
            "{user} {password}"
        );
    }
    let admin = &cluster.edges[0].admin;
    for (outcome, expected) in [
        ("allow", 2.0),
        ("deny", 2.0),
        ("ignore", 2.0),
        ("timeout", 2.0),
        ("status", 2.0),
        ("garbage", 2.0),
        ("unreachable", 0.0),
    ] {
        let label = format!("outcome=\"{outcome}\"");
        let counted = admin.metric_of("herdgate_auth_http_requests_total", &label);
        assert!((counted - expected).abs() < 0.5, "{outcome}: {counted}");
    }
    let asked = admin.metric("herdgate_auth_http_seconds_count");
    assert!((asked - 12.0).abs() < 0.5, "{asked}");
}

#[test]
fn nobody_new_comes_in_while_nobody_answers_and_those_who_are_in_stay() {
    if stand_in_wanted() {
        return skip("mosquitto has no HTTP backend of its own");
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let setup = setup(&url(address), &json!({}));
    let Some(cluster) = Cluster::start(&setup, Topology::Standalone) else {
        return;
    };
    let address = cluster.listener("mqtt");
    let mut inside = Client::plain(address).unwrap();
    inside.login(&Connect::v3("alice").user(ALICE.0, ALICE.1));
    assert_eq!(codes(address, "good", "secret"), (0x03, 0x88));
    inside.send(&[0xC0, 0]).unwrap();
    assert_eq!(inside.read().unwrap().kind(), PINGRESP);
}

#[test]
fn a_neighbour_does_not_wait_for_those_who_are_gone() {
    if stand_in_wanted() {
        return skip("mosquitto has no HTTP backend of its own");
    }
    // Nobody is answered before the gate opens.
    let gate = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let (opens, counts) = (Arc::clone(&gate), Arc::clone(&asked));
    let backend = backend::start(move |_| {
        counts.fetch_add(1, Ordering::SeqCst);
        until("the gate opens", PATIENT, || {
            opens.load(Ordering::SeqCst).then_some(())
        });
        Answer::verdict("allow")
    });
    let only_one = json!({"concurrency": 1, "timeoutMilliseconds": 60_000});
    let setup = setup(&url(backend.unwrap()), &only_one).set("/admission/patienceSeconds", 60);
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let address = cluster.listener("mqtt");
    let come = |id: &str| {
        let mut client = Client::plain(address).unwrap();
        let connect = Connect::v3(id).user(id, "secret");
        client.send(&connect.encode()).unwrap();
        client
    };
    let admin = &cluster.edges[0].admin;
    let waiting = |count: f64| {
        until("they wait", PATIENT, || {
            let waiting = admin.metric("herdgate_auth_http_waiting");
            ((waiting - count).abs() < 0.5).then_some(())
        });
    };
    let mut first = come("first");
    until("the first is asked about", PATIENT, || {
        (asked.load(Ordering::SeqCst) == 1).then_some(())
    });
    let gone: Vec<_> = (0..5)
        .map(|number| come(&format!("gone-{number}")))
        .collect();
    waiting(5.0);
    drop(gone);
    let mut neighbour = come("neighbour");
    waiting(6.0);
    until("the edge knows who is gone", PATIENT, || {
        let entering = admin.metric("herdgate_entering");
        ((entering - 2.0).abs() < 0.5).then_some(())
    });
    gate.store(true, Ordering::SeqCst);
    assert_eq!(first.read().unwrap().body[1], 0);
    assert_eq!(neighbour.read().unwrap().body[1], 0);
    let left = admin.metric_of("herdgate_auth_http_dropped_total", "reason=\"client_gone\"");
    assert!((left - 5.0).abs() < 0.5, "{left}");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn the_backend_is_known_by_its_authority_as_the_file_has_it_now() {
    if stand_in_wanted() {
        return skip("mosquitto has no HTTP backend of its own");
    }
    let theirs = Authority::new("Backend root");
    let config = tls::server(&theirs.server(Algorithm::Ecdsa, SERVER_NAMES));
    let url = format!("https://{}/", backend::start_tls(config, judge).unwrap());
    let mut setup = setup(&url, &json!({}));
    let file = setup.write("backend.crt", &Authority::new("Another root").pem());
    setup = setup.set("/authentication/http/caFile", file.display().to_string());
    let Some(cluster) = Cluster::start(&setup, Topology::Standalone) else {
        return;
    };
    let (address, admin) = (cluster.listener("mqtt"), &cluster.edges[0].admin);
    assert_eq!(codes(address, "good", "secret"), (0x03, 0x88));
    setup.write("backend.crt", &theirs.pem());
    until("the new authority counts", PATIENT, || {
        let changed = admin.metric_of("herdgate_auth_http_reloads_total", "outcome=\"changed\"");
        (changed > 0.5).then_some(())
    });
    assert_eq!(codes(address, "good", "secret"), (0, 0));
}

#[test]
fn a_backend_that_fails_keeps_all_but_a_few_from_entering_until_it_is_well() {
    if stand_in_wanted() {
        return skip("mosquitto has no HTTP backend of its own");
    }
    let well = Arc::new(AtomicBool::new(false));
    let judged = Arc::clone(&well);
    let backend = backend::start(move |_| {
        if judged.load(Ordering::SeqCst) {
            Answer::verdict("allow")
        } else {
            Answer::failure()
        }
    });
    let setup = setup(&url(backend.unwrap()), &json!({})).set("/admission/mode", "Staged");
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let address = cluster.listener("mqtt");
    let admin = &cluster.edges[0].admin;
    let connect = Connect::v5("good").user("good", "secret");
    let come = |expected| {
        assert_eq!(code(address, &connect), expected);
    };
    let signal = || admin.status()["limitingSignal"].as_str().map(str::to_owned);
    let limit = || admin.metric("herdgate_entering_limit");
    until("all slices are open", PATIENT, || {
        // while its slice is closed a client may be reset
        let knocked = Client::plain(address).and_then(|mut client| client.connect(&connect));
        drop(knocked);
        (admin.number("/level") == admin.number("/slices")).then_some(())
    });
    until("the edge knows that the backend fails", PATIENT, || {
        // more than twenty a second, while each is told at once
        (0..4).for_each(|_| come(0x88));
        (signal().as_deref() == Some("auth_backend") && limit() < 5.0).then_some(())
    });
    well.store(true, Ordering::SeqCst);
    until("the edge knows that the backend is well", PATIENT, || {
        come(0);
        (signal().as_deref() != Some("auth_backend")).then_some(())
    });
}

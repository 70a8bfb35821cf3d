//! Wrong passwords and flapping clients, over real sockets.

use std::time::Duration;

use bytes::Bytes;

use super::authentication::{connect, with_users};
use super::harness::{Edge, v3, v5, with_edge};
use crate::codec::{Connect, ReasonCode};
use crate::link::{CloseReason, ToEdge, ToShard};

/// A patience of two seconds: a wait may take one.
const SHORT: &str = "admission.patienceSeconds=2";

/// A CONNECT of alice with a password.
fn with_password(password: &'static str) -> Connect {
    let mut connect = v3("alice");
    connect.username = Some("alice".into());
    connect.password = Some(Bytes::from_static(password.as_bytes()));
    connect
}

#[test]
fn a_wrong_password_waits_for_its_answer_and_gives_its_place_back() {
    let wait = "authentication.wrongPasswordWait.firstSeconds=0.5";
    with_users(&[SHORT, wait], async |mut edge| {
        let mut client = edge.dial().await;
        client.connect(with_password("wrong")).await;
        let waiting = &edge.shared.metrics.login.waits.held;
        while waiting.get() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(edge.shared.places.used(), 0);
        // the right one comes too soon, is held, and then let in
        let mut right = edge.dial().await;
        right.connect(with_password("alice")).await;
        assert_eq!(client.read_to_end().await.unwrap(), [0x20, 2, 0, 4]);
        let stream = edge.attach().await;
        let connack = Bytes::from_static(&[0x20, 2, 0, 0]);
        edge.say(ToEdge::Attached { stream, connack });
        right.read(4).await;
        assert_eq!(edge.shared.metrics.login.hashed.get(), 2);
    });
}

#[test]
fn a_wait_longer_than_half_the_patience_is_cut_with_a_word() {
    let set = [
        "admission.patienceSeconds=0.5",
        "authentication.wrongPasswordWait.firstSeconds=60",
    ];
    with_users(&set, async |edge| {
        let mut client = edge.dial().await;
        client.connect(with_password("wrong")).await;
        assert_eq!(client.read_to_end().await.unwrap(), [0x20, 2, 0, 4]);
        let mut client = edge.dial().await;
        client.connect(with_password("alice")).await;
        assert_eq!(client.read_to_end().await.unwrap(), [0x20, 2, 0, 3]);
        let mut client = edge.dial().await;
        client
            .connect(connect("alice", Some("n,,n=alice,r=x")))
            .await;
        assert_eq!(client.refused().await, ReasonCode::CONNECTION_RATE_EXCEEDED);
        assert_eq!(edge.shared.metrics.login.hashed.get(), 1);
    });
}

pub(super) const FLAPPING: [&str; 4] = [
    "admission.patienceSeconds=1",
    "authentication.flapping.freeEnds=1",
    "authentication.flapping.firstSeconds=60",
    "authentication.flapping.longestSeconds=60",
];

/// A client that comes and goes, saying `last`.
async fn comes(edge: &mut Edge, last: &[u8]) {
    let (mut client, of) = edge.attached(v3("a")).await;
    client.send(last).await;
    drop(client);
    while !matches!(edge.frame().await, ToShard::Detach { stream, .. } if stream == of) {}
}

#[test]
fn whoever_comes_and_goes_waits() {
    with_edge(&FLAPPING, async |mut edge| {
        for _ in 0..2 {
            comes(&mut edge, &[]).await;
        }
        let mut client = edge.dial().await;
        client.connect(v3("a")).await;
        assert_eq!(client.read_to_end().await.unwrap(), [0x20, 2, 0, 3]);
        let mut client = edge.dial().await;
        client.connect(v5("a")).await;
        assert_eq!(client.refused().await, ReasonCode::CONNECTION_RATE_EXCEEDED);
        edge.attached(v3("b")).await;
    });
}

#[test]
fn a_goodbye_and_what_we_do_are_no_flapping() {
    with_edge(&FLAPPING, async |mut edge| {
        for _ in 0..4 {
            comes(&mut edge, &[0xE0, 0]).await;
        }
        for _ in 0..4 {
            let (mut client, stream) = edge.attached(v3("a")).await;
            let reason = CloseReason::ShuttingDown;
            edge.say(ToEdge::Close { stream, reason });
            client.read_to_end().await.unwrap();
        }
        edge.attached(v3("a")).await;
    });
}

#[test]
fn a_takeover_is_flapping() {
    with_edge(&FLAPPING, async |mut edge| {
        for _ in 0..2 {
            let (mut client, stream) = edge.attached(v3("a")).await;
            let reason = CloseReason::TakenOver;
            edge.say(ToEdge::Close { stream, reason });
            client.read_to_end().await.unwrap();
        }
        let mut client = edge.dial().await;
        client.connect(v3("a")).await;
        assert_eq!(client.read_to_end().await.unwrap(), [0x20, 2, 0, 3]);
    });
}

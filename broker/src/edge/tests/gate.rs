use std::time::Duration;

use herdgate_admission::report::ReopeningNumber;
use tokio::time::timeout;

use super::harness::{DEADLINE, Edge, v3, with_edge};
use crate::link::ToShard;
use crate::metrics::GateDecision;

const STAGED: [&str; 2] = ["admission.mode=Staged", "admission.patienceSeconds=2"];

pub(super) fn open(edge: &Edge, level: u32, places: u32) {
    edge.shared.places.set_limit(places);
    edge.view.send_modify(|view| {
        view.reopening = ReopeningNumber(1);
        view.level = level;
        view.entering_limit = places;
    });
}

#[test]
fn a_closed_slices_client_gets_no_byte_and_a_reset() {
    with_edge(&STAGED, async |edge| {
        open(&edge, 0, 100);
        let mut client = edge.dial().await;
        client.connect(v3("a")).await;
        let error = client.read_to_end().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        assert_eq!(edge.shared.places.used(), 0);
    });
}

#[test]
fn a_held_client_is_let_in_when_its_slice_opens() {
    with_edge(&STAGED, async |mut edge| {
        open(&edge, 0, 100);
        let mut client = edge.dial().await;
        client.connect(v3("a")).await;
        assert!(
            timeout(Duration::from_millis(100), edge.frame())
                .await
                .is_err()
        );
        open(&edge, 256, 100);
        edge.attach().await;
    });
}

#[test]
fn only_as_many_enter_as_there_are_places() {
    with_edge(&STAGED, async |mut edge| {
        open(&edge, 256, 1);
        let mut first = edge.dial().await;
        first.connect(v3("first")).await;
        let stream = edge.attach().await;
        let mut second = edge.dial().await;
        second.connect(v3("second")).await;
        assert!(
            timeout(Duration::from_millis(100), edge.frame())
                .await
                .is_err()
        );
        assert_eq!(edge.shared.places.used(), 1);
        drop(first);
        assert!(matches!(edge.frame().await, ToShard::Cancel { stream: of } if of == stream));
        let ToShard::Attach { attach, .. } = edge.frame().await else {
            panic!("an attach")
        };
        assert_eq!(&*attach.client_id, "second");
    });
}

#[test]
fn a_held_client_that_has_gone_is_not_let_in() {
    with_edge(&STAGED, async |mut edge| {
        open(&edge, 0, 100);
        let mut gone = edge.dial().await;
        gone.connect(v3("gone")).await;
        drop(gone);
        let mut there = edge.dial().await;
        there.connect(v3("there")).await;
        assert!(
            timeout(Duration::from_millis(100), edge.frame())
                .await
                .is_err()
        );
        open(&edge, 256, 100);
        let ToShard::Attach { attach, .. } = edge.frame().await else {
            panic!("an attach")
        };
        assert_eq!(&*attach.client_id, "there");
        assert_eq!(edge.shared.places.used(), 1);
    });
}

#[test]
fn always_allowed_addresses_pass_and_are_counted() {
    with_edge(
        &[STAGED[0], "admission.alwaysAllow=[127.0.0.0/8]"],
        async |mut edge| {
            open(&edge, 0, 0);
            let mut client = edge.dial().await;
            client.connect(v3("a")).await;
            timeout(DEADLINE, edge.attach()).await.unwrap();
            assert_eq!(edge.shared.places.used(), 1);
        },
    );
}

#[test]
fn beyond_the_hold_budget_sockets_are_reset_at_once() {
    with_edge(
        &[
            "admission.mode=Staged",
            "admission.patienceSeconds=60",
            "admission.holdBudget=1",
        ],
        async |edge| {
            open(&edge, 0, 100);
            let held = edge.dial().await;
            let gate = &edge.shared.metrics.edge.gate;
            while gate.get(GateDecision::Hold) == 0 {
                tokio::task::yield_now().await;
            }
            let mut over = edge.dial().await;
            let error = over.read_to_end().await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            drop(held);
        },
    );
}

/// Whom to ask decides the view's table, as after a reopening whose addresses are not trusted.
const BY_CLIENT_ID: [&str; 4] = [
    "admission.mode=Staged",
    "admission.patienceSeconds=2",
    "admission.slicing.type=ClientIdHash",
    "admission.clientHoldBudget=1",
];

#[test]
fn a_client_without_an_address_of_its_own_waits_after_connect() {
    with_edge(&BY_CLIENT_ID, async |mut edge| {
        open(&edge, 0, 100);
        let mut client = edge.dial().await;
        client.connect(v3("a")).await;
        let early = timeout(Duration::from_millis(100), edge.frame()).await;
        assert!(early.is_err(), "its slice is closed");
        assert_eq!(
            edge.shared.places.used(),
            0,
            "it takes no place while it waits"
        );
        open(&edge, 256, 100);
        edge.attach().await;
        assert_eq!(edge.shared.places.used(), 1);
    });
}

#[test]
fn a_crowd_that_nobody_has_room_for_is_held_before_tls() {
    with_edge(&BY_CLIENT_ID, async |edge| {
        open(&edge, 0, 100);
        let gate = &edge.shared.metrics.edge.gate;
        let until_held = async |count| {
            while gate.get(GateDecision::Hold) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let mut first = edge.dial().await;
        first.connect(v3("a")).await;
        until_held(1).await;
        let mut second = edge.dial().await;
        until_held(2).await;
        assert_eq!(gate.get(GateDecision::ClientId), 1, "it is not asked");
        let end = second.read_to_end().await;
        assert!(end.is_err(), "no byte and a reset: {end:?}");
    });
}

#[test]
fn a_client_whose_slice_stays_closed_is_told_that_the_server_is_busy() {
    with_edge(&BY_CLIENT_ID, async |edge| {
        open(&edge, 0, 100);
        let gate = &edge.shared.metrics.edge.gate;
        let until = async |decision, count| {
            let wait = async {
                while gate.get(decision) < count {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(DEADLINE, wait).await.expect("it is decided");
        };
        let (mut first, mut second) = (edge.dial().await, edge.dial().await);
        until(GateDecision::ClientId, 2).await;
        first.connect(v3("a")).await;
        until(GateDecision::Hold, 1).await;
        second.connect(v3("b")).await;
        // 0x03: server unavailable (section 3.2.2.3)
        let busy = [0x20, 2, 0, 3];
        assert_eq!(second.read_to_end().await.unwrap(), busy, "at once");
        assert_eq!(first.read_to_end().await.unwrap(), busy);
        assert_eq!(gate.get(GateDecision::Busy), 2);
    });
}

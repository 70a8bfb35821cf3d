//! Which ways in the law is told to have come to nothing.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use herdgate_admission::last_class::{Came, Comer};

use super::gate::open;
use super::harness::{Edge, v3, with_edge};
use super::waits::FLAPPING;
use crate::link::{ToEdge, ToShard};

const STAGED: &str = "admission.mode=Staged";
const IN_VAIN: Came = Came::ToNothing(Comer::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)));

/// A client that has a session and leaves before it has settled.
async fn leaves(edge: &mut Edge, id: &str) {
    let (client, of) = edge.attached(v3(id)).await;
    drop(client);
    while !matches!(edge.frame().await, ToShard::Detach { stream, .. } if stream == of) {}
}

#[test]
fn a_shards_refusal_is_spared() {
    with_edge(&[STAGED], async |mut edge| {
        open(&edge, 256, 100);
        let mut client = edge.dial_from(2).await;
        client.connect(v3("a")).await;
        let stream = edge.attach().await;
        let connack = Bytes::from_static(&[0x20, 2, 0, 3]);
        edge.say(ToEdge::Refused { stream, connack });
        client.read_to_end().await.unwrap();
        edge.until_nobody_enters().await;
        leaves(&mut edge, "b").await;
        assert_eq!(edge.came(1).await, [IN_VAIN], "of the other alone");
    });
}

#[test]
fn whom_a_full_listener_resets_is_spared() {
    let listener =
        "listeners=[{name: mqtt, address: \"127.0.0.1:0\", protocol: mqtt, maxConnections: 1}]";
    with_edge(&[STAGED, listener], async |mut edge| {
        open(&edge, 256, 100);
        let (client, of) = edge.attached(v3("a")).await;
        let mut over = edge.dial_from(2).await;
        over.read_to_end().await.unwrap_err();
        edge.until_nobody_enters().await;
        drop(client);
        while !matches!(edge.frame().await, ToShard::Detach { stream, .. } if stream == of) {}
        assert_eq!(edge.came(1).await, [IN_VAIN], "of the first alone");
    });
}

#[test]
fn whoever_is_cut_while_it_is_held_for_flapping_came_once_more() {
    let set: Vec<_> = FLAPPING.into_iter().chain([STAGED]).collect();
    with_edge(&set, async |mut edge| {
        open(&edge, 256, 100);
        for _ in 0..2 {
            leaves(&mut edge, "a").await;
        }
        let mut client = edge.dial().await;
        client.connect(v3("a")).await;
        assert_eq!(client.read_to_end().await.unwrap(), [0x20, 2, 0, 3]);
        edge.until_nobody_enters().await;
        leaves(&mut edge, "b").await;
        assert_eq!(edge.came(4).await, [IN_VAIN; 4], "one for each way in");
    });
}

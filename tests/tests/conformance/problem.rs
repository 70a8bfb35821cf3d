//! Request Problem Information (section 3.1.2.11.7).

use herdgate_tests::mqtt::PUBACK;
use herdgate_tests::wire::{Answer, Connect, PUBREL, Properties, Publish, Version, ack, id};

use super::world::{fresh, world};

#[test]
fn no_reason_is_given_to_who_does_not_want_it() {
    proves!("MQTT-3.1.2-29");
    let Some(world) = world() else { return };
    let unwanted = Properties::new().byte(id::REQUEST_PROBLEM_INFORMATION, 0);
    let mut peer = world.enter(&Connect::new(Version::V5, fresh("p")).with(unwanted));
    let bare = |answer: &Answer| {
        let told = [id::REASON_STRING, id::USER_PROPERTY];
        assert!(
            told.iter().all(|id| !answer.properties.has(*id)),
            "{answer:?}"
        );
    };
    // each has something to explain
    bare(&peer.subscribe_with(&[("a/#/b", 0), ("", 0)], &Properties::new()));
    bare(&peer.unsubscribe(&["a/#/b", &fresh("never")]));
    bare(&peer.publish_acked(&Publish::new(fresh("nobody"), "x")));
    let large = "x".repeat(super::world::RETAINED_BYTES);
    let refused = peer.publish_acked(&Publish::new(fresh("large"), large).retain());
    assert_eq!((refused.kind, &*refused.codes), (PUBACK, &[0x97][..]));
    bare(&refused);
    peer.send(&ack(PUBREL, 77));
    bare(&peer.answer(herdgate_tests::wire::PUBCOMP, 77));
}

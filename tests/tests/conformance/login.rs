//! Checks of CONNECT's contents, and the transports (sections 3.1.4 and 4.2).

use herdgate_tests::mqtt::Client;
use herdgate_tests::setup::{ALICE, BOB};
use herdgate_tests::wire::{BOTH, Connect, Peer, Publish};

use super::world::{fresh, refused, world};

#[test]
fn a_wrong_password_ends_the_connection() {
    proves!("MQTT-3.1.4-2");
    let Some(world) = world() else { return };
    for version in BOTH {
        for wrong in [("alice", BOB.1), ("alice", ""), ("nobody", ALICE.1)] {
            let connect = Connect::new(version, wrong.0).login(wrong);
            refused(world, &connect, Some(0x04), &[0x86]);
        }
    }
}

#[test]
fn tcp_and_tls_are_served() {
    proves!("MQTT-4.2.0-1", "MQTT311-7.1.1-1");
    let Some(world) = world() else { return };
    let tls = herdgate_tests::tls::plain_client(&world.setup().authority.pem());
    for version in BOTH {
        let topic = fresh("tls");
        let mut plain = world.subscriber(version, &topic, 0);
        let client = Client::tls(world.mqtts(), &tls).unwrap();
        let mut secure = Peer::over(client, version);
        assert_eq!(secure.connect(&Connect::new(version, fresh("s"))).code, 0);
        secure.subscribe(&topic, 0);
        let large = "x".repeat(100_000);
        secure.publish(&Publish::new(&topic, &large));
        plain.publish(&Publish::new(&topic, "small"));
        for peer in [&mut plain, &mut secure] {
            let mut sizes = [(); 2].map(|()| peer.receive().payload.len());
            sizes.sort_unstable();
            assert_eq!(sizes, [5, 100_000]);
        }
    }
}

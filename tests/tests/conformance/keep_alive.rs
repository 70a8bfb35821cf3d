//! Keep-alive and PINGREQ (sections 3.1.2.10 and 3.12).

use std::time::{Duration, Instant};

use herdgate_tests::wire::{BOTH, Connect, PINGREQ, Peer, Version, id};

use super::world::{World, fresh, world};

#[test]
fn a_ping_is_answered() {
    proves!("MQTT-3.12.4-1", "MQTT311-3.12.4-1");
    let Some(world) = world() else { return };
    for version in BOTH {
        let mut peer = world.client(version);
        for _ in 0..3 {
            peer.ping();
        }
        peer.send(&[PINGREQ, 0, PINGREQ, 0, PINGREQ, 0]);
        for _ in 0..3 {
            let packet = peer.read();
            assert_eq!((packet.first, packet.body.len()), (0xD0, 0));
        }
    }
}

/// How long a silent client is kept.
fn silent(world: &World, version: Version) -> Duration {
    let topic = fresh("silent");
    let mut watcher = world.subscriber(version, &topic, 0);
    let connect = Connect::new(version, fresh("k")).keep_alive(2);
    let (mut peer, connack) =
        Peer::enter_told(world.mqtt(), &connect.will(&topic, "silent", 0, false));
    // no other value was told, so the client's holds
    assert!(!connack.properties.has(id::SERVER_KEEP_ALIVE));
    let last = Instant::now();
    peer.ended(&[0x8D]);
    let kept = last.elapsed();
    // as if the network had failed
    assert_eq!(watcher.receive().text(), "silent");
    kept
}

#[test]
fn silence_for_one_and_a_half_keep_alives_ends_the_connection() {
    proves!("MQTT-3.1.2-22", "MQTT-3.2.2-22", "MQTT311-3.1.2-24");
    let Some(world) = world() else { return };
    let all = BOTH.map(|version| std::thread::spawn(move || silent(world, version)));
    for kept in all.map(|thread| thread.join().unwrap()) {
        assert!(kept >= Duration::from_millis(2_900), "after {kept:?}");
        assert!(kept < Duration::from_secs(9), "after {kept:?}");
    }
}

#[test]
fn a_client_that_speaks_is_kept_and_one_without_keep_alive_too() {
    proves!(
        "MQTT-3.1.2-22",
        "MQTT-4.1.0-1",
        "MQTT311-3.1.2-24",
        "MQTT311-4.1.0-2"
    );
    let Some(world) = world() else { return };
    let mut silent = world.client(Version::V311);
    let mut speaking =
        BOTH.map(|version| world.enter(&Connect::new(version, fresh("k")).keep_alive(1)));
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(3_500) {
        for peer in &mut speaking {
            peer.ping();
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    silent.ping();
}

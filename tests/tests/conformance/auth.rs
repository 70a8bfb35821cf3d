//! Enhanced authentication (sections 3.15 and 4.12).

use herdgate_tests::mqtt::{CONNACK, Packet};
use herdgate_tests::scram::Scram;
use herdgate_tests::wire::{
    AUTH, ConnAck, Connect, Peer, Properties, Publish, Version, code_and_properties, id, with_code,
};

use super::world::{CAROL, World, fresh, world};

const METHOD: &str = "SCRAM-SHA-256";
const CONTINUE: u8 = 0x18;
const AGAIN: u8 = 0x19;

fn with(data: &str) -> Properties {
    Properties::new()
        .text(id::AUTH_METHOD, METHOD)
        .text(id::AUTH_DATA, data)
}

fn auth(code: u8, data: &str) -> Vec<u8> {
    with_code(AUTH, code, &with(data))
}

/// A challenge: AUTH that says continue and names the method.
fn challenge(packet: &Packet) -> String {
    assert_eq!(packet.first, AUTH, "{packet:?}");
    let (code, properties) = code_and_properties(packet);
    assert_eq!(code, CONTINUE);
    assert_eq!(properties.get(id::AUTH_METHOD), Some(METHOD.as_bytes()));
    String::from_utf8(properties.get(id::AUTH_DATA).unwrap().to_vec()).unwrap()
}

/// A CONNECT that was answered by a challenge.
fn begin(world: &World, password: &str, limits: Properties) -> (Peer, Scram, String) {
    let scram = Scram::new(CAROL.0, password, &fresh("nonce"));
    let first = scram.first();
    let properties = limits
        .text(id::AUTH_METHOD, METHOD)
        .text(id::AUTH_DATA, &first);
    let mut peer = world.open(Version::V5);
    let client_id = fresh("carol-");
    peer.send(
        &Connect::new(Version::V5, client_id)
            .with(properties)
            .encode(),
    );
    let challenge = challenge(&peer.read());
    (peer, scram, challenge)
}

fn login(world: &World) -> Peer {
    let (mut peer, mut scram, challenge) = begin(world, CAROL.1, Properties::new());
    peer.send(&auth(CONTINUE, &scram.answer(&challenge)));
    let connack = ConnAck::read(Version::V5, &peer.read());
    assert_eq!(connack.code, 0);
    let properties = connack.properties;
    assert_eq!(properties.get(id::AUTH_METHOD), Some(METHOD.as_bytes()));
    assert!(scram.accepts(properties.get(id::AUTH_DATA).unwrap()));
    peer
}

/// The broker refuses in CONNACK, and closes.
fn refused(peer: &mut Peer) {
    let told = peer.until_closed();
    let [connack] = told.as_slice() else {
        panic!("one CONNACK: {told:?}")
    };
    assert_eq!((connack.first, connack.body[0]), (CONNACK, 0));
    assert!(connack.body[1] >= 0x80, "{connack:?}");
}

#[test]
fn every_step_of_a_login_names_its_method() {
    proves!("MQTT-4.12.0-2", "MQTT-4.12.0-5", "MQTT-3.15.2-1");
    let Some(world) = world() else { return };
    let topic = fresh("auth");
    let mut peer = login(world);
    peer.subscribe(&topic, 0);
    peer.publish(&Publish::new(&topic, "in"));
    assert_eq!(peer.receive().text(), "in");
}

#[test]
fn a_failed_authentication_ends_the_connection() {
    proves!("MQTT-4.12.0-4");
    let Some(world) = world() else { return };
    let (mut peer, mut scram, challenge) = begin(world, "not hers", Properties::new());
    peer.send(&auth(CONTINUE, &scram.answer(&challenge)));
    refused(&mut peer);
    // at any point
    let (mut peer, ..) = begin(world, CAROL.1, Properties::new());
    peer.send(&auth(CONTINUE, "this is no answer"));
    refused(&mut peer);
}

#[test]
fn an_answer_says_continue_with_the_same_method() {
    proves!("MQTT-4.12.0-3", "MQTT-4.12.0-5");
    let Some(world) = world() else { return };
    for code in [0x00, AGAIN] {
        let (mut peer, mut scram, challenge) = begin(world, CAROL.1, Properties::new());
        peer.send(&auth(code, &scram.answer(&challenge)));
        refused(&mut peer);
    }
    let (mut peer, mut scram, challenge) = begin(world, CAROL.1, Properties::new());
    let other = Properties::new()
        .text(id::AUTH_METHOD, "SCRAM-SHA-1")
        .text(id::AUTH_DATA, scram.answer(&challenge));
    peer.send(&with_code(AUTH, CONTINUE, &other));
    refused(&mut peer);
}

#[test]
fn nothing_else_is_taken_before_connack() {
    proves!("MQTT-3.1.2-30");
    let Some(world) = world() else { return };
    let topic = fresh("auth");
    let mut watcher = world.subscriber(Version::V5, &topic, 0);
    let (mut peer, mut scram, challenge) = begin(world, CAROL.1, Properties::new());
    let bytes = [
        Publish::new(&topic, "early").encode(Version::V5),
        auth(CONTINUE, &scram.answer(&challenge)),
    ];
    peer.send(&bytes.concat());
    refused(&mut peer);
    watcher.publish_acked(&Publish::new(&topic, "fence"));
    assert_eq!(watcher.receive().text(), "fence");
}

#[test]
fn a_client_may_authenticate_again_with_the_same_method() {
    proves!("MQTT-4.12.1-1", "MQTT-3.15.2-1");
    let Some(world) = world() else { return };
    let mut peer = login(world);
    for _ in 0..2 {
        let mut scram = Scram::new(CAROL.0, CAROL.1, &fresh("nonce"));
        peer.send(&auth(AGAIN, &scram.first()));
        let challenge = challenge(&peer.read());
        // the session goes on meanwhile
        peer.ping();
        peer.send(&auth(CONTINUE, &scram.answer(&challenge)));
        let (code, properties) = code_and_properties(&peer.read());
        assert_eq!(code, 0);
        assert_eq!(properties.get(id::AUTH_METHOD), Some(METHOD.as_bytes()));
        assert!(scram.accepts(properties.get(id::AUTH_DATA).unwrap()));
    }
    let other = Properties::new().text(id::AUTH_METHOD, "SCRAM-SHA-1");
    peer.send(&with_code(AUTH, AGAIN, &other));
    peer.ended(&[0x82, 0x8C, 0x87]);
}

#[test]
fn a_failed_re_authentication_ends_the_connection() {
    proves!("MQTT-4.12.1-2");
    let Some(world) = world() else { return };
    let mut peer = login(world);
    let mut scram = Scram::new(CAROL.0, "not hers", &fresh("nonce"));
    peer.send(&auth(AGAIN, &scram.first()));
    let challenge = challenge(&peer.read());
    peer.send(&auth(CONTINUE, &scram.answer(&challenge)));
    peer.ended(&[0x87]);
}

#[test]
fn a_small_client_gets_a_small_auth() {
    proves!("MQTT-3.15.2-2", "MQTT-3.15.2-3");
    let Some(world) = world() else { return };
    // just enough for the method and the data, which are no reason string
    let (_, _, data) = begin(world, CAROL.1, Properties::new());
    let size = auth(CONTINUE, &data).len() + 4;
    let limit = Properties::new().four(id::MAXIMUM_PACKET_SIZE, u32::try_from(size).unwrap());
    let (mut peer, mut scram, challenge) = begin(world, CAROL.1, limit);
    peer.send(&auth(CONTINUE, &scram.answer(&challenge)));
    assert_eq!(ConnAck::read(Version::V5, &peer.read()).code, 0);
    peer.ping();
}

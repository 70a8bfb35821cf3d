//! Logins without passwords, and what wrong passwords and flapping clients cost.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use herdgate_tests::clients::Scramp;
use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::mqtt::{CONNACK, Client, Connect, DISCONNECT, PINGRESP, is_timeout, packet};
use herdgate_tests::process::run;
use herdgate_tests::setup::{ALICE, BOB, Setup};
use herdgate_tests::skip::{self, skip};
use herdgate_tests::wait::{PATIENT, until};

const SPLIT: Topology = Topology::Split { edges: 1 };

#[test]
fn scram_of_others_logs_in_and_proves_itself_again() {
    if stand_in_wanted() {
        return skip("mosquitto has no SCRAM of its own");
    }
    let (Some(scramp), Some(binary)) = (Scramp::find(), skip::binary("herdgate")) else {
        return;
    };
    let setup = Setup::new();
    // carol's line is ours, dave's is scramp's, alice's knows no SCRAM
    let dave = scramp.verifier(&setup, "dave", "dave's grün");
    let passwords = setup.path("passwords");
    let kept = std::fs::read_to_string(&passwords).unwrap();
    setup.write("passwords", &format!("{kept}{dave}\n"));
    let mut passwd = Command::new(binary);
    passwd
        .args(["passwd", "--scram", "-b"])
        .arg(&passwords)
        .args(["carol", "carol's secret"]);
    let (status, output) = run("passwd", passwd, setup.folder.path(), PATIENT);
    assert!(status.success(), "{output}");
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let address = cluster.listener("mqtt");
    let check = |check, user, password| scramp.check(&setup, address, check, user, password);
    check("roundtrip", "carol", "carol's secret");
    check("roundtrip", "dave", "dave's grün");
    check("begun_by_the_server", "carol", "carol's secret");
    for (user, password) in [("carol", "wrong"), ALICE, ("nobody", "secret")] {
        check("refused", user, password);
        check("salts", user, password);
    }
    assert!(
        cluster.edges[0]
            .admin
            .metric("herdgate_logins_hashed_total")
            < 0.5,
        "nothing was hashed"
    );
    let open = || Client::plain(address).unwrap();
    open().login(&Connect::v3("dave").user("dave", "dave's grün"));
}

#[test]
fn methods_and_auths_that_cannot_be() {
    if stand_in_wanted() {
        return skip("mosquitto refuses these in other words");
    }
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let open = || Client::plain(cluster.listener("mqtt")).unwrap();
    let mut client = open();
    client.send(&with_method("SCRAM-SHA-256")).unwrap();
    let connack = client.read().unwrap();
    assert_eq!(
        (connack.kind(), connack.body[1]),
        (CONNACK, 0x8C),
        "nobody in the file could log in by it"
    );
    client.until_closed();
    let mut client = open();
    client.login(&Connect::v5("a"));
    client.send(&[0xF0, 0]).unwrap();
    let told = client.until_closed();
    assert_eq!((told[0].kind(), told[0].body[0]), (DISCONNECT, 0x82));
    let mut client = open();
    client.login(&Connect::v3("a"));
    client.send(&[0xF0, 0]).unwrap();
    assert!(client.until_closed().is_empty());
}

/// A CONNECT with a method and no data.
fn with_method(method: &str) -> Vec<u8> {
    let mut body = b"\0\x04MQTT\x05\x02\0\0".to_vec();
    body.push(u8::try_from(method.len() + 3).unwrap());
    body.extend([0x15, 0, u8::try_from(method.len()).unwrap()]);
    body.extend(method.as_bytes());
    body.extend(b"\0\x01a");
    packet(0x10, &body)
}

/// The code of the CONNACK, in MQTT 3.1.1.
fn code(address: SocketAddr, connect: &Connect) -> u8 {
    let mut client = Client::plain(address).unwrap();
    let connack = client.connect(connect).unwrap();
    assert_eq!(connack.kind(), CONNACK);
    connack.body[1]
}

#[test]
fn a_hundred_wrong_passwords_cost_few_hashes_and_nobody_else_anything() {
    if stand_in_wanted() {
        return skip("mosquitto hashes every password");
    }
    let setup = Setup::new().set("/admission/patienceSeconds", 1).set(
        "/authentication/wrongPasswordWait",
        serde_json::json!({"firstSeconds": 2, "longestSeconds": 4}),
    );
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let address = cluster.listener("mqtt");
    let admin = &cluster.edges[0].admin;
    let wrong = Connect::v3("alice").user(ALICE.0, "wrong");
    let codes: Vec<u8> = thread::scope(|scope| {
        let tries = (0..10).map(|_| scope.spawn(|| [(); 10].map(|()| code(address, &wrong))));
        let tries: Vec<_> = tries.collect();
        Client::plain(address)
            .unwrap()
            .login(&Connect::v3("bob").user(BOB.0, BOB.1));
        tries
            .into_iter()
            .flat_map(|tries| tries.join().unwrap())
            .collect()
    });
    assert!(codes.iter().all(|code| [3, 4].contains(code)), "{codes:?}");
    let hashed = admin.metric("herdgate_logins_hashed_total");
    let wrong_ones = admin.metric("herdgate_logins_wrong_total");
    assert!(hashed <= 10.0, "{hashed} hashes for 100 wrong passwords");
    assert!((1.0..10.0).contains(&wrong_ones), "{wrong_ones}");
    assert!(admin.metric("herdgate_login_waits_total") >= 50.0);
    // from elsewhere alice comes in at once, and from here when her wait is over
    let right = Connect::v3("alice").user(ALICE.0, ALICE.1);
    let elsewhere = IpAddr::from([127, 0, 0, 2]);
    Client::plain_from(elsewhere, address)
        .unwrap()
        .login(&right);
    until("alice comes in from here", PATIENT * 2, || {
        (code(address, &right) == 0).then_some(())
    });
    assert_eq!(code(address, &right), 0, "and does not wait again");
}

#[test]
fn a_war_of_two_for_one_id_calms_down() {
    if stand_in_wanted() {
        return skip("mosquitto lets them go on");
    }
    let takeovers = |free_ends: u32| {
        let mut setup = Setup::new().set("/admission/patienceSeconds", 2);
        setup = setup.set(
            "/authentication/flapping",
            serde_json::json!({"withinSeconds": 3, "freeEnds": free_ends}),
        );
        let cluster = Cluster::start(&setup, SPLIT)?;
        let address = cluster.listener("mqtt");
        let came = war(address);
        let mut calm = Client::plain(address).unwrap();
        calm.login(&Connect::v3("bob").user(BOB.0, BOB.1));
        calm.send(&[0xC0, 0]).unwrap();
        assert_eq!(calm.read().unwrap().kind(), PINGRESP);
        Some(came)
    };
    let (Some(slow), Some(free)) = (takeovers(3), takeovers(1000)) else {
        return;
    };
    assert!(slow > 4, "{slow} times somebody came in");
    assert!(
        slow * 4 < free,
        "{slow} times somebody came in, and {free} times without waits"
    );
}

/// How often two devices with one id came in within some seconds.
fn war(address: SocketAddr) -> u32 {
    const WINDOW: Duration = Duration::from_secs(6);
    let (came, over) = (AtomicU32::new(0), AtomicBool::new(false));
    let alice = Connect::v3("alice").user(ALICE.0, ALICE.1);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let mut client = Client::plain(address).unwrap();
                    let connack = client.connect(&alice);
                    if connack.is_ok_and(|connack| connack.body[1] == 0) {
                        came.fetch_add(1, Ordering::Relaxed);
                        until_thrown_out(&mut client, &over);
                    }
                    // devices wait a little before they come again
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
        let end = Instant::now() + WINDOW;
        thread::sleep(end.saturating_duration_since(Instant::now()));
        over.store(true, Ordering::Relaxed);
    });
    came.into_inner()
}

fn until_thrown_out(client: &mut Client, over: &AtomicBool) {
    client.set_read_timeout(Duration::from_millis(100));
    while !over.load(Ordering::Relaxed) {
        match client.read() {
            Err(error) if is_timeout(&error) => {}
            _ => return,
        }
    }
}

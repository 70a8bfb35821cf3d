//! Who may come in, and under which client id.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;

use herdgate_tests::certs::Validity;
use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::mqtt::{CONNACK, Client, Connect, PINGRESP};
use herdgate_tests::process::run;
use herdgate_tests::setup::{ALICE, BOB, Setup};
use herdgate_tests::skip::{self, skip};
use herdgate_tests::tls;
use herdgate_tests::wait::PATIENT;

const SPLIT: Topology = Topology::Split { edges: 1 };

/// Expects a CONNACK that refuses, and a close.
fn assert_refused(client: &mut Client, connect: &Connect, what: &str) {
    let connack = client
        .connect(connect)
        .unwrap_or_else(|error| panic!("{what}: no CONNACK: {error}"));
    assert_eq!(connack.kind(), CONNACK, "{what}");
    assert_ne!(connack.body[1], 0, "{what} is refused");
    client.until_closed();
}

#[test]
fn passwords_are_checked() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let config = tls::plain_client(&setup.authority.pem());
    let open = || Client::tls(cluster.listener("mqtts"), &config).unwrap();
    open().login(&Connect::v3("alice").user(ALICE.0, ALICE.1));
    open().login(&Connect::v5("alice-2").user(ALICE.0, ALICE.1));
    for connect in [Connect::v3("alice"), Connect::v5("alice")] {
        assert_refused(
            &mut open(),
            &connect.clone().user(ALICE.0, BOB.1),
            "another's password",
        );
        assert_refused(
            &mut open(),
            &connect.clone().user(ALICE.0, ""),
            "an empty password",
        );
        assert_refused(
            &mut open(),
            &connect.user("nobody", ALICE.1),
            "an unknown user",
        );
    }
}

#[test]
fn a_client_id_belongs_to_its_user_and_is_checked_before_takeover() {
    if stand_in_wanted() {
        return skip("mosquitto lets every user take every id");
    }
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let open = || Client::plain(cluster.listener("mqtt")).unwrap();
    let mut alice = open();
    alice.login(&Connect::v3("alice-phone").user(ALICE.0, ALICE.1));
    for id in ["alice-phone", "alice", "bobby", "Bob"] {
        assert_refused(&mut open(), &Connect::v3(id).user(BOB.0, BOB.1), id);
        assert_refused(&mut open(), &Connect::v5(id).user(BOB.0, BOB.1), id);
    }
    for id in ["bob", "bob-1", "bob_1", "bob:1", "bob/1", "bob.1"] {
        open().login(&Connect::v3(id).user(BOB.0, BOB.1));
    }
    alice.send(&[0xC0, 0]).unwrap();
    assert_eq!(
        alice.read().unwrap().kind(),
        PINGRESP,
        "alice was not thrown out"
    );
}

#[test]
fn anonymous_clients_come_in_where_the_config_says_so() {
    if stand_in_wanted() {
        return skip("mosquitto has no loopback rule");
    }
    for (rule, loopback_may) in [(None, true), (Some("Never"), false), (Some("Always"), true)] {
        let mut setup = Setup::new();
        if let Some(rule) = rule {
            setup = setup.set("/authentication/anonymous", rule);
        }
        let Some(cluster) = Cluster::start(&setup, Topology::Standalone) else {
            return;
        };
        let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
        if loopback_may {
            client.login(&Connect::v3("someone"));
        } else {
            assert_refused(&mut client, &Connect::v3("someone"), "anonymous");
        }
    }
}

#[test]
fn off_loopback_nobody_is_anonymous_by_default() {
    let Some(own) = own_address() else {
        return skip("this machine has no address but loopback's");
    };
    let setup = Setup::new().set("/listeners/1/address", "0.0.0.0:0");
    if stand_in_wanted() {
        return skip("mosquitto has no loopback rule");
    }
    let Some(cluster) = Cluster::start(&setup, Topology::Standalone) else {
        return;
    };
    let port = cluster.listener("mqtt").port();
    let outside = SocketAddr::new(own.ip(), port);
    assert_refused(
        &mut Client::plain(outside).unwrap(),
        &Connect::v3("someone"),
        "anonymous from outside",
    );
    Client::plain(outside)
        .unwrap()
        .login(&Connect::v3("alice").user(ALICE.0, ALICE.1));
    Client::plain(SocketAddr::from(([127, 0, 0, 1], port)))
        .unwrap()
        .login(&Connect::v3("someone"));
}

/// An address of this machine that is not loopback's. Choosing a route sends nothing.
fn own_address() -> Option<SocketAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // TEST-NET-3 (RFC 5737): the lab keeps packets to its own range from leaving, this one it leaves alone.
    socket.connect("203.0.113.1:9").ok()?;
    socket
        .local_addr()
        .ok()
        .filter(|address| !address.ip().is_loopback())
}

#[test]
fn the_certificate_names_the_user() {
    if stand_in_wanted() {
        return skip("the stand-in has no client certificates");
    }
    let setup = Setup::new();
    let ca = setup.path("ca.crt").display().to_string();
    let setup = setup
        .set("/listeners/0/tls/clientAuth", "Optional")
        .set("/listeners/0/tls/clientCaFile", ca)
        .set("/authentication/anonymous", "Never");
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let gateway = setup.authority.client("gw-7", Validity::Valid);
    let with = tls::client(
        &setup.authority.pem(),
        Some(&gateway),
        &[&tls::TLS12, &tls::TLS13],
    );
    let without = tls::plain_client(&setup.authority.pem());
    let open = |config| Client::tls(cluster.listener("mqtts"), config).unwrap();
    open(&with).login(&Connect::v3("gw-7"));
    open(&with).login(&Connect::v5("gw-7/radio"));
    assert_refused(&mut open(&with), &Connect::v3("gw-8"), "another's id");
    assert_refused(&mut open(&without), &Connect::v3("gw-7"), "no certificate");
    open(&without).login(&Connect::v3("alice").user(ALICE.0, ALICE.1));
}

#[test]
fn passwd_writes_what_the_broker_reads() {
    let Some(binary) = skip::binary("herdgate") else {
        return;
    };
    let setup = Setup::new();
    let file = setup.path("passwords").display().to_string();
    let passwd = |arguments: &[&str]| {
        let mut command = Command::new(&binary);
        command.arg("passwd").args(arguments);
        let (status, output) = run("passwd", command, setup.folder.path(), PATIENT);
        assert!(status.success(), "passwd {arguments:?}: {output}");
    };
    passwd(&["-b", "-i", "1000", &file, "carol", "carol's secret"]);
    passwd(&["-b", &file, BOB.0, "bob's new secret"]);
    let Some(cluster) = Cluster::start(&setup, Topology::Standalone) else {
        return;
    };
    let open = || Client::plain(cluster.listener("mqtt")).unwrap();
    open().login(&Connect::v3("carol").user("carol", "carol's secret"));
    open().login(&Connect::v3("alice").user(ALICE.0, ALICE.1));
    open().login(&Connect::v3("bob").user(BOB.0, "bob's new secret"));
    assert_refused(
        &mut open(),
        &Connect::v3("bob").user(BOB.0, BOB.1),
        "the old password",
    );
}

//! How processes end, and what that does to clients: drains, lost shards, link peers that have no business here.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::mqtt::{Client, Connect, DISCONNECT, PINGRESP, is_timeout};
use herdgate_tests::process::{Process, Signal};
use herdgate_tests::setup::Setup;
use herdgate_tests::skip;
use herdgate_tests::wait::{PATIENT, until};
use serde_json::json;

const SPLIT: Topology = Topology::Split { edges: 1 };

fn ours_only() -> bool {
    if stand_in_wanted() {
        skip::skip("about our processes alone");
    }
    !stand_in_wanted()
}

fn assert_alive(client: &mut Client) {
    client.send(&[0xC0, 0]).unwrap();
    assert_eq!(client.read().unwrap().kind(), PINGRESP);
}

#[test]
fn a_drain_takes_readiness_away_first_and_tells_clients() {
    if !ours_only() {
        return;
    }
    for topology in [Topology::Standalone, SPLIT] {
        let setup = Setup::new().set("/edge/drain/delaySeconds", 2);
        let Some(mut cluster) = Cluster::start(&setup, topology) else {
            return;
        };
        let mut three = Client::plain(cluster.listener("mqtt")).unwrap();
        three.login(&Connect::v3("three"));
        let mut five = Client::plain(cluster.listener("mqtt")).unwrap();
        five.login(&Connect::v5("five"));

        let edge = &cluster.edges[0];
        edge.process.signal(Signal::TERM);
        until("readiness goes", PATIENT, || {
            (!edge.admin.ready()).then_some(())
        });
        // the balancer may not have noticed yet
        let mut late = Client::plain(cluster.listener("mqtt")).unwrap();
        late.login(&Connect::v5("late"));
        assert_alive(&mut five);

        for client in [&mut five, &mut late] {
            let last = client.until_closed().pop().expect("a DISCONNECT");
            assert_eq!(
                (last.kind(), last.body[0]),
                (DISCONNECT, 0x8B),
                "Server shutting down"
            );
        }
        assert_eq!(three.until_closed(), vec![]);
        let status = cluster.edges[0].process.wait(PATIENT);
        assert_eq!(
            status.code(),
            Some(0),
            "{topology:?}: {}",
            cluster.edges[0].process.log()
        );
    }
}

#[test]
fn clients_are_let_go_at_a_pace() {
    if !ours_only() {
        return;
    }
    let setup = Setup::new().set("/edge/drain/clientsPerSecond", 20);
    let Some(mut cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut clients: Vec<Client> = (0..60)
        .map(|number| {
            let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
            client.login(&Connect::v5(&format!("c-{number}")));
            client
        })
        .collect();
    cluster.edges[0].process.signal(Signal::TERM);
    let mut closed = Vec::new();
    for client in &mut clients {
        client.until_closed();
        closed.push(Instant::now());
    }
    // 60 clients at 20 a second: about three seconds between the first and the last
    let spread = *closed.iter().max().unwrap() - *closed.iter().min().unwrap();
    assert!(
        spread >= Duration::from_millis(1500),
        "all were gone within {spread:?}"
    );
    assert_eq!(cluster.edges[0].process.wait(PATIENT).code(), Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    if !ours_only() {
        return;
    }
    let setup = Setup::new().set("/edge/drain/delaySeconds", 600);
    let Some(mut cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
    client.login(&Connect::v5("client"));
    cluster.edges[0].process.signal(Signal::TERM);
    until("readiness goes", PATIENT, || {
        (!cluster.edges[0].admin.ready()).then_some(())
    });
    assert!(cluster.edges[0].process.exited().is_none());
    cluster.edges[0].process.signal(Signal::TERM);
    cluster.edges[0].process.wait(PATIENT);
}

#[test]
fn a_hangup_looks_at_the_files_and_ends_nobody() {
    if !ours_only() {
        return;
    }
    let setup = Setup::new();
    let Some(mut cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
    client.login(&Connect::v5("client"));
    for node in cluster.edges.iter_mut().chain(&mut cluster.shard) {
        node.process.signal(Signal::HUP);
        node.process
            .until_logged("looking at the files again", PATIENT);
        assert!(node.process.exited().is_none());
    }
    assert_alive(&mut client);
}

#[test]
fn a_shard_that_must_go_tells_its_clients() {
    if !ours_only() {
        return;
    }
    let setup = Setup::new();
    let Some(mut cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
    client.login(&Connect::v5("client"));
    let shard = cluster.shard.as_mut().unwrap();
    shard.process.signal(Signal::TERM);
    let last = client.until_closed().pop().expect("a DISCONNECT");
    assert_eq!(
        (last.kind(), last.body[0]),
        (DISCONNECT, 0x8B),
        "Server shutting down"
    );
    assert_eq!(
        shard.process.wait(PATIENT).code(),
        Some(0),
        "{}",
        shard.process.log()
    );
}

#[test]
fn a_lost_shard_closes_its_clients_and_a_new_one_takes_them() {
    if !ours_only() {
        return;
    }
    let setup = Setup::new();
    let Some(mut cluster) = Cluster::start(&setup, Topology::Split { edges: 2 }) else {
        return;
    };
    let mut clients: Vec<Client> = (0..4)
        .map(|number| {
            let mut client = Client::plain(cluster.listener_of(number, "mqtt")).unwrap();
            client.login(&Connect::v5(&format!("c-{number}")));
            client
        })
        .collect();
    cluster.shard.as_mut().unwrap().process.kill();
    for client in &mut clients {
        client.until_closed();
    }
    cluster.shard.as_mut().unwrap().restart(&setup);
    until("clients are served again", PATIENT, || {
        let mut client = Client::plain(cluster.listener("mqtt")).ok()?;
        client.set_read_timeout(Duration::from_secs(5));
        let connack = client.connect(&Connect::v5("c-0")).ok()?;
        (connack.body[1] == 0).then_some(())
    });
}

#[test]
fn a_link_peer_without_the_token_is_closed_and_nobody_else_minds() {
    if !ours_only() {
        return;
    }
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut bystander = Client::plain(cluster.listener("mqtt")).unwrap();
    bystander.login(&Connect::v5("bystander"));
    let shard = cluster.shard.as_ref().unwrap();
    let refused = || shard.admin.metric("herdgate_links_refused_total");

    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0; 64],
        &[0xFF; 64],
        &Connect::v3("x").encode(),
    ] {
        let before = refused();
        let mut stream = TcpStream::connect(shard.link()).unwrap();
        stream.set_read_timeout(Some(PATIENT)).unwrap();
        let _ = stream.write_all(garbage);
        let mut answer = Vec::new();
        if let Err(error) = stream.read_to_end(&mut answer) {
            assert!(
                !is_timeout(&error),
                "the shard keeps a stranger's link open"
            );
        }
        assert_eq!(answer, b"", "a stranger learns nothing");
        until("the refusal is counted", PATIENT, || {
            (refused() > before).then_some(())
        });
    }

    // a whole edge with another token
    let before = refused();
    let token = setup.write("other-token", "a token somebody guessed");
    let mut config = setup.config.clone();
    config["edge"]["linkTokenFile"] = token.display().to_string().into();
    config["edge"]["id"] = "stranger".into();
    config["edge"]["shards"] = json!([shard.link().to_string()]);
    let path = setup.write_config("stranger.yaml", &config);
    let mut command = Command::new(skip::binary("herdgate").unwrap());
    command.arg("edge").arg("-c").arg(path);
    let stranger = Process::spawn("stranger", command, setup.folder.path());
    until("the stranger is refused", PATIENT, || {
        (refused() > before).then_some(())
    });
    drop(stranger);
    assert_alive(&mut bystander);
}

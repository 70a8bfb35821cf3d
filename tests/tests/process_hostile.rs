//! Clients that cost more than they should, each beside a probe that must not feel them.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use herdgate_tests::cluster::{Cluster, Node, Topology, stand_in_wanted};
use herdgate_tests::mqtt::{Client, Connect, PINGRESP, PUBLISH, SUBACK, packet, publish};
use herdgate_tests::probe::Probe;
use herdgate_tests::process::Process;
use herdgate_tests::setup::Setup;
use herdgate_tests::skip::skip;
use herdgate_tests::usage;
use herdgate_tests::wait::{PATIENT, until};

const SPLIT: Topology = Topology::Split { edges: 1 };
const MIB: u64 = 1 << 20;

/// Runs `attack` beside a probe; neither process may grow by `most` bytes while it runs.
fn beside_a_probe(setup: &Setup, most: u64, attack: impl Fn(&Cluster<'_>)) {
    after(setup, most, |_| (), attack);
}

/// A machine that others use as well may hold the probe up by itself; what is wrong does so every time.
const ATTEMPTS: usize = 3;

/// As `beside_a_probe`, after something that the probe may feel.
fn after(setup: &Setup, most: u64, prepare: impl Fn(&Cluster<'_>), attack: impl Fn(&Cluster<'_>)) {
    if stand_in_wanted() {
        return skip("about our processes alone");
    }
    for attempt in 1..=ATTEMPTS {
        let Some(cluster) = Cluster::start(setup, SPLIT) else {
            return;
        };
        let nodes: Vec<&Node> = cluster.edges.iter().chain(&cluster.shard).collect();
        let memory = |of: fn(u32) -> u64| -> Vec<u64> {
            nodes.iter().map(|node| of(node.process.pid())).collect()
        };
        let small = memory(usage::memory);
        prepare(&cluster);
        let mut probe = Probe::new(cluster.listener("mqtt"));
        let before = probe.alone();
        let ((), under) = probe.during(|| attack(&cluster));
        for (most_ever, small) in memory(usage::most_memory).into_iter().zip(small) {
            let grown = most_ever.saturating_sub(small);
            println!("grew by {} KiB", grown / 1024);
            assert!(grown < most, "a process grew by {} KiB", grown / 1024);
        }
        if under.is_unmoved(before, probe.alone()) {
            return;
        }
        assert!(attempt < ATTEMPTS, "the probe feels it");
    }
}

/// The times that the edge met a limit.
fn met(cluster: &Cluster<'_>, limit: &str) -> u64 {
    let (_, body) = cluster.edges[0].admin.get("/metrics").unwrap();
    let series = format!("herdgate_edge_limits_reached_total{{limit=\"{limit}\"}} ");
    let found = body.lines().find_map(|line| line.strip_prefix(&series));
    found.expect("the limit has a counter").parse().unwrap()
}

fn attached(cluster: &Cluster<'_>, connect: &Connect) -> Client {
    let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
    client.login(connect);
    client
}

/// As many messages of 1,000 bytes.
fn flood(client: &mut Client, topic: &str, messages: usize) {
    let batch = publish(topic, &"x".repeat(1000)).repeat(20);
    for _ in 0..messages / 20 {
        client.send(&batch).unwrap();
    }
}

/// More than all buffers between two clients take.
const FLOOD: usize = 20_000;

#[test]
fn a_slow_reader_costs_its_own_messages() {
    let setup = Setup::new();
    beside_a_probe(&setup, 48 * MIB, |cluster| {
        let mut slow = attached(cluster, &Connect::v3("slow"));
        assert_eq!(slow.subscribe("flood", 0), 0);
        let mut publisher = attached(cluster, &Connect::v3("publisher"));
        let flooding = thread::spawn(move || flood(&mut publisher, "flood", FLOOD));
        while !flooding.is_finished() {
            assert_eq!(slow.read().unwrap().kind(), PUBLISH);
            thread::sleep(Duration::from_millis(20));
        }
        flooding.join().unwrap();
        let dropped = || {
            cluster
                .owner()
                .admin
                .metric("herdgate_messages_dropped_total")
        };
        until("its oldest messages go", PATIENT, || {
            (dropped() > 0.0).then_some(())
        });
        assert_eq!(met(cluster, "unread"), 0, "it is slow, not gone");
        assert_eq!(slow.read().unwrap().kind(), PUBLISH);
    });
}

#[test]
fn a_client_that_never_reads_is_closed() {
    let setup = Setup::new().set("/listeners/1/unreadTimeoutSeconds", 2);
    beside_a_probe(&setup, 48 * MIB, |cluster| {
        let mut watcher = attached(cluster, &Connect::v3("watcher"));
        assert_eq!(watcher.subscribe("wills", 0), 0);
        let mut deaf = attached(cluster, &Connect::v3("deaf").will("wills", "of the deaf"));
        assert_eq!(deaf.subscribe("flood", 0), 0);
        let mut publisher = attached(cluster, &Connect::v3("publisher"));
        flood(&mut publisher, "flood", FLOOD);
        assert_eq!(watcher.read().unwrap().published().1, b"of the deaf");
        assert_eq!(met(cluster, "unread"), 1);
        publisher.send(&[0xC0, 0]).unwrap();
        assert_eq!(publisher.read().unwrap().kind(), PINGRESP);
    });
}

#[test]
fn clients_that_send_a_byte_a_second_have_their_connect_in_time_or_go() {
    let setup = Setup::new().set("/listeners/1/connectTimeoutSeconds", 3);
    beside_a_probe(&setup, 16 * MIB, |cluster| {
        let mut watcher = attached(cluster, &Connect::v3("watcher"));
        assert_eq!(watcher.subscribe("drip", 0), 0);
        let connect = Connect::v3("a client id that takes its time").encode();
        let address = cluster.listener("mqtt");
        let mut outside: Vec<TcpStream> = (0..50)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let mut inside: Vec<Client> = (0..20)
            .map(|number| {
                attached(
                    cluster,
                    &Connect::v3(&format!("drip-{number}")).keep_alive(2),
                )
            })
            .collect();
        let message = publish("drip", "x");
        for (at, byte) in message.iter().enumerate() {
            for socket in &mut outside {
                // closed in the midst of it
                let _ = socket.write_all(&connect[at..=at]);
            }
            for client in &mut inside {
                client.send(&[*byte]).unwrap();
            }
            thread::sleep(Duration::from_secs(1));
        }
        for _ in &inside {
            assert_eq!(watcher.read().unwrap().published().0, "drip");
        }
        for mut socket in outside {
            socket.set_read_timeout(Some(PATIENT)).unwrap();
            let mut answer = Vec::new();
            let _ = socket.read_to_end(&mut answer);
            assert_eq!(answer, b"");
        }
        assert_eq!(met(cluster, "connect_time"), 50);
    });
}

/// Sockets that say nothing, from a process of their own: opened anew whenever they are closed, until it is killed.
#[test]
#[ignore = "a part of the test below"]
fn silent_sockets() {
    let address: SocketAddr = std::env::var(TARGET).unwrap().parse().unwrap();
    let mut sockets: Vec<Option<TcpStream>> = (0..400).map(|_| None).collect();
    loop {
        for slot in &mut sockets {
            let closed = slot.as_ref().is_none_or(|socket| {
                socket.set_nonblocking(true).unwrap();
                !matches!(socket.peek(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
            });
            if closed {
                *slot = TcpStream::connect(address).ok();
            }
        }
        thread::sleep(Duration::from_millis(200));
    }
}

const TARGET: &str = "HERDGATE_TEST_TARGET";

#[test]
fn more_silent_sockets_than_files_hurt_nobody_who_is_in() {
    if stand_in_wanted() {
        return skip("about our processes alone");
    }
    let setup = Setup::new();
    // 512 are kept for what is no client
    let Some(cluster) = Cluster::start_with_files(&setup, SPLIT, 812) else {
        return;
    };
    let edge = &cluster.edges[0];
    let mut probe = Probe::new(cluster.listener("mqtt"));
    let before = probe.alone();
    let small = usage::memory(edge.process.pid());
    let (load, under) = probe.during(|| {
        let load: Vec<Process> = (0..2)
            .map(|number| {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command
                    .args(["--exact", "silent_sockets", "--ignored"])
                    .env(TARGET, cluster.listener("mqtt").to_string());
                Process::spawn(&format!("load-{number}"), command, setup.folder.path())
            })
            .collect();
        until("there are too many", PATIENT, || {
            (edge.admin.metric("herdgate_gate_decisions_total") > 500.0).then_some(())
        });
        let (began, used) = (Instant::now(), usage::cpu(edge.process.pid()));
        while began.elapsed() < Duration::from_secs(3) {
            assert!(edge.admin.ready(), "the admin port has a file");
            assert!(edge.admin.metric("herdgate_links_up") >= 2.0, "links live");
            thread::sleep(Duration::from_millis(100));
        }
        let used = usage::cpu(edge.process.pid()).saturating_sub(used);
        assert!(used < began.elapsed() / 2, "accept spins: {used:?}");
        load
    });
    let grown = usage::most_memory(edge.process.pid()).saturating_sub(small);
    assert!(grown < 32 * MIB, "the edge grew by {} KiB", grown / 1024);
    assert!(!edge.process.log().contains("failed to accept"));
    drop(load);
    until("others may come in again", PATIENT, || {
        let mut client = Client::plain(cluster.listener("mqtt")).ok()?;
        let connack = client.connect(&Connect::v3("late")).ok()?;
        (connack.body[1] == 0).then_some(())
    });
    assert!(
        under.is_unmoved(before, probe.alone()),
        "the probe feels it"
    );
}

#[test]
fn a_subscribe_of_ten_thousand_filters_is_served() {
    let setup = Setup::new();
    beside_a_probe(&setup, 48 * MIB, |cluster| {
        let mut greedy = attached(cluster, &Connect::v3("greedy"));
        let mut body = vec![0, 1];
        for number in 0..10_000 {
            let filter = format!("greedy/{number}/+");
            body.extend(u16::try_from(filter.len()).unwrap().to_be_bytes());
            body.extend(filter.as_bytes());
            body.push(0);
        }
        greedy.send(&packet(0x82, &body)).unwrap();
        let suback = greedy.read().unwrap();
        assert_eq!((suback.kind(), suback.body.len()), (SUBACK, 10_002));
        assert!(suback.body[2..].iter().all(|code| *code == 0));
        assert_eq!(greedy.subscribe("one/more", 0), 0x80);
        greedy.send(&publish("greedy/9999/x", "x")).unwrap();
        assert_eq!(greedy.read().unwrap().published().0, "greedy/9999/x");
    });
}

#[test]
fn a_hundred_thousand_retained_messages_come_and_hurt_nobody() {
    const COUNT: usize = 100_000;
    let mut setup = Setup::new();
    setup.config["limits"] = serde_json::json!({"maxRetainedMessages": 4 * COUNT});
    let publish_all = |cluster: &Cluster<'_>| {
        let mut publisher = attached(cluster, &Connect::v3("publisher"));
        let mut batch = Vec::new();
        for number in 0..COUNT {
            let mut message = publish(&format!("kept/{number}"), "0123456789");
            message[0] |= 1;
            batch.extend(message);
            if batch.len() > 32 * 1024 || number + 1 == COUNT {
                publisher.send(&std::mem::take(&mut batch)).unwrap();
            }
        }
        let kept = || cluster.owner().admin.metric("herdgate_retained");
        until("all are kept", PATIENT, || {
            #[allow(clippy::cast_precision_loss)] // far below 2^52
            let all = kept() >= COUNT as f64;
            all.then_some(())
        });
    };
    after(&setup, 256 * MIB, publish_all, |cluster| {
        let mut reader = attached(cluster, &Connect::v3("reader"));
        reader.send(&packet(0x82, b"\0\x01\0\x06kept/#\0")).unwrap();
        let mut came = 0;
        while came < COUNT {
            came += usize::from(reader.read().unwrap().kind() == PUBLISH);
        }
    });
}

#[test]
fn a_large_message_to_a_thousand_that_do_not_read_is_kept_once() {
    const DEAF: usize = 1_000;
    if stand_in_wanted() {
        return skip("about our processes alone");
    }
    let setup = Setup::new()
        .set("/listeners/1/maxPacketBytes", 16 * MIB)
        .set("/listeners/1/unreadTimeoutSeconds", 5);
    herdgate_tests::usage::raise_open_files();
    beside_a_probe(&setup, 160 * MIB, |cluster| {
        let subscriber = |name: String| {
            let mut client = attached(cluster, &Connect::v3(&name));
            assert_eq!(client.subscribe("large", 0), 0);
            client
        };
        let deaf: Vec<Client> = (0..DEAF).map(|n| subscriber(format!("deaf-{n}"))).collect();
        let mut readers: Vec<Client> = (0..5).map(|n| subscriber(format!("reader-{n}"))).collect();
        let mut publisher = attached(cluster, &Connect::v3("publisher"));
        let message = publish("large", &"x".repeat(8 << 20));
        publisher.send(&message).unwrap();
        thread::scope(|scope| {
            for reader in &mut readers {
                scope.spawn(|| {
                    assert_eq!(reader.read().unwrap().published().1.len(), 8 << 20);
                });
            }
        });
        until("those that take nothing are closed", PATIENT, || {
            (met(cluster, "unread") == DEAF as u64).then_some(())
        });
        drop(deaf);
    });
}

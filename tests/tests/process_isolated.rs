//! Shards that pass each other nothing, behind one edge: clients live with their own shard, and die with it alone.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::mqtt::{Client, Connect, publish};
use herdgate_tests::setup::Setup;
use herdgate_tests::skip;
use herdgate_tests::wait::{PATIENT, until};

const SHARDS: usize = 2;
/// Clients whom each shard must get; ids fall on shards by chance.
const EACH: usize = 2;
/// By then each shard has them, or the ids do not spread.
const MOST_TRIED: usize = 64;
const TOPIC: &str = "herd/news";

struct Member {
    id: String,
    client: Client,
}

/// Connects until each shard has enough; by shard.
fn members(cluster: &Cluster<'_>) -> Vec<Vec<Member>> {
    let mut members: Vec<Vec<Member>> = (0..SHARDS).map(|_| Vec::new()).collect();
    for number in 0..MOST_TRIED {
        let before = connected(cluster);
        let id = format!("client-{number}");
        let mut client = log_in(cluster, &id);
        assert_eq!(client.subscribe(TOPIC, 0), 0);
        let shard = until("a shard counts the new client", PATIENT, || {
            let now = connected(cluster);
            (0..SHARDS).find(|shard| now[*shard] > before[*shard])
        });
        members[shard].push(Member { id, client });
        if members.iter().all(|of_shard| of_shard.len() >= EACH) {
            return members;
        }
    }
    panic!("all of {MOST_TRIED} clients fell on one shard");
}

fn connected(cluster: &Cluster<'_>) -> Vec<u64> {
    let shards = cluster.shards();
    shards
        .map(|shard| shard.admin.number("/connected"))
        .collect()
}

fn log_in(cluster: &Cluster<'_>, id: &str) -> Client {
    let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
    client.login(&Connect::v3(id));
    client
}

/// One speaks, all of the same shard hear it, and hear nothing else before.
fn talk(members: &mut [Member], text: &str) {
    members[0].client.send(&publish(TOPIC, text)).unwrap();
    for Member { id, client } in members {
        let heard = client.read().expect("the message comes").published();
        let expected = (TOPIC.to_owned(), text.as_bytes().to_vec());
        assert_eq!(heard, expected, "{id}");
    }
}

#[test]
fn isolated_shards_neither_hear_nor_hurt_each_other() {
    if stand_in_wanted() {
        return skip::skip("about our processes alone");
    }
    let setup = Setup::new();
    let Some(mut cluster) = Cluster::start(&setup, Topology::Isolated { shards: SHARDS }) else {
        return;
    };
    let mut members = members(&cluster);
    for (shard, members) in members.iter_mut().enumerate() {
        talk(members, &format!("news of shard {shard}"));
    }

    cluster.shard.as_mut().unwrap().process.kill();
    let mut lost = members.remove(0);
    let mut others = members.remove(0);
    for member in &mut lost {
        assert_eq!(member.client.until_closed(), vec![]);
    }
    talk(&mut others, "one shard is gone");
    // who belongs to the lost one is told so or closed, but never left waiting
    let mut homeless = Client::plain(cluster.listener("mqtt")).unwrap();
    if let Ok(connack) = homeless.connect(&Connect::v3(&lost[0].id)) {
        assert_ne!(connack.body[1], 0, "nobody is there to hold the session");
    }
    homeless.until_closed();
    let newcomer = log_in(&cluster, &others[0].id);
    assert_eq!(others[0].client.until_closed(), vec![], "taken over");
    others[0].client = newcomer;
    assert_eq!(others[0].client.subscribe(TOPIC, 0), 0);
    talk(&mut others, "and others come");

    cluster.shard.as_mut().unwrap().restart(&setup);
    for member in &mut lost {
        member.client = until("the restarted shard takes its clients", PATIENT, || {
            let mut client = Client::plain(cluster.listener("mqtt")).ok()?;
            client.set_read_timeout(Duration::from_secs(5));
            let connack = client.connect(&Connect::v3(&member.id)).ok()?;
            (connack.body[1] == 0).then_some(client)
        });
        assert_eq!(member.client.subscribe(TOPIC, 0), 0);
    }
    talk(&mut lost, "we are back");
    talk(&mut others, "we never left");
}

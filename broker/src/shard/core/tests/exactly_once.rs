//! QoS 2 is exactly once: clients that lose their connections at any moment, in thousands of histories, and the faults
//! that these histories find.

mod peer;
mod world;

use crate::session::faults::{Fault, plant, with_largest_id};
use world::{End, World};

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % most as u64).unwrap()
    }
}

const STEPS: usize = 90;
const HISTORIES: u64 = 3_000;
/// A planted fault must show within so many.
const FOUND_WITHIN: u64 = 300;

/// What the seed brings, and then no more losses: everybody must have everything once.
fn history(seed: u64) -> Result<(), String> {
    // ids come around again within a history
    with_largest_id(3);
    let mut dice = Dice(seed);
    let mut world = World::new(seed);
    let peers = world.peers.len();
    for _ in 0..STEPS {
        let peer = dice.below(peers);
        match dice.below(20) {
            0 | 1 => world.publish(dice.below(2)),
            2..6 => world.send(peer),
            6..11 => drop(world.read(peer)?),
            11..18 => drop(world.route(dice.below(64))),
            18 => world.end(
                peer,
                [End::Lost, End::LinkLost, End::TakenOver][dice.below(3)],
            )?,
            _ => world.connect(peer)?,
        }
        world.check()?;
    }
    world.finish()
}

fn histories(from: u64) {
    for seed in from..from + HISTORIES / 4 {
        if let Err(wrong) = history(seed) {
            panic!("seed {seed}: {wrong}");
        }
    }
}

// four tests, so that they run side by side
#[test]
fn histories_1() {
    histories(0);
}

#[test]
fn histories_2() {
    histories(1_000_000);
}

#[test]
fn histories_3() {
    histories(2_000_000);
}

#[test]
fn histories_4() {
    histories(3_000_000);
}

/// One message, and a loss of either side's connection at each step of its way.
#[test]
fn at_every_step_of_the_handshake() {
    with_largest_id(3);
    for seed in 0..4 {
        for who in [&[0][..], &[2], &[0, 2], &[2, 3]] {
            for end in [End::Lost, End::LinkLost, End::TakenOver] {
                for again in [1, 2, 5] {
                    cut_at_every_step(seed, who, end, again);
                }
            }
        }
    }
}

/// `again`: the same once more, so many steps later.
fn cut_at_every_step(seed: u64, who: &[usize], end: End, again: usize) {
    for cut in 0.. {
        let mut world = World::new(seed);
        world.publish(0);
        let mut steps = 0;
        let mut cuts = 0;
        while cuts < 2 {
            if steps == cut + cuts * again {
                for peer in who {
                    world.end(*peer, end).unwrap();
                    world.connect(*peer).unwrap();
                }
                cuts += 1;
            }
            if !world.step().unwrap() {
                break;
            }
            steps += 1;
        }
        let case = format!("seed {seed}, {who:?} {end:?} after {cut}, again after {again}");
        world
            .finish()
            .unwrap_or_else(|wrong| panic!("{case}: {wrong}"));
        if cuts == 0 {
            // PUBLISH, PUBREC, PUBREL, PUBCOMP on three ways
            assert!(cut > 10, "{cut} steps");
            return;
        }
    }
}

fn finds(fault: Fault) {
    plant(Some(fault));
    let found = (0..FOUND_WITHIN).find_map(|seed| history(seed).err());
    plant(None);
    assert!(found.is_some(), "{fault:?} is not found");
}

#[test]
fn finds_an_id_that_is_forgotten_on_reconnect() {
    finds(Fault::ForgottenOnReconnect);
}

#[test]
fn finds_a_pubrec_before_the_message_is_routed() {
    finds(Fault::AnsweredBeforeRouted);
}

#[test]
fn finds_a_pubrel_that_is_not_sent_again() {
    finds(Fault::ReleaseNotResent);
}

#[test]
fn finds_a_message_that_is_routed_again_while_it_is_on_its_way() {
    finds(Fault::RoutedTwice);
}

#[test]
fn finds_an_id_that_is_used_again_before_pubcomp() {
    finds(Fault::ReusedBeforeComplete);
}

#[test]
fn finds_an_id_that_is_kept_after_pubrel() {
    finds(Fault::KeptAfterRelease);
}

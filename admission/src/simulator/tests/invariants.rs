//! Whatever the herd, the capacity and the faults: some things hold.

use proptest::prelude::*;

use super::*;

/// Of each property; a run of so small a herd takes a millisecond or two.
const CASES: u32 = 600;
/// News of a level goes to the shards and back within two reports; a tick more, and a link that was down.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(1);

fn millis(range: std::ops::RangeInclusive<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn micros(range: std::ops::RangeInclusive<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_micros)
}

prop_compose! {
    fn impatience()(
        patience in millis(2_000..=20_000),
        retry in millis(100..=4_000),
        jitter_percent in 0_u8..=100,
        back_off_percent in prop_oneof![3 => Just(100_u16), 1 => 101_u16..=200],
        longest_retry in millis(4_000..=10_000),
        gives_up_after in prop_oneof![3 => Just(0_u16), 1 => 2_u16..=9],
        gives_up_for in millis(0..=20_000),
        dials_within in prop_oneof![2 => Just(Duration::ZERO), 1 => millis(0..=10_000)],
        step_timeout in millis(3_000..=10_000),
    ) -> Herd {
        Herd {
            dials_within, patience, step_timeout, retry, jitter_percent, back_off_percent, longest_retry, gives_up_after,
            gives_up_for, ..Herd::default()
        }
    }
}

/// Clients behind carriers, how many each has, and the percent of all that the census has: one time in two none.
fn knowledge() -> impl Strategy<Value = (u32, u32, u8)> {
    let carriers = prop_oneof![(0_u32..=20, 1_u32..=20), (0_u32..=200, 20_u32..=100)];
    let census = prop_oneof![Just(0_u8), 1_u8..=100];
    (carriers, census).prop_map(|((behind, each), census_percent)| (behind, each, census_percent))
}

fn slicing() -> impl Strategy<Value = SlicingType> {
    prop_oneof![
        3 => Just(SlicingType::PrefixHash),
        1 => Just(SlicingType::Ranges),
        1 => Just(SlicingType::CidrList),
        1 => Just(SlicingType::ClientIdHash),
    ]
}

prop_compose! {
    fn herd()(
        base in impatience(),
        clients in 20_u32..=250,
        never_return_percent in prop_oneof![3 => Just(0_u8), 1 => 1_u8..=90],
        flapping in prop_oneof![3 => Just(0_u32), 1 => 1_u32..=10],
        (behind_carriers, clients_per_carrier, census_percent) in knowledge(),
        certificates in 1_u8..=3,
        subscribes in 0_u16..=12,
        round_trip in millis(0..=150),
        keep_alive in prop_oneof![Just(Duration::ZERO), millis(5_000..=30_000)],
    ) -> Herd {
        Herd {
            clients, never_return_percent, flapping, behind_carriers: behind_carriers.min(clients), clients_per_carrier,
            census_percent, certificates, subscribes, round_trip, keep_alive, ..base
        }
    }
}

prop_compose! {
    fn capacity()(
        (edges, shards) in (1_u16..=3, 1_u16..=3),
        (edge_cores, shard_cores) in (1_u16..=2, 1_u16..=2),
        one_machine: bool,
        (handshake, login) in (micros(100..=3_000), micros(0..=40_000)),
        (session, subscribe) in (micros(0..=3_000), micros(1..=500)),
        settle_limit in 3_u32..=300,
        hold_budget in prop_oneof![1 => 0_u32..=50, 3 => Just(20_000_u32)],
        client_hold_budget in prop_oneof![1 => 1_u32..=300, 3 => Just(4_000_u32)],
        entering_cap in prop_oneof![4 => Just(None), 1 => (1_u32..=100).prop_map(Some)],
        learns_patience: bool,
        backend in prop_oneof![
            3 => Just(None),
            1 => (1_u64..=200, 4_u32..=64, 0_u8..=30).prop_map(|(latency, concurrent, failing_percent)| Some(Backend {
                latency: ms(latency), concurrent, failing_percent,
            })),
        ],
    ) -> Capacity {
        Capacity {
            edges, shards, edge_cores, shard_cores, one_machine, handshake, login, session, subscribe, settle_limit,
            hold_budget, client_hold_budget, entering_cap, first_patience: None, learns_patience, backend, priorities: true,
        }
    }
}

fn whose() -> impl Strategy<Value = Whose> {
    prop_oneof![
        Just(Whose::All),
        (0_u16..3).prop_map(Whose::Edge),
        (0_u16..3).prop_map(Whose::Shard)
    ]
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        (whose(), 100_u32..=1_000).prop_map(|(whose, percent)| Mishap::Slow { whose, percent }),
        (whose(), 1_u16..=3).prop_map(|(whose, processes)| Mishap::Hog { whose, processes }),
        whose().prop_map(|whose| Mishap::Stall { whose }),
        (0_u16..3).prop_map(|edge| Mishap::EdgeKilled { edge }),
        (0_u16..3).prop_map(|shard| Mishap::ShardKilled { shard }),
        (1_u64..=3_000, 0_u8..=100).prop_map(|(latency, failing_percent)| Mishap::Backend {
            latency: ms(latency),
            failing_percent
        }),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let when = prop_oneof![
        millis(0..=10_000).prop_map(When::At),
        (1_u8..=100).prop_map(When::Level)
    ];
    (when, millis(0..=10_000), mishap()).prop_map(|(when, lasting, mishap)| Fault {
        when,
        lasting,
        mishap,
    })
}

/// What cannot be there is brought into what is.
fn fitting(fault: Fault, capacity: &Capacity) -> Fault {
    let fit = |whose| match whose {
        Whose::All => Whose::All,
        Whose::Edge(edge) => Whose::Edge(edge % capacity.edges),
        Whose::Shard(shard) => Whose::Shard(shard % capacity.shards),
    };
    let mishap = match fault.mishap {
        Mishap::Slow { whose, percent } => Mishap::Slow {
            whose: fit(whose),
            percent,
        },
        Mishap::Hog { whose, processes } => Mishap::Hog {
            whose: fit(whose),
            processes,
        },
        Mishap::Stall { whose } => Mishap::Stall { whose: fit(whose) },
        Mishap::EdgeKilled { edge } => Mishap::EdgeKilled {
            edge: edge % capacity.edges,
        },
        Mishap::ShardKilled { shard } => Mishap::ShardKilled {
            shard: shard % capacity.shards,
        },
        Mishap::Backend { .. } if capacity.backend.is_none() => Mishap::Slow {
            whose: Whose::All,
            percent: 200,
        },
        backend @ Mishap::Backend { .. } => backend,
    };
    Fault { mishap, ..fault }
}

fn scenario() -> impl Strategy<Value = Scenario> {
    (
        herd(),
        capacity(),
        prop::collection::vec(fault(), 0..=3),
        slicing(),
        any::<u64>(),
    )
        .prop_map(|(herd, capacity, faults, slicing, seed)| {
            let faults = faults
                .into_iter()
                .map(|it| fitting(it, &capacity))
                .collect();
            let mut scenario = Scenario {
                slicing,
                herd,
                capacity,
                faults,
                seed,
                ..Scenario::founding()
            };
            // far longer than the worst of what can be
            scenario.at_most = scenario.ideal() * 20 + Duration::from_mins(20);
            scenario
        })
}

prop_compose! {
    /// Shards that nearly stand still when some clients are back: one in five of these is hard in mid-ramp, and of the
    /// scenarios above one in three hundred.
    fn sick()(mut scenario in scenario(), at in 1_u8..=30, percent in 10_000_u32..=100_000) -> Scenario {
        scenario.herd.clients = 250;
        scenario.herd.subscribes = 12;
        scenario.capacity.one_machine = false;
        scenario.faults = vec![Fault {
            when: When::Level(at),
            lasting: Duration::from_secs(10),
            mishap: Mishap::Slow { whose: Whose::All, percent },
        }];
        scenario
    }
}

prop_compose! {
    /// Nearly as many clients flap as come back.
    fn with_flapping_clients()(mut scenario in scenario(), flapping in 20_u32..=200) -> Scenario {
        scenario.herd.flapping = flapping;
        scenario.herd.retry = scenario.herd.retry.min(ms(1_000));
        // while a backend fails for good a few are let in to try it, and those who flap take most of these places
        if let Some(backend) = &mut scenario.capacity.backend {
            backend.failing_percent = backend.failing_percent.min(5);
        }
        // an edge that stands still hears nothing of who came to nothing
        scenario.faults.retain(|fault| matches!(fault.mishap, Mishap::Slow { .. } | Mishap::Backend { .. }));
        scenario.capacity.entering_cap = None;
        scenario
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    /// Whoever can come back comes back, whatever happens meanwhile.
    #[test]
    fn it_always_finishes(scenario in scenario()) {
        let outcome = run(&scenario);
        prop_assert!(outcome.is_complete(), "{:?}", brief(&outcome));
    }

    #[test]
    fn nobody_comes_in_above_a_limit(scenario in scenario()) {
        let seen = run(&scenario).seen;
        prop_assert_eq!((seen.entered_above_limit, seen.attached_above_limit, seen.entered_while_hard), (0, 0, 0));
    }

    #[test]
    fn a_level_never_falls(scenario in scenario()) {
        prop_assert_eq!(run(&scenario).seen.level_fell, 0);
    }

    #[test]
    fn slices_open_only_while_the_shards_are_well(scenario in scenario()) {
        let seen = run(&scenario).seen;
        prop_assert_eq!((seen.advanced_while_bad, seen.advanced_while_hard), (0, 0));
    }

    #[test]
    fn nothing_opens_while_the_shards_are_hard(scenario in sick()) {
        let seen = run(&scenario).seen;
        prop_assert_eq!((seen.advanced_while_hard, seen.entered_while_hard), (0, 0));
    }

    #[test]
    fn nobody_is_let_in_who_cannot_make_it(scenario in scenario()) {
        prop_assert_eq!(run(&scenario).seen.entered_too_late, 0);
    }

    /// Who comes again and again and never settles has a tenth of the places while others wait.
    #[test]
    fn the_last_class_keeps_to_its_share(scenario in with_flapping_clients()) {
        let outcome = run(&scenario);
        prop_assert_eq!(outcome.seen.last_class_above_share, 0, "{:?}", brief(&outcome));
        prop_assert!(outcome.is_complete(), "{:?}", brief(&outcome));
    }

    /// As long as edge and shards run.
    #[test]
    fn every_edge_follows(mut scenario in scenario()) {
        scenario.capacity.edges = 3;
        scenario.faults.retain(|fault| !matches!(fault.mishap, Mishap::Stall { .. } | Mishap::ShardKilled { .. }));
        let behind = run(&scenario).seen.longest_behind;
        prop_assert!(behind <= FOLLOWS_WITHIN, "{behind:?}");
    }
}

/// Clients that knock within a tenth of a second, of a hundred that wait, after a fleet in step was held for a while.
const KNOCK_PERCENT: u32 = 20;

prop_compose! {
    /// A fleet in step that has long to wait.
    fn in_step()(
        clients in 400_u32..=800,
        patience in millis(2_000..=8_000),
        retry in millis(200..=2_000),
        round_trip in millis(1..=100),
        seed: u64,
    ) -> Scenario {
        let mut scenario = Scenario { seed, ..founding(clients) };
        scenario.herd = Herd { patience, retry, round_trip, subscribes: 2, ..scenario.herd };
        scenario.capacity.login = ms(100);
        scenario
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The hold takes it apart.
    #[test]
    fn a_fleet_gets_out_of_step(scenario in in_step()) {
        let percent = run(&scenario).seen.largest_knock_percent;
        prop_assert!(percent <= KNOCK_PERCENT, "{percent}");
    }
}

prop_compose! {
    /// A row of the table with everything a little larger or smaller.
    fn neighbour()(
        row in prop::sample::select(rows::rows()),
        [login, handshake, subscribe, round_trip, patience, retry, clients, subscribes]
            in prop::array::uniform8(80_u32..=125),
        jitter_percent in 0_u8..=30,
        seed: u64,
    ) -> rows::Row {
        let mut row = row;
        let Scenario { herd, capacity, .. } = &mut row.scenario;
        let part = |whole: Duration, percent: u32| whole * percent / 100;
        capacity.login = part(capacity.login, login);
        capacity.handshake = part(capacity.handshake, handshake);
        capacity.subscribe = part(capacity.subscribe, subscribe);
        herd.round_trip = part(herd.round_trip, round_trip);
        herd.patience = part(herd.patience, patience);
        herd.retry = part(herd.retry, retry);
        herd.clients = herd.clients * clients / 100;
        herd.subscribes = u16::try_from(u32::from(herd.subscribes) * subscribes / 100).unwrap();
        herd.jitter_percent = jitter_percent;
        row.scenario.seed = seed;
        row
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Rows and their neighbours: a tenth over the work alone, what slows it counted as work, and the last one's own way.
    #[test]
    fn it_is_nearly_ideal(row in neighbour()) {
        let outcome = run(&row.scenario);
        let slow: Duration = row.scenario.faults.iter().map(|fault| fault.lasting * 2 / 3).sum();
        let within = (outcome.ideal + slow) * 11 / 10 + outcome.alone;
        prop_assert!(outcome.took.is_some_and(|took| took <= within), "{}: {within:?} {:?}", row.name, brief(&outcome));
    }

    #[test]
    fn next_to_no_handshake_is_for_nothing(row in neighbour()) {
        let outcome = run(&row.scenario);
        prop_assert!(outcome.handshakes_per_hundred() <= 102, "{}: {:?}", row.name, brief(&outcome));
    }
}

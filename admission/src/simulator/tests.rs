use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Everybody is back within this many percent of the work's own time, and next to no handshake was for nothing.
fn assert_tame(name: &str, herd: Herd, percent: u128) {
    let clients = herd.clients;
    let outcome = herd.run(3).unwrap();
    let tame = outcome.percent_of_ideal <= percent && outcome.handshakes * 100 <= clients * 102;
    assert!(outcome.back == clients && tame, "{name}: {outcome:?}");
    assert_eq!(outcome.level, 256, "{name}");
}

#[test]
fn the_founding_herd() {
    assert_tame("one edge", Herd::founding(), 105);
}

#[test]
fn the_founding_herd_at_two_edges() {
    assert_tame(
        "two edges",
        Herd {
            edges: 2,
            ..Herd::founding()
        },
        105,
    );
}

#[test]
fn logins_dear_and_cheap() {
    assert_tame(
        "1.7 ms",
        Herd {
            login: Duration::from_micros(1_700),
            ..Herd::founding()
        },
        110,
    );
    assert_tame(
        "50 ms",
        Herd {
            login: ms(50),
            clients: 2_000,
            ..Herd::founding()
        },
        110,
    );
}

#[test]
fn subscribes_that_cost_more_than_logins() {
    let herd = Herd {
        subscribe: Duration::from_micros(125),
        login: Duration::from_micros(100),
        ..Herd::founding()
    };
    assert_tame("dear SUBSCRIBEs", herd, 110);
}

#[test]
fn round_trips_long_and_short() {
    assert_tame(
        "100 ms",
        Herd {
            round_trip: ms(100),
            ..Herd::founding()
        },
        110,
    );
    assert_tame(
        "2 ms",
        Herd {
            round_trip: ms(2),
            ..Herd::founding()
        },
        110,
    );
}

#[test]
fn patience_short_and_long() {
    assert_tame(
        "2 s",
        Herd {
            patience: ms(2_000),
            ..Herd::founding()
        },
        110,
    );
    assert_tame(
        "20 s",
        Herd {
            patience: ms(20_000),
            ..Herd::founding()
        },
        110,
    );
}

#[test]
fn three_times_slower_for_a_while() {
    let slow = Some((Duration::from_secs(30), Duration::from_secs(50), 3));
    assert_tame(
        "slow in the middle",
        Herd {
            slow,
            ..Herd::founding()
        },
        120,
    );
}

/// The founding gateways carry three certificates of which the first is expired: a handshake in vain for each third of
/// them cannot be avoided, since a reset moves a gateway on to its next certificate; more can.
#[test]
fn an_expired_certificate_first() {
    let herd = Herd {
        certificates: 3,
        ..Herd::founding()
    };
    let outcome = herd.run(3).unwrap();
    assert!(
        outcome.back == 7_000 && outcome.percent_of_ideal <= 110,
        "{outcome:?}"
    );
    assert!(outcome.handshakes <= 7_000 * 14 / 10, "{outcome:?}");
}

/// What the whole crate is for.
#[test]
fn with_an_open_door_the_founding_herd_never_comes_back() {
    let outcome = Herd {
        mode: Mode::Open,
        ..Herd::founding()
    }
    .run(2)
    .unwrap();
    assert!(outcome.back < 100, "{outcome:?}");
    assert!(outcome.handshakes > 5 * 7_000, "{outcome:?}");
}

#[test]
fn what_cannot_be_run_is_refused() {
    let refused = |herd: Herd| herd.run(1).unwrap_err();
    let founding = Herd::founding;
    assert_eq!(
        refused(Herd {
            edges: 0,
            ..founding()
        }),
        HerdError::Zero("edges")
    );
    assert_eq!(
        refused(Herd {
            clients: 0,
            ..founding()
        }),
        HerdError::Zero("clients")
    );
    assert_eq!(
        refused(Herd {
            subscribes: 0,
            ..founding()
        }),
        HerdError::Zero("subscribes")
    );
    assert_eq!(
        refused(Herd {
            certificates: 0,
            ..founding()
        }),
        HerdError::Zero("certificates")
    );
    let free = Herd {
        handshake: Duration::ZERO,
        login: Duration::ZERO,
        subscribe: Duration::ZERO,
        ..founding()
    };
    assert_eq!(refused(free), HerdError::NoWork);
}

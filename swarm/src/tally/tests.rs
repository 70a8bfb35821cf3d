use super::*;
use crate::gateway::Failure;
use crate::meter::Load;
use crate::outside::ProbeReport;
use crate::timeline::Timeline;

const PATIENCE: Duration = Duration::from_secs(5);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn report(tally: &Tally) -> Report {
    tally.report(Heading {
        scenario: "test",
        target: "there",
        ranges: vec!["north", "south"],
        load: Load::default(),
        patience: PATIENCE,
        bring_up: None,
        probe: None,
        cloud: None,
        timeline: Timeline::default(),
        expectations: Expectations::default(),
    })
}

/// Four gateways in two ranges, all up, then a restart at 100 s that throws out all but the last.
fn restarted() -> Tally {
    let mut tally = Tally::new([2, 2], Duration::ZERO);
    for gateway in 0..4 {
        tally.mark(seconds(1), gateway, Milestone::Back);
    }
    assert!(tally.all_settled());
    tally.begin(seconds(100));
    for gateway in 0..3 {
        tally.mark(seconds(100), gateway, Milestone::Dropped(Failure::Closed));
    }
    tally
}

#[test]
fn the_restart_itself_counts_no_drops() {
    let tally = restarted();
    assert_eq!(
        (
            tally.settled(),
            tally.fallen(),
            tally.counts().drops,
            tally.counts().closed
        ),
        (1, 3, 0, 0)
    );
}

#[test]
fn times_count_from_the_restart_and_a_drop_starts_over() {
    let mut tally = restarted();
    tally.mark(seconds(102), 0, Milestone::Back);
    tally.mark(seconds(103), 1, Milestone::Back);
    tally.mark(seconds(104), 0, Milestone::Dropped(Failure::Closed));
    tally.mark(seconds(105), 2, Milestone::Back);
    assert_eq!(report(&tally).seconds, None, "one is still away");
    tally.mark(seconds(109), 0, Milestone::Back);
    let report = report(&tally);
    assert_eq!(
        (report.back, report.kept, report.seconds),
        (3, 1, Some(9.0))
    );
    assert_eq!((report.counts.drops, report.counts.closed), (1, 1));
    assert_eq!(report.settled_per_second, [0, 0, 1, 1, 0, 1, 0, 0, 0, 1]);
    let settle = report.settle.unwrap();
    assert_eq!(
        (settle.first, settle.p50, settle.p99, settle.max),
        (3.0, 5.0, 9.0, 9.0)
    );
    let south = &report.ranges[1];
    assert_eq!(
        (
            south.name.as_str(),
            south.settled,
            south.settle.unwrap().max
        ),
        ("south", 2, 5.0)
    );
}

#[test]
fn an_armed_tally_begins_with_the_first_drop() {
    let mut tally = Tally::new([1], Duration::ZERO);
    tally.mark(seconds(1), 0, Milestone::Back);
    tally.begin_at_first_drop(seconds(2));
    tally.mark(seconds(50), 0, Milestone::Dropped(Failure::Closed));
    tally.mark(seconds(52), 0, Milestone::Back);
    assert_eq!(report(&tally).seconds, Some(2.0));
    assert_eq!(tally.fallen(), 1);
}

#[test]
fn tries_are_counted_per_certificate() {
    let mut tally = Tally::new([1], Duration::ZERO);
    for certificate in [0, 1, 0, 1, 2] {
        tally.mark(seconds(1), 0, Milestone::Attempt { certificate });
    }
    assert_eq!(tally.counts().certificate_tries, [2, 2, 1]);
    assert_eq!(tally.counts().attempts, 5);
}

#[test]
fn json_has_the_names_that_others_read() {
    let json = serde_json::to_value(report(&restarted())).unwrap();
    for pointer in [
        "/gateways",
        "/counts/handshakesConfirmed",
        "/counts/timeouts/connack",
        "/verdict/is",
        "/ranges/0/name",
    ] {
        assert!(json.pointer(pointer).is_some(), "{pointer} in {json}");
    }
}

#[test]
fn the_page_says_void_and_why() {
    let mut void = report(&restarted());
    assert!(!render(&void).contains("VOID"));
    void.verdict = Verdict::Void {
        reasons: vec!["too slow".into()],
    };
    assert!(render(&void).contains("VOID                too slow"));
}

#[test]
fn a_handshake_is_wasted_unless_it_was_on_the_last_way_through_the_certificates() {
    let mut tally = Tally::new([2], Duration::ZERO);
    let mut way = |certificates: &[u8], back: bool| {
        for &certificate in certificates {
            tally.mark(seconds(1), 0, Milestone::Attempt { certificate });
            tally.mark(seconds(1), 0, Milestone::Handshake { certificate });
        }
        if back {
            tally.mark(seconds(1), 0, Milestone::Back);
        }
        tally.wasted_handshakes()
    };
    assert_eq!(way(&[0, 1, 1], false), 3, "nobody is back");
    assert_eq!(way(&[0, 1], true), 3, "the ring needs two");
}

#[test]
fn nobody_waits_for_those_that_flap() {
    let flapping = Members {
        gateways: 3,
        flap: true,
    };
    let mut tally = Tally::new([Members::from(1), flapping], Duration::ZERO);
    tally.mark(seconds(1), 0, Milestone::Back);
    tally.mark(seconds(1), 2, Milestone::Attempt { certificate: 0 });
    tally.mark(seconds(1), 2, Milestone::Handshake { certificate: 0 });
    tally.mark(seconds(1), 2, Milestone::Flapped);
    assert!(tally.all_settled());
    assert_eq!((tally.gateways(), tally.counts().flaps), (1, 1));
    assert_eq!(
        (tally.counts().handshakes, tally.wasted_handshakes()),
        (1, 0)
    );
}

#[test]
fn every_expectation_that_is_not_met_is_named() {
    let mut tally = restarted();
    for gateway in 0..3 {
        tally.mark(seconds(104), gateway, Milestone::Back);
    }
    tally.mark(seconds(105), 0, Milestone::Dropped(Failure::Closed));
    let mut report = report(&tally);
    let expectations = Expectations {
        seconds: Some(60.0),
        wasted_handshakes_per_gateway: Some(0.05),
        drops: Some(0),
        probe_p99_over_idle: Some(2.0),
        probe_p99_milliseconds: Some(20.0),
    };
    assert_eq!(
        expectations.unmet(&report),
        [
            "expect.seconds: nothing found, 60.000 allowed",
            "expect.drops: 1.000 found, 0.000 allowed",
            "expect.probeP99: nothing found, 20.000 allowed",
        ]
    );
    report.seconds = Some(4.0);
    report.counts.drops = 0;
    let mut probe = ProbeReport::default();
    probe.idle.p99_ms = Some(15.0);
    probe.ramp.p99_ms = Some(29.0);
    report.probe = Some(probe);
    assert!(
        expectations.unmet(&report).is_empty(),
        "2 x 15 ms are allowed"
    );
    assert!(Expectations::default().unmet(&report).is_empty());
}

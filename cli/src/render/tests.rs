use herdgate_admission::progress::{
    AddressTrust, CensusBucket, CensusPage, CensusRange, ClientAddresses, ClientState,
    CrowdedAddress, Explanation, Forecast, PerSlice, Phase, Progress, SlowSlice, Trigger,
};

use super::*;

fn ramping() -> Progress {
    let entered = (0..256).map(|slice| if slice < 148 { slice % 10 } else { 0 });
    Progress {
        number: 3,
        phase: Phase::Ramping,
        trigger: Trigger::Restart,
        started_at: Some("2026-11-25T22:00:00Z".into()),
        slices: 256,
        level: 148,
        expected: Some(7_000),
        settled: 4_212,
        entering: 12,
        settling: 40,
        held: 2_500,
        door: 60,
        limiting_signal: Some("queue_wait".into()),
        limiting_shard: Some(2),
        eta_seconds: Some(98),
        forecast: Some(Forecast {
            clients: 7_000,
            seconds: 90,
        }),
        slowest: vec![SlowSlice {
            slice: 17,
            range: Some("north".into()),
            seconds: 12,
            entered: 31,
        }],
        per_slice: Some(PerSlice {
            expected: vec![9; 256],
            entered: entered.collect(),
        }),
        ..Progress::default()
    }
}

fn over() -> Progress {
    Progress {
        phase: Phase::Open,
        finished_at: Some("2026-11-25T22:01:40Z".into()),
        level: 256,
        settled: 7_000,
        entering: 0,
        settling: 0,
        held: 0,
        door: 0,
        limiting_signal: None,
        eta_seconds: Some(0),
        ..ramping()
    }
}

#[test]
fn a_screen_shows_slices_filling_up() {
    insta::assert_snapshot!(screen(&ramping()));
    let many = Progress {
        slices: 65_536,
        level: 40_000,
        per_slice: None,
        ..ramping()
    };
    insta::assert_snapshot!(screen(&many));
}

#[test]
fn a_status_tells_the_same_without_the_slices() {
    let paused = Progress {
        phase: Phase::Holding,
        paused: true,
        expected: None,
        forecast: None,
        ..ramping()
    };
    insta::assert_snapshot!(status(&paused));
    insta::assert_snapshot!(status(&over()));
    assert!(status(&Progress::default()).starts_with("no reopening yet"));
}

#[test]
fn a_line_is_short() {
    insta::assert_snapshot!(line(&ramping()));
    insta::assert_snapshot!(line(&over()));
    assert!(is_over(&over()) && !is_over(&ramping()));
}

#[test]
fn a_census_shows_where_clients_are() {
    let page = CensusPage {
        clients: 7_000,
        taken_at: Some("2026-11-25T21:50:00Z".into()),
        is_frozen: true,
        addresses: ClientAddresses {
            trust: AddressTrust::FewPeers,
            clients: 7_000,
            of_few_peers: 6_900,
            inside: 0,
        },
        buckets: vec![CensusBucket {
            prefix: "198.18.3.0/24".into(),
            clients: 1_400,
        }],
        crowded: vec![CrowdedAddress {
            address: "198.18.9.9".into(),
            clients: 3_000,
        }],
        ranges: vec![CensusRange {
            name: "north".into(),
            clients: 4_000,
            first_slice: 0,
            slices: 146,
        }],
    };
    insta::assert_snapshot!(census(&page));
    assert!(census(&CensusPage::default()).starts_with("no census yet"));
}

#[test]
fn an_explanation_comes_from_whoever_has_seen_the_client() {
    let unseen = Explanation {
        subject: "198.18.3.7".into(),
        slice: Some(200),
        level: 148,
        reason: "Nobody with this address waits here.".into(),
        ..Explanation::default()
    };
    let held = Explanation {
        state: ClientState::Held,
        since: Some("2026-11-25T22:00:38Z".into()),
        address: Some("198.18.3.7".into()),
        range: Some("south".into()),
        reason: "Its slice 200 is closed: 148 of 256 are open.".into(),
        ..unseen.clone()
    };
    let told = |explanations: &[(&str, &Explanation)]| {
        let told = explanations.iter();
        let told: Vec<_> = told
            .map(|(process, one)| ((*process).to_owned(), (*one).clone()))
            .collect();
        explain(&told)
    };
    insta::assert_snapshot!(told(&[("edge-1", &unseen), ("edge-2", &held)]));
    insta::assert_snapshot!(told(&[("edge-1", &unseen), ("edge-2", &unseen)]));
}

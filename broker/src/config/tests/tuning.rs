//! Constants of the law, as somebody may write them.

use herdgate_admission::tuning::{
    BackendTuning, HealthTuning, HearingTuning, HoldTuning, Line, SettleTuning, TrustTuning,
    Tuning, Windows,
};

use super::*;

#[test]
fn constants_of_the_law_are_its_own_unless_somebody_writes_another() {
    let config = standalone("");
    assert_eq!(config.edge.admission.tuning, Tuning::default());
    assert_eq!(config.shard.tuning, Tuning::default());
    let text = "admission: {tuning: {firstEntering: 8, lateSubackSeconds: 0.25}}";
    let config = standalone(text);
    let wanted = Tuning {
        first_entering: 8,
        late_suback: Duration::from_millis(250),
        ..Tuning::default()
    };
    assert_eq!(config.edge.admission.tuning, wanted);
    assert_eq!(config.shard.tuning, wanted);
    let text = "admission: {tuning: {leastPatienceSeconds: 9, mostPatienceSeconds: 8, targetPercent: 51, first: 1}}";
    let problems = yaml(text, Role::Standalone).expect_err("three problems");
    for (key, said) in [
        ("leastPatienceSeconds", "is more than"),
        (
            "targetPercent",
            "51 is not allowed; allowed: a whole number from 1 to 50",
        ),
        ("first", "firstEntering"),
    ] {
        let line = problems
            .lines()
            .find(|line| line.starts_with(&format!("admission.tuning.{key}:")));
        assert!(line.is_some_and(|line| line.contains(said)), "{problems}");
    }
}

#[test]
fn keys_outside_the_groups_reach_the_law() {
    let text = "admission: {tuning: {adjustEverySeconds: 1, skipParts: 8, patiencePercentile: 25}}";
    let wanted = Tuning {
        adjust_every: Duration::from_secs(1),
        skip_parts: 8,
        patience_percentile: 25,
        ..Tuning::default()
    };
    assert_eq!(standalone(text).edge.admission.tuning, wanted);
}

/// What another-law.yaml says.
fn another_law() -> Tuning {
    let millis = Duration::from_millis;
    let line = |bad, hard| Line {
        bad: millis(bad),
        hard: millis(hard),
    };
    Tuning {
        health: HealthTuning {
            windows: Windows { bad: 4, good: 5 },
            queue_wait: line(30, 300),
            runtime_lag: line(400, 4_000),
            suback: line(500, 5_000),
            throttled_percent: 20,
            starved_percent: 90,
            bad_memory_percent: 70,
            hard_memory_percent: 80,
        },
        settle: SettleTuning {
            within: Duration::from_secs(30),
            least_quiet: millis(100),
            most_quiet: millis(3_000),
            quiet_gaps: 6,
        },
        backend: BackendTuning {
            slow: millis(700),
            most_errors_percent: 20,
        },
        hold: HoldTuning {
            least_percent: 30,
            margin: 3,
        },
        hearing: HearingTuning {
            silent_after: millis(3_000),
            forget_edge_after: millis(4_000),
            start_phase: Duration::from_secs(11),
            counts_within: 5,
        },
        trust: TrustTuning {
            enough_clients: 100,
            few_peers: 10,
            distrust_percent: 90,
            trust_again_percent: 70,
        },
        ..Tuning::default()
    }
}

#[test]
fn every_key_of_a_group_reaches_the_law() {
    let file = Some(fixture("another-law.yaml"));
    let Ok(Config::Standalone(config)) = load(&sources(file, &[]), Role::Standalone) else {
        panic!("loads")
    };
    assert_eq!(config.edge.admission.tuning, another_law());
    assert_eq!(config.shard.tuning, another_law());
    let text = std::fs::read_to_string(fixture("another-law.yaml")).expect("fixture");
    let groups = keys::KEYS.iter().filter(|key| {
        let within = key.path.strip_prefix("admission.tuning.");
        within.is_some_and(|path| path.contains('.'))
    });
    for key in groups {
        let (_, name) = key.path.rsplit_once('.').expect("a name");
        let own = key.default.map(|value| format!("{name}: {value}\n"));
        assert!(text.contains(&format!("{name}:")), "{}", key.path);
        assert!(!own.is_some_and(|own| text.contains(&own)), "{}", key.path);
    }
}

#[test]
fn constants_that_belong_together_keep_their_order() {
    for (group, written, least, most) in [
        (
            "health",
            "badQueueWaitSeconds: 0.3",
            "badQueueWaitSeconds",
            "hardQueueWaitSeconds",
        ),
        (
            "health",
            "badRuntimeLagSeconds: 2",
            "badRuntimeLagSeconds",
            "hardRuntimeLagSeconds",
        ),
        (
            "health",
            "hardSubackSeconds: 0.09",
            "badSubackSeconds",
            "hardSubackSeconds",
        ),
        (
            "health",
            "badMemoryPercent: 96",
            "badMemoryPercent",
            "hardMemoryPercent",
        ),
        (
            "trust",
            "distrustPercent: 79",
            "trustAgainPercent",
            "distrustPercent",
        ),
        (
            "hearing",
            "silentSeconds: 5.1",
            "silentSeconds",
            "forgetEdgeSeconds",
        ),
        (
            "settle",
            "leastQuietSeconds: 2.1",
            "leastQuietSeconds",
            "mostQuietSeconds",
        ),
        (
            "settle",
            "withinSeconds: 1",
            "mostQuietSeconds",
            "withinSeconds",
        ),
    ] {
        let text = format!("{LISTENER}admission: {{tuning: {{{group}: {{{written}}}}}}}");
        let wanted = format!(
            "admission.tuning.{group}.{least}: is more than `{most}`; allowed: no more than that\n"
        );
        for role in [Role::Standalone, Role::Edge, Role::Shard] {
            let told = yaml(&text, role).expect_err("refused");
            assert!(told.contains(&wanted), "{written}: {told}");
        }
    }
}

#[test]
fn few_peers_are_fewer_than_the_smallest_fleet_that_is_judged() {
    let text = "admission: {tuning: {trust: {fewPeers: 80, enoughClients: 100}}}";
    let problems = yaml(text, Role::Standalone).expect_err("a problem");
    assert!(
        problems.contains("admission.tuning.trust.fewPeers: is not less than"),
        "{problems}"
    );
}

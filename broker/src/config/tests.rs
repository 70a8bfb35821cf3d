mod tuning;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

fn host() -> Host {
    Host {
        name: "edge-7".to_owned(),
        cores: NonZeroUsize::new(3).expect("not zero"),
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/config")
        .join(name)
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/examples")
        .join(name)
}

fn sources(file: Option<PathBuf>, set: &[&str]) -> Sources {
    Sources {
        file,
        env: Vec::new(),
        set: set.iter().map(|&flag| flag.to_owned()).collect(),
        host: host(),
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n") + "\n"
}

fn problems(sources: &Sources, role: Role) -> String {
    match load(sources, role) {
        Err(LoadError::Problems(problems)) => lines(&problems),
        other => panic!("expected problems, not {other:?}"),
    }
}

fn yaml(text: &str, role: Role) -> Result<Config, String> {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), text).expect("write");
    load(&sources(Some(file.path().to_owned()), &[]), role).map_err(|error| match error {
        LoadError::Problems(problems) => lines(&problems),
        LoadError::Read { source, .. } => source.to_string(),
    })
}

const LISTENER: &str = "listeners: [{name: a, address: 127.0.0.1:0, protocol: mqtt}]\n";

fn standalone(text: &str) -> Standalone {
    match yaml(&format!("{LISTENER}{text}"), Role::Standalone) {
        Ok(Config::Standalone(config)) => config,
        other => panic!("{other:?}"),
    }
}

#[test]
fn defaults_fill_in_what_is_not_written() {
    insta::assert_debug_snapshot!(standalone(""));
}

#[test]
fn examples_load_for_their_roles() {
    for (name, role) in [
        ("standalone.yaml", Role::Standalone),
        ("cluster.yaml", Role::Edge),
        ("cluster.yaml", Role::Shard),
    ] {
        let loaded = load(&sources(Some(example(name)), &[]), role);
        assert!(loaded.is_ok(), "{name}: {loaded:?}");
    }
    let Ok(Config::Edge(edge)) = load(&sources(Some(example("cluster.yaml")), &[]), Role::Edge)
    else {
        panic!("edge")
    };
    let Slicing::CidrList { ranges, .. } = &edge.edge.admission.slicing else {
        panic!("ranges")
    };
    assert_eq!(
        ranges
            .iter()
            .map(|range| range.name.as_str())
            .collect::<Vec<_>>(),
        ["north", "south"]
    );
    assert_eq!(edge.links.shards, ["shard-0.shards:7883"]);
    assert_eq!(edge.edge.id, "edge-7");
    assert_eq!(edge.edge.workers.get(), 3);
}

#[test]
fn every_key_may_be_written() {
    for role in [Role::Standalone, Role::Edge, Role::Shard] {
        let loaded = load(&sources(Some(fixture("everything.yaml")), &[]), role);
        assert!(loaded.is_ok(), "{role:?}: {loaded:?}");
    }
    let text = std::fs::read_to_string(fixture("everything.yaml")).expect("fixture");
    for key in keys::KEYS {
        let name = key.path.rsplit(['.']).next().expect("a name");
        assert!(
            text.contains(&format!("{name}:")),
            "{} is not in everything.yaml",
            key.path
        );
    }
}

#[test]
fn three_mistakes_are_three_problems() {
    insta::assert_snapshot!(problems(
        &sources(Some(fixture("three-mistakes.yaml")), &[]),
        Role::Standalone
    ));
}

#[test]
fn all_problems_come_at_once() {
    insta::assert_snapshot!(problems(
        &sources(Some(fixture("everything-wrong.yaml")), &[]),
        Role::Edge
    ));
}

#[test]
fn each_role_needs_its_own() {
    let none = sources(None, &[]);
    insta::assert_snapshot!(
        [Role::Standalone, Role::Edge, Role::Shard]
            .map(|role| format!("{role:?}\n{}", problems(&none, role)))
            .join("\n")
    );
}

#[test]
fn flags_go_over_the_environment_over_the_file() {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(
        file.path(),
        format!("{LISTENER}admission: {{patienceSeconds: 1, holdBudget: 1, slices: 1}}"),
    )
    .expect("write");
    let mut sources = sources(
        Some(file.path().to_owned()),
        &["admission.patienceSeconds=3"],
    );
    sources.env = [
        ("HERDGATE_ADMISSION__PATIENCE_SECONDS", "2"),
        ("HERDGATE_ADMISSION__HOLD_BUDGET", "2"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let Ok(Config::Standalone(config)) = load(&sources, Role::Standalone) else {
        panic!("loads")
    };
    let admission = config.edge.admission;
    assert_eq!(
        (
            admission.patience,
            admission.hold_budget,
            admission.slices.get()
        ),
        (Duration::from_secs(3), 2, 1)
    );
}

#[test]
fn several_shards_are_refused_until_they_can_talk() {
    let many = "shard: {count: 2}\nedge: {shards: [a:1, b:1], linkTokenFile: t}\n";
    let text = yaml(&format!("{LISTENER}{many}"), Role::Edge).expect_err("refused");
    assert!(
        text.contains("edge.shards: has 2 shards; more than one cannot pass messages"),
        "{text}"
    );
    assert!(
        text.contains("shard.count: 2 shards; more than one cannot pass messages"),
        "{text}"
    );
    assert!(
        yaml(
            &format!("{LISTENER}{many}routing: {{isolatedShards: true}}"),
            Role::Edge
        )
        .is_ok()
    );
}

#[test]
fn somebody_must_be_able_to_come_in() {
    let text = yaml(
        &format!("{LISTENER}authentication: {{anonymous: Never}}"),
        Role::Standalone,
    )
    .expect_err("refused");
    assert!(text.contains("authentication: lets nobody in"), "{text}");
    standalone("authentication: {anonymous: Never, passwordFile: p}");
}

#[test]
fn an_unquoted_version_is_understood() {
    let text = "listeners: [{name: a, address: 127.0.0.1:0, protocol: mqtts, tls: {certificateFile: a, privateKeyFile: b, minVersion: 1.3}}]";
    let Ok(Config::Standalone(config)) = yaml(text, Role::Standalone) else {
        panic!("loads")
    };
    assert_eq!(
        config
            .edge
            .listeners
            .first()
            .and_then(|l| l.tls.as_ref())
            .map(|tls| tls.min_version),
        Some(TlsVersion::V13)
    );
}

#[test]
fn a_wait_does_not_shrink() {
    let text = "authentication: {wrongPasswordWait: {firstSeconds: 9, longestSeconds: 3}}";
    let told = yaml(&format!("{LISTENER}{text}"), Role::Standalone).expect_err("refused");
    assert_eq!(
        told,
        "authentication.wrongPasswordWait.longestSeconds: 3 is not allowed; allowed: at least firstSeconds, which is 9\n"
    );
}

#[test]
fn a_listener_has_what_it_names_and_the_shards_limits_for_the_rest() {
    let config = standalone("limits: {maxSubscriptions: 50}\n");
    assert_eq!(
        config.edge.listeners[0].limits,
        crate::link::ListenerLimits::default()
    );
    let listener = |limits: &str| {
        format!(
            "listeners: [{{name: a, address: 127.0.0.1:0, protocol: mqtt, limits: {{{limits}}}}}]\n"
        )
    };
    let few = listener("maxSubscriptions: 50, maxTopicLevels: 4");
    for (text, role, problem) in [
        (few.clone(), Role::Standalone, None),
        (
            format!("{few}limits: {{maxSubscriptions: 49}}\n"),
            Role::Standalone,
            Some(
                "listeners[0].limits.maxSubscriptions: 50 is not allowed; allowed: at most limits.maxSubscriptions, which is 49\n",
            ),
        ),
        (
            listener("maxSubscriptions: 20000"),
            Role::Standalone,
            Some(
                "listeners[0].limits.maxSubscriptions: 20000 is not allowed; allowed: at most limits.maxSubscriptions, which is 10000\n",
            ),
        ),
    ] {
        assert_eq!(yaml(&text, role).err().as_deref(), problem, "{text}");
    }
    // an edge cannot know what shards with a file of their own allow
    let links = "edge: {shards: [a:1], linkTokenFile: t}\nauthentication: {anonymous: Always}\n";
    let text = format!("{}{links}", listener("maxSubscriptions: 20000"));
    assert!(yaml(&text, Role::Edge).is_ok(), "{text}");
    let text = format!("{text}limits: {{maxSubscriptions: 100}}\n");
    assert!(yaml(&text, Role::Edge).is_err(), "{text}");
}

#[test]
fn methods_may_be_named_or_none_or_left_to_the_password_file() {
    for (written, methods) in [
        ("", None),
        (", authenticationMethods: []", Some(vec![])),
        (
            ", authenticationMethods: [SCRAM-SHA-256]",
            Some(vec![AuthenticationMethod::ScramSha256]),
        ),
    ] {
        let listener = format!("{{name: a, address: 127.0.0.1:0, protocol: mqtt{written}}}");
        let Ok(Config::Standalone(config)) =
            yaml(&format!("listeners: [{listener}]"), Role::Standalone)
        else {
            panic!("{written}")
        };
        assert_eq!(config.edge.listeners[0].authentication_methods, methods);
    }
}

#[test]
fn zero_means_no_cap_and_one_per_core() {
    let config = standalone("admission: {enteringLimit: 0}\nshard: {workers: 2}");
    assert_eq!(config.edge.admission.entering_limit, None);
    assert_eq!(
        config
            .edge
            .listeners
            .first()
            .and_then(|l| l.max_keep_alive_seconds),
        None
    );
    assert_eq!(
        (config.edge.workers.get(), config.shard.workers.get()),
        (3, 2)
    );
}

#[test]
fn what_is_no_yaml_is_one_problem() {
    for text in [
        "a: [",
        "listeners: 1\nlisteners: 2",
        "\u{0}",
        "a: 1\n---\nb: 2",
        "- a",
        "text",
    ] {
        let problems = yaml(text, Role::Standalone).expect_err(text);
        assert!(!problems.is_empty(), "{text}");
    }
    assert!(
        yaml(&"a".repeat(1_048_577), Role::Standalone)
            .expect_err("large")
            .contains("larger than 1048576 bytes")
    );
    let missing = load(&sources(Some(fixture("none.yaml")), &[]), Role::Standalone);
    assert!(matches!(missing, Err(LoadError::Read { .. })));
    assert!(
        yaml("", Role::Shard)
            .expect_err("empty")
            .contains("shard.linkAddress: is missing")
    );
}

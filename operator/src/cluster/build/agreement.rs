//! The broker reads what is written for it: its own parser is asked.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use herdgate::config::{self, AuthenticationMethod, Config, EdgeSettings, Host, Role, Sources};
use herdgate_crds::{AdmissionMode, HttpBackend, MqttClusterSpec, Protocol, SlicingType};
use serde_json::Value;

use super::config as written;
use super::fixtures::cluster;
use crate::cluster::validate::{CLIENT_LIMITS, Enforcer, validate};

fn load(text: &str, role: Role) -> Config {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let sources = Sources {
        file: Some(file.path().to_owned()),
        env: Vec::new(),
        set: Vec::new(),
        host: Host {
            name: "field-0".to_owned(),
            cores: std::num::NonZeroUsize::MIN,
        },
    };
    config::load(&sources, role).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

fn edge(text: &str) -> EdgeSettings {
    match load(text, Role::Edge) {
        Config::Edge(config) => config.edge,
        other => panic!("{other:?}"),
    }
}

fn shard(text: &str) -> config::ShardSettings {
    match load(text, Role::Shard) {
        Config::Shard(config) => config.shard,
        other => panic!("{other:?}"),
    }
}

/// Both tiers, as the broker understands them.
fn understood(
    name: &str,
    change: impl FnOnce(&mut MqttClusterSpec),
) -> (EdgeSettings, config::ShardSettings) {
    let mut wanted = cluster(name);
    change(&mut wanted.spec);
    let valid = validate(&wanted).unwrap();
    let (edges, shards) = (written::edge(&valid), written::shard(&valid));
    (edge(&edges.unwrap()), shard(&shards.unwrap()))
}

fn problems(name: &str, change: impl FnOnce(&mut MqttClusterSpec)) -> String {
    let mut wanted = cluster(name);
    change(&mut wanted.spec);
    validate(&wanted).map_or_else(|problems| problems.to_string(), |_| String::new())
}

#[test]
fn every_field_arrives() {
    let (edge, shard) = understood("full", |_| {});
    let [mqtts, web, plain] = &edge.listeners[..] else {
        panic!("three listeners")
    };
    assert_eq!(mqtts.max_client_id_bytes, 64);
    assert_eq!(mqtts.max_packet_bytes, 4_096);
    assert_eq!(mqtts.topic_alias_maximum, 4);
    assert_eq!(mqtts.publish_rate, NonZeroU32::new(20));
    assert_eq!(mqtts.subscribe_rate, NonZeroU32::new(10));
    assert_eq!(mqtts.connect_timeout, Duration::from_secs(5));
    assert_eq!(mqtts.unread_timeout, Duration::from_mins(1));
    assert_eq!(mqtts.max_keep_alive_seconds, Some(300));
    let limits = mqtts.limits;
    assert_eq!(limits.max_topic_bytes, NonZeroU16::new(256));
    assert_eq!(limits.max_topic_levels.map(u8::from), Some(16));
    assert_eq!(limits.max_subscriptions, NonZeroU32::new(100));
    assert_eq!(limits.max_queued_messages, NonZeroU32::new(200));
    assert_eq!(limits.max_queued_bytes, NonZeroU32::new(65_536));
    assert_eq!(limits.max_inflight, NonZeroU16::new(10));
    assert_eq!(limits.receive_maximum, NonZeroU16::new(32));

    // a listener goes back to no rate; what it does not name is the cluster's
    assert_eq!(web.publish_rate, None);
    assert_eq!(
        (web.max_packet_bytes, plain.max_packet_bytes),
        (65_536, 65_536)
    );
    assert_eq!(plain.publish_rate, NonZeroU32::new(100));
    for listener in [web, plain] {
        assert_eq!(listener.limits, herdgate::link::ListenerLimits::default());
    }
    let methods = [mqtts, web, plain].map(|listener| listener.authentication_methods.as_deref());
    let scram: &[_] = &[AuthenticationMethod::ScramSha256];
    assert_eq!(methods, [Some(scram), Some(&[][..]), None]);

    let wait = |first, longest| config::GrowingWait {
        first: Duration::from_millis(first),
        longest: Duration::from_secs(longest),
    };
    let authentication = edge.authentication;
    assert_eq!(authentication.wrong_password_wait, wait(2_000, 120));
    let flapping = config::Flapping {
        within: Duration::from_secs(5),
        free_ends: 3,
        wait: wait(250, 60),
    };
    assert_eq!(authentication.flapping, flapping);
    let http = authentication.http.expect("a backend");
    let url = "https://login.example.com:8443/mqtt";
    assert_eq!(Some(http.url), config::HttpUrl::parse(url));
    assert_eq!(http.timeout, Duration::from_secs(1));
    assert_eq!(http.concurrency.get(), 16);
    assert_eq!(http.ca_file, Some("/etc/herdgate/login/ca.crt".into()));
    assert_eq!(http.token_file, Some("/etc/herdgate/login/token".into()));

    assert_eq!(shard.system_interval, Duration::from_secs(30));
    assert_eq!(
        shard.limits.max_subscriptions,
        NonZeroU32::new(500).unwrap()
    );
    assert_eq!(shard.limits.max_session_expiry_seconds, 86_400);
    assert_eq!(shard.limits.max_kept_sessions, 50_000);
    assert_eq!(shard.limits.max_total_queued_bytes, 134_217_728);
}

#[test]
fn the_broker_takes_whatever_a_limit_may_be_and_nothing_else_is_let_through() {
    for limit in CLIENT_LIMITS {
        let (least, most) = (*limit.allowed.start(), *limit.allowed.end());
        for value in [least, most] {
            // of the cluster, and of a listener that does not go over it
            understood("minimal", |spec| {
                *(limit.of_all)(&mut spec.limits) = value;
            });
            understood("minimal", |spec| {
                *(limit.of_all)(&mut spec.limits) = most;
                let own = spec.listeners[0].limits.get_or_insert_default();
                *(limit.of_listener)(own) = Some(value);
            });
        }
        for value in [least.checked_sub(1), most.checked_add(1)]
            .into_iter()
            .flatten()
        {
            let told = problems("minimal", |spec| {
                *(limit.of_all)(&mut spec.limits) = value;
            });
            assert!(
                told.contains(&format!("`spec.limits.{}`", limit.field)),
                "{told}"
            );
            let told = problems("minimal", |spec| {
                let own = spec.listeners[0].limits.get_or_insert_default();
                *(limit.of_listener)(own) = Some(value);
            });
            assert!(
                told.contains(&format!("`spec.listeners[0].limits.{}`", limit.field)),
                "{told}"
            );
        }
    }
}

#[test]
fn a_listener_has_no_more_than_its_shards_and_as_much_at_the_edge_as_it_likes() {
    for limit in CLIENT_LIMITS {
        let told = problems("minimal", |spec| {
            let of_all = (limit.of_all)(&mut spec.limits);
            *of_all = (*of_all).max(1).min(*limit.allowed.end() - 1);
            let more = *of_all + 1;
            let own = spec.listeners[0].limits.get_or_insert_default();
            *(limit.of_listener)(own) = Some(more);
        });
        assert_eq!(
            told.contains("must not be more than `spec.limits."),
            limit.by == Enforcer::Shard,
            "{}: {told}",
            limit.field
        );
    }
}

#[test]
fn the_broker_takes_the_longest_and_the_shortest_of_waits_and_intervals() {
    for (first, longest, within, free, interval) in
        [(0, 0, 0, 0, 0), (60_000, 240, 60, 1_000, 86_400)]
    {
        let (edge, shard) = understood("minimal", |spec| {
            let authentication = &mut spec.authentication;
            authentication.wrong_password_wait.first_milliseconds = first;
            authentication.wrong_password_wait.longest_seconds = longest;
            let flapping = &mut authentication.flapping;
            flapping.first_milliseconds = first;
            flapping.longest_seconds = longest;
            flapping.within_seconds = within;
            flapping.free_ends = free;
            spec.shards.sys_interval_seconds = interval;
        });
        let wait = edge.authentication.wrong_password_wait;
        assert_eq!(wait.first.as_millis(), u128::from(first.unsigned_abs()));
        assert_eq!(edge.authentication.flapping.wait, wait);
        assert_eq!(
            shard.system_interval.as_secs(),
            u64::from(interval.unsigned_abs())
        );
    }
}

#[test]
fn the_broker_takes_every_backend_that_is_let_through() {
    let backend = |url: &str, timeout_milliseconds, concurrency| HttpBackend {
        url: url.to_owned(),
        timeout_milliseconds,
        concurrency,
        ca_secret_ref: None,
        token_secret_ref: None,
    };
    for (url, timeout, concurrency) in [
        ("http://login", 10, 1),
        ("http://login:1/a?b=c", 60_000, 4_096),
        ("http://10.0.0.1:65535?b", 10, 1),
        ("http://[::1]/", 10, 1),
        ("http://[::1]:80", 10, 1),
    ] {
        let (edge, _) = understood("minimal", |spec| {
            spec.authentication.http = Some(backend(url, timeout, concurrency));
        });
        let http = edge.authentication.http.expect("a backend");
        assert_eq!(Some(http.url), config::HttpUrl::parse(url), "{url}");
    }
    for (url, timeout, concurrency, field) in [
        ("http://login:65536/", 10, 1, "url"),
        ("http://login:0/", 10, 1, "url"),
        ("http://user@login/", 10, 1, "url"),
        ("http:///login", 10, 1, "url"),
        ("login", 10, 1, "url"),
        ("https://login/", 10, 1, "caSecretRef"),
        ("http://login/", 9, 1, "timeoutMilliseconds"),
        ("http://login/", 10, 4_097, "concurrency"),
    ] {
        let told = problems("minimal", |spec| {
            spec.authentication.http = Some(backend(url, timeout, concurrency));
        });
        let field = format!("`spec.authentication.http.{field}`");
        assert!(told.contains(&field), "{url}: {told}");
    }
}

#[test]
fn the_broker_takes_the_ends_of_what_a_shard_may_keep() {
    for (number, bytes) in [(0, 1_024), (100_000_000, i32::MAX)] {
        understood("minimal", |spec| {
            let limits = &mut spec.limits;
            limits.max_kept_sessions = number;
            limits.max_retained_messages = number;
            limits.max_session_expiry_seconds = if number == 0 { 0 } else { i32::MAX };
            limits.max_retained_bytes = bytes;
            limits.max_total_queued_bytes = bytes;
        });
    }
}

/// What is not written is as it is with the operator.
#[test]
fn defaults_are_those_of_the_broker() {
    let mut wanted = cluster("minimal");
    wanted.spec.listeners[0].protocol = Protocol::Mqtt;
    wanted.spec.listeners[0].tls = None;
    let valid = validate(&wanted).unwrap();
    let (edges, shards) = (
        written::edge(&valid).unwrap(),
        written::shard(&valid).unwrap(),
    );
    let bare = |text: &str, strip: fn(&mut Value)| {
        let mut value: Value = serde_saphyr::from_str(text).unwrap();
        strip(&mut value);
        serde_saphyr::to_string(&value).unwrap()
    };
    let bare_edges = bare(&edges, |file| {
        let listener = file["listeners"][0].as_object_mut().unwrap();
        listener.retain(|key, _| matches!(key.as_str(), "name" | "address" | "protocol"));
        let authentication = file["authentication"].as_object_mut().unwrap();
        assert!(authentication.remove("wrongPasswordWait").is_some());
        assert!(authentication.remove("flapping").is_some());
    });
    let bare_shards = bare(&shards, |file| {
        assert!(file.as_object_mut().unwrap().remove("limits").is_some());
        let shard = file["shard"].as_object_mut().unwrap();
        assert!(shard.remove("sysIntervalSeconds").is_some());
    });
    let shown = |edge: EdgeSettings, shard: config::ShardSettings| {
        format!(
            "{:#?}\n{:#?}\n{:#?}\n{:?}",
            edge.listeners, edge.authentication, shard.limits, shard.system_interval
        )
    };
    assert_eq!(
        shown(edge(&edges), shard(&shards)),
        shown(edge(&bare_edges), shard(&bare_shards))
    );
}

#[test]
fn each_mode_is_one_of_the_brokers() {
    use herdgate::config::Mode;
    for (wanted, understood_as) in [
        (AdmissionMode::Open, Mode::Open),
        (AdmissionMode::Staged, Mode::Staged),
        (AdmissionMode::Closed, Mode::Closed),
        (AdmissionMode::Manual, Mode::Manual),
        (AdmissionMode::DryRun, Mode::DryRun),
    ] {
        let (edge, shard) = understood("full", |spec| spec.admission.mode = wanted);
        assert_eq!(
            (edge.admission.mode, shard.mode),
            (understood_as, understood_as)
        );
    }
}

#[test]
fn the_longest_block_is_the_brokers() {
    let (edge, _) = understood("full", |spec| spec.admission.max_blocked_seconds = 60);
    assert_eq!(edge.admission.tuning.max_blocked, Duration::from_mins(1));
}

#[test]
fn each_slicing_is_one_of_the_brokers() {
    use herdgate::config::Slicing;
    let slicing = |wanted| {
        let (edge, _) = understood("minimal", |spec| spec.admission.slicing.type_ = wanted);
        edge.admission.slicing
    };
    assert!(matches!(
        slicing(SlicingType::PrefixHash),
        Slicing::PrefixHash(_)
    ));
    assert!(matches!(slicing(SlicingType::Ranges), Slicing::Ranges(_)));
    assert!(matches!(
        slicing(SlicingType::ClientIdHash),
        Slicing::ClientIdHash
    ));
}

#[test]
fn what_is_counted_and_when_is_the_brokers() {
    let (edge, shard) = understood("full", |_| {});
    let admission = &edge.admission;
    assert_eq!(admission.client_hold_budget, 100);
    assert_eq!(admission.crowded_address_clients.get(), 16);
    assert_eq!(
        admission.node_networks,
        ["198.51.100.128/25".parse().unwrap()]
    );
    assert_eq!(admission.count_every, Duration::from_secs(30));
    let wanted = (Duration::from_secs(30), Duration::from_mins(5));
    assert_eq!((shard.keeper.count_every, shard.keeper.quiet), wanted);
}

//! From YAML values to a checked scenario: every problem at once.

use std::collections::BTreeSet;
use std::time::Duration;

use herdgate::codec::Protocol;
use ipnet::IpNet;
use serde_json::Value;

use super::fields::{Fields, Problems};
use super::{
    BringUp, ProxyVersion, Range, Restart, Scenario, ScenarioError, Sources, Target, TlsTarget,
    beside, identity,
};
use crate::gateway::Habits;
use crate::name::Pattern;

/// More than the largest fleet this is planned for.
const MAX_GATEWAYS: u32 = 1_000_000;
const DAY: f64 = 86_400.0;

pub(super) fn scenario(
    mut value: Value,
    assignments: &[String],
) -> Result<Scenario, ScenarioError> {
    for assignment in assignments {
        assign(&mut value, assignment).map_err(|reason| ScenarioError::Set {
            assignment: assignment.clone(),
            reason,
        })?;
    }
    let mut problems = Problems::default();
    let scenario = read(&value, &mut problems);
    let problems = problems.into_lines();
    match scenario {
        Some(scenario) if problems.is_empty() => Ok(scenario),
        _ => Err(ScenarioError::Invalid { problems }),
    }
}

/// Sets `a.b[0].c=value` (or `a.b.0.c`); the value is YAML.
fn assign(root: &mut Value, assignment: &str) -> Result<(), String> {
    let (path, text) = assignment
        .split_once('=')
        .ok_or("it is not of the form path=value")?;
    let value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let path = path.replace('[', ".").replace(']', "");
    let mut at = root;
    for key in path.split('.') {
        if let Value::Array(items) = at {
            let length = items.len();
            let item = key
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get_mut(index));
            at = item.ok_or_else(|| format!("{key} is not an index of a list of {length}"))?;
        } else {
            if at.is_null() {
                *at = Value::Object(serde_json::Map::new());
            }
            let map = at
                .as_object_mut()
                .ok_or_else(|| format!("{key} is looked for in what is no mapping"))?;
            at = map.entry(key).or_insert(Value::Null);
        }
    }
    *at = value;
    Ok(())
}

fn read(value: &Value, problems: &mut Problems) -> Option<Scenario> {
    let mut fields = Fields::new(Some(value), "", problems);
    let name = fields
        .text("name", problems)
        .unwrap_or_else(|| "unnamed".into());
    let target = target(fields.get("target"), problems);
    let protocol = fields.choice(
        "protocol",
        &[("3.1.1", Protocol::V311), ("5", Protocol::V5)],
        Protocol::V311,
        problems,
    );
    let ranges = ranges(&mut fields, problems);
    let identity = identity::read(fields.get("identity"), problems);
    let (topic, topics, payload_bytes) = topics(fields.get("topics"), problems);
    let timing = fields.get("timing");
    let certificates = identity
        .as_ref()
        .map_or(0, |identity| identity.certificates.len());
    let mut habits = habits(timing, topics, certificates, problems);
    let telemetry = beside::telemetry(fields.get("telemetry"), &mut habits, problems);
    let probe = fields
        .get("probe")
        .and_then(|value| beside::probe(value, problems));
    let cloud = fields
        .get("cloud")
        .and_then(|value| beside::cloud(value, topics, problems));
    let expect = beside::expect(fields.get("expect"), problems);
    let bring_up = bring_up(fields.get("bringUp"), problems);
    let restart = fields.get("restart").map(|value| restart(value, problems));
    fields.finish(problems);
    let scenario = Scenario {
        name,
        target: target?,
        protocol,
        habits,
        ranges,
        identity: identity?,
        topic: topic?,
        payload_bytes,
        telemetry: telemetry?,
        bring_up,
        restart,
        probe,
        cloud,
        expect,
    };
    check_whole(&scenario, problems);
    Some(scenario)
}

/// What only the whole shows.
fn check_whole(scenario: &Scenario, problems: &mut Problems) {
    if scenario.gateways() > 1 && !scenario.identity.client_id.tells_gateways_apart() {
        problems.add(
            "identity.clientId",
            "needs {n}: gateways with one id throw each other out",
        );
    }
    if scenario.habits.topics > 1 && !scenario.topic.tells_topics_apart() {
        problems.add("topics.pattern", "needs {t}: there are several topics");
    }
    if !scenario.identity.certificates.is_empty() && scenario.target.tls.is_none() {
        problems.add("identity.certificates", "need target.protocol mqtts");
    }
    for (at, range) in scenario.ranges.iter().enumerate() {
        if scenario.target.proxy.is_some() && range.sources.is_none() {
            problems.add(
                format_args!("ranges[{at}].sources"),
                "is needed with target.proxyProtocol: a header tells an address",
            );
        }
        if range
            .flaps_after
            .is_some_and(|after| after > scenario.habits.topics)
        {
            problems.add(
                format_args!("ranges[{at}].flapsAfter"),
                "is more than topics.count, so that they would settle",
            );
        }
    }
    if scenario
        .ranges
        .iter()
        .all(|range| range.flaps_after.is_some())
    {
        problems.add("ranges", "all flap; at least one must settle");
    }
    if scenario.expect.needs_probe() && scenario.probe.is_none() {
        problems.add("expect", "probeP99... needs a probe");
    }
}

fn target(value: Option<&Value>, problems: &mut Problems) -> Option<Target> {
    let mut fields = Fields::new(value, "target", problems);
    let address = fields.required("address", problems);
    if let Some(address) = &address
        && address
            .rsplit_once(':')
            .is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err())
    {
        problems.add("target.address", format_args!("{address} is not host:port"));
    }
    let secure = fields.choice(
        "protocol",
        &[("mqtts", true), ("mqtt", false)],
        true,
        problems,
    );
    let proxy = fields.choice(
        "proxyProtocol",
        &[
            ("none", None),
            ("v1", Some(ProxyVersion::V1)),
            ("v2", Some(ProxyVersion::V2)),
        ],
        None,
        problems,
    );
    let admin = fields.text("admin", problems);
    let tls = if secure {
        let server_name = fields.required("serverName", problems);
        let ca_file = fields.required("caFile", problems);
        let resumption = fields.flag("resumption", false, problems);
        server_name
            .zip(ca_file)
            .map(|(server_name, ca_file)| TlsTarget {
                server_name,
                ca_file: ca_file.into(),
                resumption,
            })
    } else {
        for key in ["serverName", "caFile", "resumption"] {
            if fields.get(key).is_some() {
                problems.add(fields.path(key), "belongs to protocol mqtts");
            }
        }
        None
    };
    fields.finish(problems);
    (secure == tls.is_some()).then_some(Target {
        address: address?,
        tls,
        proxy,
        admin,
    })
}

fn ranges(fields: &mut Fields<'_>, problems: &mut Problems) -> Vec<Range> {
    let mut names = BTreeSet::new();
    let mut ranges = Vec::new();
    let mut total = 0_u64;
    for (path, value) in fields.list("ranges", problems) {
        let range = range(value, &path, problems);
        total += u64::from(range.gateways);
        if !names.insert(range.name.clone()) {
            problems.add(
                format_args!("{path}.name"),
                format_args!("{} is the name of another range", range.name),
            );
        }
        ranges.push(range);
    }
    if ranges.is_empty() {
        problems.add("ranges", "is empty; at least one range is needed");
    }
    if total > u64::from(MAX_GATEWAYS) {
        problems.add(
            "ranges",
            format_args!("{total} gateways in all; at most {MAX_GATEWAYS} are allowed"),
        );
    }
    ranges
}

fn range(value: &Value, path: &str, problems: &mut Problems) -> Range {
    let mut fields = Fields::new(Some(value), path, problems);
    let name = fields.required("name", problems).unwrap_or_default();
    let gateways = fields.number("gateways", 1..=MAX_GATEWAYS, 1, problems);
    let mut networks = Vec::new();
    for (path, value) in fields.list("sources", problems) {
        match value.as_str().map(str::parse::<IpNet>) {
            Some(Ok(network)) => networks.push(network.trunc()),
            _ => problems.add(
                path,
                format_args!("{value} is not a network such as 127.1.0.0/16"),
            ),
        }
    }
    let flaps_after = fields.get("flapsAfter").is_some();
    let after = fields.number("flapsAfter", 0..=10_000, 0, problems);
    fields.finish(problems);
    Range {
        name,
        gateways,
        sources: Sources::new(networks),
        flaps_after: flaps_after.then(|| u16::try_from(after).unwrap_or(u16::MAX)),
    }
}

fn topics(value: Option<&Value>, problems: &mut Problems) -> (Option<Pattern>, u16, usize) {
    let mut fields = Fields::new(value, "topics", problems);
    let count = fields.number("count", 1..=10_000, 40, problems);
    let topic = if fields.get("pattern").is_some() {
        identity::pattern(&mut fields, "pattern", problems)
    } else {
        Pattern::parse("gw/{n}/{t}").ok()
    };
    let payload = fields.number("payloadBytes", 0..=262_144, 64, problems);
    fields.finish(problems);
    (
        topic,
        u16::try_from(count).unwrap_or(u16::MAX),
        payload as usize,
    )
}

fn habits(
    value: Option<&Value>,
    topics: u16,
    certificates: usize,
    problems: &mut Problems,
) -> Habits {
    let mut fields = Fields::new(value, "timing", problems);
    let usual = Habits::default();
    let patience = fields.seconds("patienceSeconds", 0.1..=3600.0, usual.patience, problems);
    let step_timeout = fields.seconds(
        "stepTimeoutSeconds",
        0.1..=3600.0,
        usual.step_timeout,
        problems,
    );
    let retry = fields.seconds("retrySeconds", 0.01..=3600.0, usual.retry, problems);
    let retry_jitter = fields.seconds("retryJitterSeconds", 0.0..=3600.0, Duration::ZERO, problems);
    let keep_alive = fields.number("keepAliveSeconds", 0..=65_535, 30, problems);
    fields.finish(problems);
    Habits {
        retry_jitter,
        telemetry: None,
        patience,
        step_timeout,
        retry,
        keep_alive: (keep_alive > 0).then(|| Duration::from_secs(keep_alive.into())),
        certificates: u8::try_from(certificates).unwrap_or(u8::MAX),
        topics,
    }
}

fn bring_up(value: Option<&Value>, problems: &mut Problems) -> BringUp {
    let mut fields = Fields::new(value, "bringUp", problems);
    let concurrent = fields.number("concurrent", 1..=MAX_GATEWAYS, 64, problems);
    let timeout = fields.seconds(
        "timeoutSeconds",
        1.0..=DAY,
        Duration::from_mins(5),
        problems,
    );
    fields.finish(problems);
    BringUp {
        concurrent,
        timeout,
    }
}

fn restart(value: &Value, problems: &mut Problems) -> Restart {
    let mut fields = Fields::new(Some(value), "restart", problems);
    let mut command = Vec::new();
    for (path, word) in fields.list("command", problems) {
        match word.as_str() {
            Some(word) => command.push(word.to_owned()),
            None => problems.add(path, format_args!("{word} is not a text")),
        }
    }
    let cut = fields.flag("cut", false, problems);
    if cut && !command.is_empty() {
        problems.add("restart.cut", "and restart.command exclude each other");
    }
    let wait = fields.seconds("waitSeconds", 1.0..=DAY, Duration::from_mins(10), problems);
    let timeout = fields.seconds(
        "timeoutSeconds",
        1.0..=DAY,
        Duration::from_mins(10),
        problems,
    );
    let quiet = fields.seconds("quietSeconds", 0.0..=DAY, Duration::from_secs(3), problems);
    fields.finish(problems);
    Restart {
        command,
        cut,
        wait,
        timeout,
        quiet,
    }
}

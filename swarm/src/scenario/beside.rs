//! What a scenario says beside the fleet: telemetry, the probe, the backend, and what is expected.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use super::TelemetryMessage;
use super::fields::{Fields, Problems};
use crate::gateway::{Habits, Telemetry};
use crate::name::Pattern;
use crate::tally::Expectations;

/// Who a client beside the fleet says it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Who {
    pub(crate) client_id: String,
    pub(crate) user_name: Option<String>,
    pub(crate) password: Option<String>,
}

/// A client that publishes to itself.
#[derive(Debug, Clone)]
pub(crate) struct ProbePlan {
    pub(crate) who: Who,
    pub(crate) source: Option<IpAddr>,
    pub(crate) topic: String,
    /// Between two messages.
    pub(crate) every: Duration,
    /// Between the bring-up and the restart: for its idle figures.
    pub(crate) idle: Duration,
    /// Messages that it counts.
    pub(crate) telemetry_filter: Option<String>,
}

/// A backend that answers each gateway that comes back.
#[derive(Debug, Clone)]
pub(crate) struct CloudPlan {
    pub(crate) who: Who,
    pub(crate) source: Option<IpAddr>,
    /// Of the gateways' own messages.
    pub(crate) filter: String,
    /// For each of them.
    pub(crate) commands: u16,
    /// Commands go to the topics beside the own one, from this number on.
    pub(crate) first_topic: u16,
    /// How many there are.
    pub(crate) topics: u16,
    pub(crate) payload_bytes: usize,
}

pub(super) fn telemetry(
    value: Option<&Value>,
    habits: &mut Habits,
    problems: &mut Problems,
) -> Option<TelemetryMessage> {
    let mut fields = Fields::new(value, "telemetry", problems);
    let every = fields.seconds(
        "intervalSeconds",
        0.1..=86_400.0,
        Duration::from_secs(30),
        problems,
    );
    let acknowledged = fields.choice("qos", &[("0", false), ("1", true)], false, problems);
    let topic = fields
        .text("topic", problems)
        .unwrap_or_else(|| "gw/{n}/telemetry".into());
    let topic = Pattern::parse(&topic)
        .map_err(|error| problems.add("telemetry.topic", error))
        .ok();
    let payload_bytes = fields.number("payloadBytes", 0..=262_144, 64, problems) as usize;
    fields.finish(problems);
    habits.telemetry = value.is_some().then_some(Telemetry {
        every,
        acknowledged,
    });
    Some(TelemetryMessage {
        topic: topic?,
        payload_bytes,
    })
}

pub(super) fn probe(value: &Value, problems: &mut Problems) -> Option<ProbePlan> {
    let mut fields = Fields::new(Some(value), "probe", problems);
    let who = who(&mut fields, problems);
    let source = source(&mut fields, problems);
    let topic = fields
        .text("topic", problems)
        .unwrap_or_else(|| "probe".into());
    let every = fields.seconds(
        "intervalSeconds",
        0.001..=60.0,
        Duration::from_millis(20),
        problems,
    );
    let idle = fields.seconds(
        "idleSeconds",
        0.0..=3_600.0,
        Duration::from_secs(5),
        problems,
    );
    let telemetry_filter = fields.text("telemetryFilter", problems);
    fields.finish(problems);
    Some(ProbePlan {
        who: who?,
        source,
        topic,
        every,
        idle,
        telemetry_filter,
    })
}

pub(super) fn cloud(value: &Value, topics: u16, problems: &mut Problems) -> Option<CloudPlan> {
    let mut fields = Fields::new(Some(value), "cloud", problems);
    let who = who(&mut fields, problems);
    let source = source(&mut fields, problems);
    let filter = fields.required("filter", problems);
    let commands = fields.number("commands", 1..=1_000, 20, problems);
    let payload_bytes = fields.number("payloadBytes", 0..=262_144, 64, problems) as usize;
    fields.finish(problems);
    if topics < 2 {
        problems.add(
            "cloud",
            "needs topics.count of 2 or more: the first is the gateway's own",
        );
    }
    Some(CloudPlan {
        who: who?,
        source,
        filter: filter?,
        commands: u16::try_from(commands).unwrap_or(u16::MAX),
        first_topic: 1,
        topics: topics.checked_sub(1).filter(|rest| *rest > 0)?,
        payload_bytes,
    })
}

fn who(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Who> {
    let client_id = fields.required("clientId", problems);
    let user_name = fields.text("userName", problems);
    let password = fields.text("password", problems);
    if password.is_some() && user_name.is_none() {
        problems.add(fields.path("password"), "needs a userName");
    }
    Some(Who {
        client_id: client_id?,
        user_name,
        password,
    })
}

fn source(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<IpAddr> {
    let text = fields.text("source", problems)?;
    text.parse()
        .map_err(|_| {
            problems.add(
                fields.path("source"),
                format_args!("{text} is not an IP address"),
            );
        })
        .ok()
}

pub(super) fn expect(value: Option<&Value>, problems: &mut Problems) -> Expectations {
    let mut fields = Fields::new(value, "expect", problems);
    let mut most = |key| fields.amount(key, 0.0..=1e9, problems);
    let seconds = most("seconds");
    let wasted_handshakes_per_gateway = most("wastedHandshakesPerGateway");
    let probe_p99_over_idle = most("probeP99OverIdle");
    let probe_p99_milliseconds = most("probeP99Milliseconds");
    let drops = fields
        .get("drops")
        .is_some()
        .then(|| fields.number("drops", 0..=u32::MAX, 0, problems));
    fields.finish(problems);
    Expectations {
        seconds,
        wasted_handshakes_per_gateway,
        drops,
        probe_p99_over_idle,
        probe_p99_milliseconds,
    }
}

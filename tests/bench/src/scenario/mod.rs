//! What is done to a broker, and what of it is told.

mod connects;
mod fan_in;
mod fan_out;
pub(crate) mod idle;
mod latency;
mod scale;
mod storm;
mod window;

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::load::dial::Target;
use crate::outcome::Outcome;
use crate::subject::{Kind, Running, Subject};

pub(crate) use scale::Scale;

/// The slowest peer's slowest scenario takes a minute.
const PATIENCE: Duration = Duration::from_secs(150);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// Clients connect and send ten SUBSCRIBEs one by one.
    Storm,
    StormTls,
    /// A hundred publishers, one subscriber.
    FanIn0,
    FanIn1,
    FanIn2,
    /// One publisher, a thousand subscribers, one message at a time.
    FanOut,
    /// The same with eight messages on their way.
    FanOut8,
    Idle,
    IdleTls,
    /// TLS handshake, CONNECT, and away.
    Connects,
    /// A probe client beside a fan-in.
    Latency,
}

/// One column of the report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) digits: usize,
}

const fn figure(name: &'static str, digits: usize) -> Figure {
    Figure { name, digits }
}

impl Scenario {
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// The first is what peers are compared by.
    pub(crate) fn figures(self) -> &'static [Figure] {
        const STORM: &[Figure] = &[
            figure("CPU s", 2),
            figure("wall s", 2),
            figure("client p99 ms", 0),
            figure("load core", 2),
        ];
        const MESSAGES: &[Figure] = &[
            figure("CPU µs/message", 2),
            figure("messages/s", 0),
            figure("broker core", 2),
            figure("load core", 2),
        ];
        const IDLE: &[Figure] = &[figure("bytes/connection", 0)];
        const CONNECTS: &[Figure] = &[
            figure("CPU µs/connect", 0),
            figure("connects/core-second", 0),
            figure("load core", 2),
        ];
        const LATENCY: &[Figure] = &[
            figure("p99 ms under load", 2),
            figure("p50 ms under load", 2),
            figure("p99 ms idle", 2),
            figure("load core", 2),
        ];
        match self {
            Self::Storm | Self::StormTls => STORM,
            Self::FanIn0 | Self::FanIn1 | Self::FanIn2 | Self::FanOut | Self::FanOut8 => MESSAGES,
            Self::Idle | Self::IdleTls => IDLE,
            Self::Connects => CONNECTS,
            Self::Latency => LATENCY,
        }
    }

    pub(crate) fn needs_tls(self) -> bool {
        matches!(self, Self::StormTls | Self::IdleTls | Self::Connects)
    }

    /// All subjects at once: memory does not mind company, and waiting for each alone takes an hour.
    pub(crate) fn is_idle(self) -> bool {
        matches!(self, Self::Idle | Self::IdleTls)
    }

    /// haproxy is there for its TLS.
    pub(crate) fn suits(self, subject: &Subject) -> bool {
        match subject.kind {
            Kind::Haproxy => self.needs_tls(),
            Kind::Nats | Kind::Rumqttd | Kind::Rmqtt => !self.needs_tls(),
            Kind::Mosquitto | Kind::Herdgate { .. } => true,
        }
    }

    pub(crate) fn target(self, running: &Running) -> Target {
        let secured = running.tls.as_ref().filter(|_| self.needs_tls());
        secured.unwrap_or(&running.plain).clone()
    }

    /// All but the idle ones.
    pub(crate) async fn run(self, running: &Running, scale: &Scale) -> Outcome {
        let target = self.target(running);
        let pids = running.pids();
        let work = async {
            match self {
                Self::Storm => storm::run(&target, &pids, scale.storm_clients).await,
                Self::StormTls => storm::run(&target, &pids, scale.storm_tls_clients).await,
                Self::FanIn0 => fan_in::run(&target, &pids, 0, scale).await,
                Self::FanIn1 => fan_in::run(&target, &pids, 1, scale).await,
                Self::FanIn2 => fan_in::run(&target, &pids, 2, scale).await,
                Self::FanOut => fan_out::run(&target, &pids, 1, scale).await,
                Self::FanOut8 => fan_out::run(&target, &pids, 8, scale).await,
                Self::Connects => connects::run(&target, &pids, scale.connects).await,
                Self::Latency => latency::run(&target, &pids, scale).await,
                Self::Idle | Self::IdleTls => {
                    anyhow::bail!("failed to run alone: idle runs are together")
                }
            }
        };
        match timeout(PATIENCE, work).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::Failed(format!("{error:#}")),
            Err(_) => Outcome::Failed(format!("not done after {} s", PATIENCE.as_secs())),
        }
    }
}

//! What a shard tells of a reopening, and of clients.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use herdgate_admission::progress::{
    CensusPage, ClientState, Explanation, Phase, Progress, Steer, Steered,
};
use herdgate_admission::report::ShardReport;
use herdgate_admission::steering::NotSteered;
use tokio::sync::{mpsc, oneshot};

use super::control::{SteerMail, Told};
use super::core::Found;
use super::{Mail, Mailboxes};
use crate::admin::{Subject, Valve};
use crate::config::Mode;

/// A shard hears of level and counts; slices and addresses are the edges'.
#[derive(Clone, Debug)]
pub struct ShardValve {
    pub mode: Mode,
    pub latest: Arc<ArcSwapOption<ShardReport>>,
    pub workers: Mailboxes,
    pub census: Told,
    pub steers: mpsc::UnboundedSender<SteerMail>,
}

impl Valve for ShardValve {
    fn progress(&self, _per_slice: bool) -> Progress {
        let Some(report) = self.latest.load_full() else {
            return Progress::default();
        };
        let sum = |of: fn(&herdgate_admission::report::EdgeReport) -> u32| {
            report.edges.iter().map(|edge| u64::from(of(edge))).sum()
        };
        Progress {
            number: report.reopening.0,
            mode: self.mode.into(),
            phase: Phase::None,
            level: report.level,
            trigger: report.trigger,
            paused: report.steering.paused,
            settled: u64::from(report.connected.saturating_sub(report.settling)),
            entering: sum(|edge| edge.entering_limit.saturating_sub(edge.free_places)),
            settling: u64::from(report.settling),
            held: sum(|edge| edge.held),
            door: sum(|edge| edge.door),
            limiting_signal: report.signal.clone(),
            limiting_shard: report.signal.as_ref().map(|_| report.shard),
            ..Progress::default()
        }
    }

    fn census(&self, top: usize) -> CensusPage {
        self.census.load().page(top)
    }

    fn explain(&self, subject: Subject) -> BoxFuture<'static, Explanation> {
        let shard = self.latest.load().as_ref().map_or(0, |report| report.shard);
        let level = self.latest.load().as_ref().map_or(0, |report| report.level);
        let client = match subject {
            Subject::Client(client) => client,
            Subject::Address(address) => {
                let reason = "A shard knows no addresses: ask an edge.".to_owned();
                return ready(explanation(address.to_string(), level, reason)).boxed();
            }
        };
        let (answer, found) = oneshot::channel();
        let ask = Mail::Find {
            client: client.as_str().into(),
            answer,
        };
        self.workers.send(self.workers.owner_of(&client), ask);
        async move {
            let found = found.await.unwrap_or(Found::Unknown);
            let (state, reason) = describe(found, shard);
            Explanation {
                state,
                ..explanation(client, level, reason)
            }
        }
        .boxed()
    }

    fn steer(&self, steer: Steer) -> BoxFuture<'static, Result<Steered, NotSteered>> {
        let (answer, answered) = oneshot::channel();
        let mail = SteerMail {
            mode: self.mode.into(),
            steer,
            answer,
        };
        // fails only where control does not run any more
        let _ = self.steers.send(mail);
        async move {
            let answered = answered.await;
            answered.unwrap_or_else(|_| Err(NotSteered::ending(steer)))
        }
        .boxed()
    }
}

fn explanation(subject: String, level: u32, reason: String) -> Explanation {
    Explanation {
        subject,
        level,
        reason,
        ..Explanation::default()
    }
}

fn describe(found: Found, shard: u32) -> (ClientState, String) {
    match found {
        Found::Connected => (
            ClientState::Connected,
            format!("It is connected to shard {shard} and done coming back."),
        ),
        Found::Settling => (
            ClientState::Settling,
            format!(
                "It has its CONNACK from shard {shard}, and still subscribes or is sent what waited for it."
            ),
        ),
        Found::Waiting => (
            ClientState::Entering,
            format!(
                "It is logged in and waits in the attach queue of shard {shard} until fewer clients settle there."
            ),
        ),
        Found::Away => (
            ClientState::NotSeen,
            format!("It is not connected; shard {shard} keeps its session."),
        ),
        Found::Unknown => (
            ClientState::NotSeen,
            format!(
                "Shard {shard} has no session of it: it has not logged in yet, or is gone. Ask for its address to see whether it waits at the gate."
            ),
        ),
    }
}

//! A client that has come back and publishes to itself again and again: what settled clients feel of the herd.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use herdgate::codec::{Packet, Publish, QoS};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::peer::{Door, Peer};
use super::samples::Samples;
use super::{ProbeReport, Stage, other_stage, over};
use crate::scenario::ProbePlan;

/// Between two tries to get in.
const RETRY: Duration = Duration::from_millis(100);
/// The server has lost the message, or the connection.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// Runs until the fleet is gone.
pub(super) async fn run(
    door: Door,
    plan: ProbePlan,
    mut stages: watch::Receiver<Stage>,
) -> ProbeReport {
    let mut probe = Probe {
        stage: *stages.borrow(),
        ramp_began: None,
        idle: Samples::default(),
        ramp: Samples::default(),
        report: ProbeReport::default(),
    };
    let mut ending = stages.clone();
    tokio::select! {
        () = probe.live(&door, &plan, &mut stages) => {}
        () = over(&mut ending) => {}
    }
    ProbeReport {
        idle: probe.idle.latencies(),
        ramp: probe.ramp.latencies(),
        ..probe.report
    }
}

struct Probe {
    stage: Stage,
    ramp_began: Option<Instant>,
    idle: Samples,
    ramp: Samples,
    report: ProbeReport,
}

/// A message on its way.
struct Sent {
    number: u64,
    at: Instant,
    stage: Stage,
}

impl Probe {
    async fn live(&mut self, door: &Door, plan: &ProbePlan, stages: &mut watch::Receiver<Stage>) {
        let filters: Vec<String> = [&plan.topic]
            .into_iter()
            .chain(&plan.telemetry_filter)
            .cloned()
            .collect();
        let mut certificate = 0;
        loop {
            match Peer::open(door, &plan.who, plan.source, certificate, &filters).await {
                Ok(peer) => {
                    self.notice(*stages.borrow());
                    let returned_in = self.stage;
                    if returned_in == Stage::Ramp && self.report.seconds_to_return.is_none() {
                        self.report.seconds_to_return =
                            self.ramp_began.map(|began| began.elapsed().as_secs_f64());
                    }
                    let by_restart = returned_in != Stage::Ramp;
                    let error = self.talk(peer, plan, stages, by_restart).await;
                    tracing::debug!(%error, "the probe lost its connection");
                    self.report.drops += u32::from(!by_restart);
                }
                Err(error) => {
                    tracing::debug!(%error, "the probe does not get in");
                    certificate += 1;
                    sleep(RETRY).await;
                }
            }
        }
    }

    fn notice(&mut self, stage: Stage) {
        if stage == Stage::Ramp && self.stage != stage {
            self.ramp_began.get_or_insert_with(Instant::now);
        }
        self.stage = stage;
    }

    /// Until the connection is lost; what was on its way then is lost, too, unless the restart took it.
    async fn talk(
        &mut self,
        mut peer: Peer,
        plan: &ProbePlan,
        stages: &mut watch::Receiver<Stage>,
        by_restart: bool,
    ) -> anyhow::Error {
        // at fixed times, answered or not: a stall is felt by all that fall into it
        let mut tick = interval(plan.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut under_way: VecDeque<Sent> = VecDeque::new();
        let mut number = 0;
        let error = loop {
            let step = tokio::select! {
                _ = tick.tick() => Ok(None),
                stage = other_stage(stages, self.stage) => {
                    self.notice(stage);
                    continue;
                }
                packet = peer.next() => packet.map(Some),
            };
            match step {
                Ok(Some(packet)) => self.hear(&packet, plan, &mut under_way),
                Ok(None) => {
                    let oldest = under_way.front().map(|sent| sent.at.elapsed());
                    if oldest.is_some_and(|waited| waited > ANSWER_PATIENCE) {
                        break anyhow::anyhow!("no answer in time");
                    }
                    number += 1;
                    under_way.push_back(Sent {
                        number,
                        at: Instant::now(),
                        stage: self.stage,
                    });
                    let text = number.to_string();
                    let message = Publish {
                        qos: QoS::AtMostOnce,
                        ..Publish::new(plan.topic.as_str(), text.into_bytes())
                    };
                    if let Err(error) = peer.send(&Packet::Publish(message)).await {
                        break error;
                    }
                }
                Err(error) => break error,
            }
        };
        let lost = under_way.iter().filter(|sent| sent.stage == Stage::Ramp);
        if !by_restart {
            lost.for_each(|sent| self.ramp.lost(sent.at.elapsed()));
        }
        error
    }

    fn hear(&mut self, packet: &Packet, plan: &ProbePlan, under_way: &mut VecDeque<Sent>) {
        let Packet::Publish(message) = packet else {
            return;
        };
        if *message.topic != *plan.topic {
            let counts = matches!(self.stage, Stage::Ramp | Stage::Over);
            self.report.telemetry_received += u64::from(counts);
            return;
        }
        let number = std::str::from_utf8(&message.payload)
            .ok()
            .and_then(|text| text.parse::<u64>().ok());
        let Some(number) = number else { return };
        // at QoS 0 in order: those before it will not come
        while let Some(sent) = under_way.pop_front_if(|sent| sent.number <= number) {
            let samples = match sent.stage {
                Stage::Idle => &mut self.idle,
                Stage::Ramp => &mut self.ramp,
                Stage::BringUp | Stage::Over => continue,
            };
            if sent.number == number {
                samples.answered(sent.at.elapsed());
            } else {
                samples.lost(sent.at.elapsed());
            }
        }
    }
}

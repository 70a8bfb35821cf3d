//! The vendor's backend: it hears of each gateway that is back, and answers with commands.

use std::collections::VecDeque;
use std::time::Duration;

use herdgate::codec::{Packet, PacketId, Publish, QoS};
use tokio::sync::watch;
use tokio::time::sleep;

use super::peer::{Door, Peer};
use super::{CloudReport, Stage, over};
use crate::scenario::CloudPlan;

/// Between two tries to get in.
const RETRY: Duration = Duration::from_millis(500);
/// Commands without a PUBACK; servers allow a few hundred.
const WINDOW: usize = 100;

/// Runs until the fleet is gone.
pub(super) async fn run(
    door: Door,
    plan: CloudPlan,
    stages: watch::Receiver<Stage>,
) -> CloudReport {
    let mut cloud = Cloud {
        stages: stages.clone(),
        report: CloudReport::default(),
    };
    let mut ending = stages;
    tokio::select! {
        () = cloud.live(&door, &plan) => {}
        () = over(&mut ending) => {}
    }
    cloud.report
}

struct Cloud {
    stages: watch::Receiver<Stage>,
    report: CloudReport,
}

/// Commands to be sent, at most those of every gateway once and again: a gateway answers for none of them twice.
#[derive(Debug, Default)]
struct Commands {
    /// Topic without its last level, and how many are left.
    waiting: VecDeque<(String, u16)>,
    under_way: usize,
    packet_id: u16,
}

impl Commands {
    /// The next command that the window has room for.
    fn next(&mut self, plan: &CloudPlan) -> Option<Publish> {
        if self.under_way >= WINDOW {
            return None;
        }
        let (prefix, left) = self.waiting.front_mut()?;
        let topic = format!("{prefix}/{}", plan.first_topic + *left % plan.topics);
        *left -= 1;
        if *left == 0 {
            self.waiting.pop_front();
        }
        self.under_way += 1;
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        Some(Publish {
            qos: QoS::AtLeastOnce,
            packet_id: PacketId::new(self.packet_id),
            ..Publish::new(topic, vec![b'c'; plan.payload_bytes])
        })
    }
}

impl Cloud {
    /// Whether the restart has been.
    fn counts(&self) -> bool {
        matches!(*self.stages.borrow(), Stage::Ramp | Stage::Over)
    }

    async fn live(&mut self, door: &Door, plan: &CloudPlan) {
        let filters = [plan.filter.clone()];
        let mut certificate = 0;
        loop {
            match Peer::open(door, &plan.who, plan.source, certificate, &filters).await {
                Ok(peer) => {
                    let counted = self.counts();
                    let error = self.serve(peer, plan).await;
                    tracing::debug!(%error, "the backend lost its connection");
                    self.report.drops += u32::from(counted);
                }
                Err(error) => {
                    tracing::debug!(%error, "the backend does not get in");
                    certificate += 1;
                    sleep(RETRY).await;
                }
            }
        }
    }

    async fn serve(&mut self, mut peer: Peer, plan: &CloudPlan) -> anyhow::Error {
        let mut commands = Commands::default();
        loop {
            while let Some(command) = commands.next(plan) {
                if let Err(error) = peer.send(&Packet::Publish(command)).await {
                    return error;
                }
                self.report.commands_sent += u64::from(self.counts());
            }
            match peer.next().await {
                Ok(Packet::Publish(message)) => {
                    self.report.reconnects_seen += u64::from(self.counts());
                    if let Some((prefix, _)) = message.topic.rsplit_once('/') {
                        let waiting = (prefix.to_owned(), plan.commands);
                        commands.waiting.push_back(waiting);
                    }
                }
                Ok(Packet::PubAck(_)) => {
                    commands.under_way = commands.under_way.saturating_sub(1);
                    self.report.commands_acknowledged += u64::from(self.counts());
                }
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Who;

    #[test]
    fn commands_go_to_every_topic_but_the_first_and_wait_for_room() {
        let plan = CloudPlan {
            who: Who::default(),
            source: None,
            filter: "gw/+/0".into(),
            commands: 120,
            first_topic: 1,
            topics: 3,
            payload_bytes: 4,
        };
        let mut commands = Commands::default();
        commands.waiting.push_back(("gw/7".into(), plan.commands));
        let mut topics: Vec<String> = std::iter::from_fn(|| commands.next(&plan))
            .map(|command| command.topic.to_string())
            .collect();
        assert_eq!(topics.len(), WINDOW);
        topics.sort_unstable();
        topics.dedup();
        assert_eq!(topics, ["gw/7/1", "gw/7/2", "gw/7/3"]);
        commands.under_way = 0;
        assert_eq!(std::iter::from_fn(|| commands.next(&plan)).count(), 20);
    }
}

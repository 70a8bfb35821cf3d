//! What a worker tells control and shards, again and again.

use std::rc::Rc;
use std::sync::Arc;

use herdgate_admission::census::Census;
use herdgate_admission::edge::REPORT_EVERY;
use herdgate_admission::slicing::Slicing;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{MissedTickBehavior, interval};

use super::Worker;
use crate::edge::control::{ControlMail, WorkerNews};
use crate::edge::counting::Censuses;
use crate::link::ToShard;

impl Worker {
    /// Tells control how this worker is, again and again.
    pub(super) async fn tell(self: Rc<Self>, control: UnboundedSender<ControlMail>) {
        let mut ticks = interval(REPORT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if control.send(ControlMail::Worker(self.news())).is_err() {
                return;
            }
        }
    }

    /// Tells all shards what control has summed up. Runs as long as the worker.
    pub(super) async fn tell_census(self: Rc<Self>, mut census: Censuses) {
        while census.changed().await.is_ok() {
            if let Some(report) = &*census.borrow_and_update() {
                self.links
                    .push_to_all(|| ToShard::Census(Arc::clone(report)));
            }
        }
    }

    /// When it is time.
    fn census(&self) -> Option<Census> {
        let now = self.clock.now();
        let settings = &self.shared.settings.admission;
        if now.saturating_sub(self.counted_at.get()) < settings.count_every {
            return None;
        }
        self.counted_at.set(now);
        let lengths = Slicing::from(&settings.slicing).prefix();
        let tally = self.tally.borrow();
        Some(tally.census(lengths, &self.shared.node_networks))
    }

    fn news(&self) -> Box<WorkerNews> {
        let (door, held) = self.gate.waiting();
        self.traffic.tell(&self.shared.metrics.edge);
        let oldest_entering = self.entering.oldest();
        Box::new(WorkerNews {
            worker: self.index,
            door,
            held,
            oldest_entering,
            lowest_held: self.gate.lowest_held(),
            waits: self.entering.take_waits(self.clock.now()),
            refused: self.refused.take(),
            came: self.entering.take_came(),
            given_up: self.gate.take_given_up(),
            census: self.census(),
        })
    }
}

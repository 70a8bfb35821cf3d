//! One shard worker as a state machine: it owns the sessions of its client partitions and the topics of its topic
//! partitions. The shell around it moves frames: from links and other workers in, to links and other workers out.

mod attach;
mod attach_queue;
mod closing;
mod group_members;
mod group_routes;
mod input;
mod kept;
mod limit_sets;
mod links;
mod peer;
mod publish;
mod receive;
mod replay;
mod sessions;
mod settings;
mod settling;
mod shared;
mod stats;
mod subscribe;
mod whereabouts;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use herdgate_admission::health::Window;

use crate::link::{ToEdge, ToShard};
use crate::routing::subscribers::{SessionIndex, SubscriptionOptions};
use crate::routing::{Retained, RetainedLimits, Subscriptions, Trie};
use crate::session::Delivered;
use attach_queue::AttachQueue;
use group_members::GroupMembers;
use group_routes::GroupRoutes;
use kept::Kept;
use limit_sets::LimitSets;
use links::Links;
use publish::Publishing;
use replay::{Replaying, Serving};
use sessions::Sessions;
use settling::SettleClock;
use subscribe::Subscribing;

pub use crate::routing::partition::{Layout, Partition, partition_of};
pub use input::{Input, LinkId, Outbox, WorkerIndex};
pub use peer::PeerMessage;
pub use settings::{CoreSettings, SessionLimits};
pub use stats::{Drops, WorkerStats};
pub use whereabouts::Found;

/// See the module. `now` is the time since the process started, the same clock for every call.
#[derive(Debug)]
pub struct WorkerCore {
    index: WorkerIndex,
    settings: CoreSettings,
    limit_sets: LimitSets,
    sessions: Sessions,
    links: Links,
    queue: AttachQueue,
    settle: SettleClock,
    kept: Kept,
    /// This worker's share of the bytes that may wait for clients.
    max_queued_bytes: usize,
    /// Filters of this worker's sessions.
    local: Subscriptions,
    /// Filters that other workers have subscribers for, of the topics that this worker owns.
    routes: Trie<Vec<WorkerIndex>>,
    /// Groups that workers have members of, this one among them, of the topics that this worker owns.
    group_routes: GroupRoutes,
    /// Members among this worker's sessions.
    group_members: GroupMembers,
    retained: Retained,
    publishing: Publishing,
    subscribing: HashMap<u64, Subscribing>,
    next_subscribe: u64,
    replaying: Replaying,
    serving: Serving,
    /// Sessions with something to send or give back at the end of the batch.
    dirty: Vec<SessionIndex>,
    /// Kept between messages for its memory.
    matches: Vec<(SessionIndex, SubscriptionOptions)>,
    window: Window,
    stats: WorkerStats,
    /// Nobody is let in any more.
    ending: bool,
}

impl WorkerCore {
    /// Worker `index` of `settings.workers`.
    pub fn new(index: WorkerIndex, settings: CoreSettings) -> Self {
        let workers = usize::from(settings.workers.max(1));
        Self {
            index,
            limit_sets: LimitSets::new(settings.session.clone()),
            sessions: Sessions::default(),
            links: Links::default(),
            queue: AttachQueue::default(),
            settle: SettleClock::new(&settings, index),
            kept: Kept::new(settings.max_kept_sessions.div_ceil(workers)),
            max_queued_bytes: settings.max_queued_bytes.div_ceil(workers),
            local: Subscriptions::default(),
            routes: Trie::default(),
            group_routes: GroupRoutes::default(),
            group_members: GroupMembers::default(),
            retained: Retained::new(RetainedLimits {
                messages: settings.max_retained_messages.div_ceil(workers),
                bytes: settings.max_retained_bytes.div_ceil(workers),
            }),
            publishing: Publishing::default(),
            subscribing: HashMap::new(),
            next_subscribe: 0,
            replaying: Replaying::default(),
            serving: Serving::default(),
            dirty: Vec::new(),
            matches: Vec::new(),
            window: Window::default(),
            stats: WorkerStats::default(),
            ending: false,
            settings,
        }
    }

    /// Takes one input; what follows from it is appended to `out`, except packets to clients and windows, which wait
    /// for `flush` so that several become one frame.
    pub fn handle(&mut self, now: Duration, input: Input, out: &mut Outbox) {
        match input {
            Input::Link {
                link,
                frame,
                waited,
            } => self.frame(now, link, frame, waited, out),
            Input::LinkLost(link) => self.link_lost(now, link, out),
            Input::Peer(from, message) => self.peer(now, from, message, out),
            Input::Tick => {
                self.settle(now, out);
                self.expire(now, out);
            }
            Input::System(message) => self.publish(now, *message, None, out),
            Input::Shutdown { clients } => self.shut_down(now, clients, out),
        }
        self.let_in_waiting(now, out);
    }

    fn frame(
        &mut self,
        now: Duration,
        link: LinkId,
        frame: ToShard,
        waited: Duration,
        out: &mut Outbox,
    ) {
        match frame {
            ToShard::Attach { stream, attach } => self.attach(now, (link, stream), attach, out),
            ToShard::Data { stream, packets } => {
                self.data(now, (link, stream), packets, waited, out);
            }
            ToShard::Window { stream, bytes } => self.window(link, stream, bytes),
            ToShard::Cancel { stream } => self.cancel(now, link, stream, out),
            ToShard::Detach { stream, .. } => self.detach(now, link, stream, out),
            ToShard::Health(_) | ToShard::Census(_) => {}
        }
    }

    /// After a batch of inputs, and before `out` is sent.
    pub fn flush(&mut self, now: Duration, out: &mut Outbox) {
        self.end_turn_of_replays(now, out);
        for index in std::mem::take(&mut self.dirty) {
            let Some(seat) = self.sessions.at_mut(index) else {
                continue;
            };
            seat.dirty = false;
            let Some((link, stream)) = seat.stream() else {
                continue;
            };
            let before = seat.session.outbound.waiting();
            let delivered = seat.session.outbound.pump(now);
            let after = seat.session.outbound.waiting();
            if let Some(packets) = seat.session.outbound.take() {
                self.stats.bytes_out_total += packets.len() as u64;
                out.to_links.push((link, ToEdge::Data { stream, packets }));
            }
            let has_replays = seat.replays.is_some();
            let bytes = if seat.replays.as_ref().is_some_and(|it| it.are_many()) {
                0
            } else {
                seat.session.take_window()
            };
            if bytes > 0 {
                out.to_links.push((link, ToEdge::Window { stream, bytes }));
            }
            self.stats.waits(before, after);
            self.count(delivered);
            if has_replays && let Some(key) = self.sessions.key_at(index) {
                self.go_on_replaying(key, out);
            }
        }
    }

    /// When `Input::Tick` is wanted next, if nothing else comes.
    pub fn next_deadline(&self) -> Option<Duration> {
        let at_once = self.serving.is_running().then_some(Duration::ZERO);
        let next = [at_once, self.settle.next_look(), self.kept.next()];
        next.into_iter().flatten().min()
    }

    /// What this worker saw of the shard's health since the last call, once a window; the shell adds its own lag and merges
    /// workers. The settle limit follows it.
    pub fn take_window(&mut self, now: Duration) -> Window {
        let mut window = std::mem::take(&mut self.window);
        let oldest = self
            .subscribing
            .values()
            .map(|pending| now.saturating_sub(pending.since))
            .max();
        window.suback.oldest = oldest;
        self.settle.adjust(&window.suback);
        window
    }

    /// Counts since the start and levels of now; cheap enough for a metrics scrape and the 4 Hz report.
    pub fn stats(&self) -> WorkerStats {
        WorkerStats {
            connected: saturating_u32(self.sessions.len() - self.kept.len()),
            kept: self.kept.len() as u64,
            settling: self.settle.settling(),
            settle_limit: self.settle.limit(),
            attaching: saturating_u32(self.queue.len()),
            retained: self.retained.len() as u64,
            replays: saturating_u32(self.serving.len()),
            ..self.stats
        }
    }

    /// Other workers had no room for so many messages of this one.
    pub fn peers_were_busy(&mut self, dropped: usize) {
        self.stats.dropped.worker_busy += dropped as u64;
    }

    /// The session has something for the end of the batch.
    fn touch(&mut self, index: SessionIndex) {
        if let Some(seat) = self.sessions.at_mut(index)
            && seat.stream().is_some()
            && !std::mem::replace(&mut seat.dirty, true)
        {
            self.dirty.push(index);
        }
    }

    /// Bytes that may be added to what waits for clients.
    fn room(&self) -> usize {
        let queued = usize::try_from(self.stats.queued_bytes).unwrap_or(usize::MAX);
        self.max_queued_bytes.saturating_sub(queued)
    }

    fn count(&mut self, delivered: Delivered) {
        let drops = &mut self.stats.dropped;
        drops.queue_full_qos0 += delivered.queue_full_qos0;
        drops.queue_full_qos1 += delivered.queue_full_qos1;
        drops.too_large += delivered.too_large;
        drops.expired += delivered.expired;
        drops.offline += delivered.offline;
        self.stats.messages_out_total += delivered.sent;
        self.stats.over_inflight_total += delivered.over_inflight;
    }
}

fn saturating_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

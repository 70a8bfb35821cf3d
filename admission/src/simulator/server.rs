//! The model's server: one core and three queues.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::Try;
use crate::places::Place;
use crate::settle::{Settling, SubscribeGaps};

/// Logins run at the lowest priority: whatever else there is to do waits no longer than this for them.
const LOGIN_TURN: Duration = Duration::from_millis(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    Handshake,
    Login,
    Subscribe,
}

#[derive(Debug)]
struct Job {
    attempt: Try,
    work: Work,
    queued: Duration,
    left: Duration,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) entered: Duration,
    /// Held until CONNACK.
    pub(super) place: Option<Place>,
    settling: Option<Settling>,
}

pub(super) struct Server {
    patience: Duration,
    pub(super) connections: HashMap<Try, Connection>,
    pub(super) attaching: VecDeque<Try>,
    pub(super) settling: u32,
    gaps: SubscribeGaps,
    subscribes: VecDeque<Job>,
    handshakes: VecDeque<Job>,
    logins: VecDeque<Job>,
    running: Option<(Job, Duration)>,
}

impl Connection {
    pub(super) fn new(place: Place, now: Duration) -> Self {
        Self {
            entered: now,
            place: Some(place),
            settling: None,
        }
    }

    /// CONNACK is sent: the place is free again. Returns the time to CONNACK.
    pub(super) fn attach(&mut self, now: Duration) -> Duration {
        self.place = None;
        self.settling = Some(Settling::begin(now));
        now.saturating_sub(self.entered)
    }
}

impl Server {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            connections: HashMap::new(),
            attaching: VecDeque::new(),
            settling: 0,
            gaps: SubscribeGaps::default(),
            subscribes: VecDeque::new(),
            handshakes: VecDeque::new(),
            logins: VecDeque::new(),
            running: None,
        }
    }

    pub(super) fn queue(&mut self, attempt: Try, work: Work, cost: Duration, now: Duration) {
        let queue = match work {
            Work::Handshake => &mut self.handshakes,
            Work::Login => &mut self.logins,
            Work::Subscribe => &mut self.subscribes,
        };
        queue.push_back(Job {
            attempt,
            work,
            queued: now,
            left: cost,
        });
    }

    /// How long the core is busy now; `None`: it is already, or there is nothing to do.
    pub(super) fn start_turn(&mut self, now: Duration) -> Option<Duration> {
        if self.running.is_some() {
            return None;
        }
        let job = self.next_job(now)?;
        let turn = if job.work == Work::Login {
            job.left.min(LOGIN_TURN)
        } else {
            job.left
        };
        self.running = Some((job, turn));
        Some(turn)
    }

    /// What is done, unless it needs another turn.
    pub(super) fn end_turn(&mut self) -> Option<(Try, Work)> {
        let (mut job, turn) = self.running.take()?;
        job.left -= turn;
        let gone = !self.connections.contains_key(&job.attempt);
        if job.left > Duration::ZERO {
            self.logins.push_front(job);
            return None;
        }
        (!gone).then_some((job.attempt, job.work))
    }

    /// SUBSCRIBEs first, logins last; whoever has gone is not served.
    fn next_job(&mut self, now: Duration) -> Option<Job> {
        loop {
            let job = self
                .subscribes
                .pop_front()
                .or_else(|| self.handshakes.pop_front())
                .or_else(|| self.next_login(now))?;
            if self.connections.contains_key(&job.attempt) {
                return Some(job);
            }
        }
    }

    /// First in, first out, until the oldest has waited for half a patience.
    fn next_login(&mut self, now: Duration) -> Option<Job> {
        let late = self
            .logins
            .front()
            .is_some_and(|oldest| now.saturating_sub(oldest.queued) > self.patience / 2);
        if late {
            self.logins.pop_back()
        } else {
            self.logins.pop_front()
        }
    }

    pub(super) fn subscribed(&mut self, attempt: Try, now: Duration) {
        let connection = self.connections.get_mut(&attempt);
        if let Some(settling) = connection.and_then(|connection| connection.settling.as_mut()) {
            settling.subscribe(&mut self.gaps, now);
        }
    }

    pub(super) fn quiet(&self) -> Duration {
        self.gaps.quiet()
    }

    /// When to look again; `None`: settled or gone.
    pub(super) fn settle(&mut self, attempt: Try, now: Duration) -> Option<Duration> {
        let quiet = self.quiet();
        let settling = &mut self.connections.get_mut(&attempt)?.settling;
        if !settling.as_ref()?.is_settled(true, quiet, now) {
            return Some(settling.as_ref()?.next_look(quiet, now).saturating_sub(now));
        }
        *settling = None;
        self.settling -= 1;
        None
    }

    pub(super) fn forget_settling(&mut self, connection: &Connection) {
        self.settling -= u32::from(connection.settling.is_some());
    }
}

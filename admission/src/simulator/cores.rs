//! Cores that work: four queues, the most urgent first.

use std::collections::VecDeque;

use super::client::Try;
use super::moment::Moment;

/// Logins run at the lowest priority: whatever else there is to do waits no longer than this for them.
const LOGIN_TURN: Moment = 1_000_000;
/// What the kernel gives a process of nice 0, and a login thread, which has nice 10.
const WEIGHT: u64 = 1_024;
const LOGIN_WEIGHT: u64 = 110;
const CLASSES: usize = 4;

/// In the order of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// Of a client that is back, and the samples that health is judged by.
    Settled,
    Subscribe,
    Session,
    Handshake,
    Login,
}

impl Work {
    fn class(self) -> usize {
        match self {
            Self::Settled => 0,
            Self::Subscribe => 1,
            Self::Session | Self::Handshake => 2,
            Self::Login => 3,
        }
    }
}

/// Whom a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    Client(Try),
    /// A sample of this shard's health.
    Probe(u16),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) whom: For,
    pub(super) work: Work,
    pub(super) queued: Moment,
    left: Moment,
}

/// The cores of one process, or of one machine.
pub(super) struct Cores {
    free: u16,
    priorities: bool,
    /// All work takes so many percent of its time.
    pub(super) slow_percent: u32,
    /// So many other processes want the cores.
    pub(super) hogs: u16,
    pub(super) stalled: bool,
    queues: [VecDeque<Job>; CLASSES],
    running: Vec<Option<(Job, Moment)>>,
    /// Turns that ended while nothing ran.
    pub(super) late: Vec<u16>,
    /// A login that has waited for longer is not served before newer ones.
    pub(super) half_patience: Moment,
}

impl Cores {
    pub(super) fn new(cores: u16, priorities: bool, half_patience: Moment) -> Self {
        Self {
            free: cores,
            priorities,
            slow_percent: 100,
            hogs: 0,
            stalled: false,
            queues: Default::default(),
            running: vec![None; usize::from(cores)],
            late: Vec::new(),
            half_patience,
        }
    }

    pub(super) fn queue(&mut self, whom: For, work: Work, cost: Moment, now: Moment) {
        let class = if self.priorities { work.class() } else { 0 };
        let job = Job {
            whom,
            work,
            queued: now,
            left: cost,
        };
        self.queues[class].push_back(job);
    }

    /// The core that starts a turn and how long it takes; `None`: all are busy, or there is nothing to do. Whoever is
    /// gone is not served.
    pub(super) fn start(
        &mut self,
        now: Moment,
        is_there: impl Fn(For) -> bool,
    ) -> Option<(u16, Moment, Job)> {
        if self.free == 0 || self.stalled {
            return None;
        }
        let job = self.next(now, is_there)?;
        let core = self.running.iter().position(Option::is_none)?;
        let done = if job.work == Work::Login && self.priorities {
            job.left.min(LOGIN_TURN)
        } else {
            job.left
        };
        self.free -= 1;
        self.running[core] = Some((job, done));
        Some((u16::try_from(core).ok()?, self.takes(job.work, done), job))
    }

    /// What is done, unless it needs another turn.
    pub(super) fn end(&mut self, core: u16) -> Option<Job> {
        if self.stalled {
            self.late.push(core);
            return None;
        }
        let (mut job, done) = self.running.get_mut(usize::from(core))?.take()?;
        self.free += 1;
        job.left -= done;
        if job.left > 0 {
            self.queues[job.work.class()].push_front(job);
            return None;
        }
        Some(job)
    }

    /// How long the most urgent of this kind has waited.
    pub(super) fn oldest(&self, work: Work, now: Moment) -> Moment {
        let class = if self.priorities { work.class() } else { 0 };
        self.queues[class].front().map_or(0, |job| now - job.queued)
    }

    fn next(&mut self, now: Moment, is_there: impl Fn(For) -> bool) -> Option<Job> {
        loop {
            let class = self.queues.iter().position(|queue| !queue.is_empty())?;
            // First in, first out, until the oldest login has waited for half a patience.
            let newest_first =
                class == Work::Login.class() && self.oldest(Work::Login, now) > self.half_patience;
            let queue = &mut self.queues[class];
            let job = if newest_first {
                queue.pop_back()
            } else {
                queue.pop_front()
            };
            if let Some(job) = job.filter(|job| is_there(job.whom)) {
                return Some(job);
            }
        }
    }

    /// A hog of nice 0 takes as much as a worker gets, and ten times what the login pool gets.
    fn takes(&self, work: Work, done: Moment) -> Moment {
        let slowed = done * u64::from(self.slow_percent) / 100;
        let weight = if work == Work::Login && self.priorities {
            LOGIN_WEIGHT
        } else {
            WEIGHT
        };
        slowed + slowed * u64::from(self.hogs) * WEIGHT / weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Moment = 1_000_000;

    fn cores(count: u16) -> Cores {
        Cores::new(count, true, 2_500 * MS)
    }

    fn add(cores: &mut Cores, client: u32, work: Work, cost: Moment, now: Moment) {
        cores.queue(For::Client(Try { client, number: 1 }), work, cost, now);
    }

    fn client(job: Job) -> u32 {
        match job.whom {
            For::Client(attempt) => attempt.client,
            For::Probe(_) => u32::MAX,
        }
    }

    /// Who is served, in order, by one core at one time.
    fn order(cores: &mut Cores, now: Moment) -> Vec<u32> {
        let mut served = Vec::new();
        while let Some((core, _, _)) = cores.start(now, |_| true) {
            served.extend(cores.end(core).map(client));
        }
        served
    }

    #[test]
    fn urgent_work_comes_first_and_a_login_takes_turns() {
        let mut cores = cores(1);
        add(&mut cores, 1, Work::Login, 3 * MS, 0);
        add(&mut cores, 2, Work::Handshake, MS, 0);
        add(&mut cores, 3, Work::Subscribe, MS, 0);
        add(&mut cores, 4, Work::Settled, MS, 0);
        assert_eq!(order(&mut cores, 0), [4, 3, 2, 1]);
        add(&mut cores, 1, Work::Login, 3 * MS, 0);
        let (core, takes, _) = cores.start(0, |_| true).unwrap();
        assert_eq!(takes, MS);
        add(&mut cores, 2, Work::Subscribe, MS, 0);
        assert!(cores.end(core).is_none());
        assert_eq!(order(&mut cores, 0), [2, 1]);
    }

    #[test]
    fn late_logins_are_served_newest_first() {
        for (now, expected) in [(2_500 * MS, [1, 2]), (2_501 * MS, [2, 1])] {
            let mut cores = cores(1);
            add(&mut cores, 1, Work::Login, MS, 0);
            add(&mut cores, 2, Work::Login, MS, now);
            assert_eq!(order(&mut cores, now), expected);
        }
    }

    #[test]
    fn whoever_is_gone_is_not_served_and_cores_work_side_by_side() {
        let mut cores = cores(2);
        for number in 0..4 {
            add(&mut cores, number, Work::Handshake, MS, 0);
        }
        let there = |whom| !matches!(whom, For::Client(Try { client: 0, .. }));
        assert_eq!(
            cores
                .start(0, there)
                .map(|(core, _, job)| (core, client(job))),
            Some((0, 1))
        );
        assert_eq!(
            cores
                .start(0, there)
                .map(|(core, _, job)| (core, client(job))),
            Some((1, 2))
        );
        assert!(cores.start(0, there).is_none());
    }

    #[test]
    fn a_hog_halves_a_worker_and_starves_the_logins() {
        let mut cores = cores(1);
        cores.hogs = 1;
        assert_eq!(cores.takes(Work::Subscribe, MS), 2 * MS);
        assert_eq!(cores.takes(Work::Login, MS) / 100_000, 103);
        cores.slow_percent = 300;
        assert_eq!(cores.takes(Work::Subscribe, MS), 6 * MS);
    }

    #[test]
    fn a_stall_ends_nothing() {
        let mut cores = cores(1);
        add(&mut cores, 1, Work::Handshake, MS, 0);
        let (core, _, _) = cores.start(0, |_| true).unwrap();
        cores.stalled = true;
        assert!(cores.end(core).is_none() && cores.start(0, |_| true).is_none());
        cores.stalled = false;
        assert_eq!(std::mem::take(&mut cores.late), [core]);
        assert_eq!(cores.end(core).map(client), Some(1));
    }
}

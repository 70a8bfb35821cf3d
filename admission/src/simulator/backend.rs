//! The authentication backend: who asks it, who waits for that, and how each edge finds it.

use std::collections::VecDeque;

use super::client::{Try, WayIn};
use super::edge::Edge;
use super::moment::{Moment, duration, moment};
use super::run::{Event, Run};
use crate::backend::{BackendJudge, BackendWindow, PROBE_EVERY};
use crate::report::Verdict;

/// One edge's.
#[derive(Default)]
pub(super) struct Asking {
    /// Logins that wait for a request, and since when.
    line: VecDeque<(Moment, Try)>,
    /// Requests, and since when they are under way.
    requests: Vec<(Try, Moment)>,
    /// Errors that are not told yet.
    untold: u32,
    window: BackendWindow,
    judge: BackendJudge,
}

impl Asking {
    fn may_ask(&self, at_once: u32) -> bool {
        at_once as usize > self.requests.len() + self.untold as usize
    }

    /// First in, first out, until the first has waited for half its patience.
    fn next(&mut self, half_patience: Moment, now: Moment) -> Option<Try> {
        let (since, _) = self.line.front()?;
        let next = if now - since > half_patience {
            self.line.pop_back()
        } else {
            self.line.pop_front()
        };
        next.map(|(_, attempt)| attempt)
    }

    /// `None`: an edge that is gone had asked.
    fn answered(&mut self, attempt: Try, is_error: bool, now: Moment) -> Option<Moment> {
        let at = self
            .requests
            .iter()
            .position(|(asked, _)| *asked == attempt)?;
        let (_, since) = self.requests.swap_remove(at);
        self.window.record(duration(now - since), is_error);
        Some(now - since)
    }

    fn judge(&mut self, now: Moment) -> Verdict {
        for (_, since) in &self.requests {
            self.window.waiting.record(duration(now - since));
        }
        self.judge.judge(&std::mem::take(&mut self.window))
    }
}

impl Run<'_> {
    pub(super) fn wait_for_backend(&mut self, attempt: Try) {
        let (edge, now) = (self.client(attempt).edge, self.now);
        let asking = &mut self.edges[usize::from(edge)].asking;
        asking.line.push_back((now, attempt));
        self.ask_backend(edge);
    }

    fn ask_backend(&mut self, number: u16) {
        let half_patience = moment(self.edges[usize::from(number)].view.patience / 2);
        let (Some(backend), now) = (self.backend, self.now) else {
            return;
        };
        loop {
            let asking = &mut self.edges[usize::from(number)].asking;
            if !asking.may_ask(backend.concurrent) {
                return;
            }
            let Some(attempt) = asking.next(half_patience, now) else {
                return;
            };
            if self.is_served(attempt) {
                let asking = &mut self.edges[usize::from(number)].asking;
                asking.requests.push((attempt, now));
                let latency = moment(backend.latency);
                self.after(latency, Event::BackendAnswers(attempt, number));
            }
        }
    }

    pub(super) fn backend_answers(&mut self, attempt: Try, number: u16) {
        let failing = u64::from(self.backend.map_or(0, |backend| backend.failing_percent));
        let (is_error, now) = (self.random_below(100) < failing, self.now);
        let asking = &mut self.edges[usize::from(number)].asking;
        let took = asking.answered(attempt, is_error, now);
        if !is_error {
            if self.is_served(attempt) {
                self.let_in(attempt);
            }
        } else if let (Some(took), Verdict::Hard) = (took, asking.judge.verdict()) {
            asking.untold += 1;
            let late = moment(PROBE_EVERY).saturating_sub(took);
            self.after(late, Event::BackendTold(attempt, number));
        } else {
            self.refuse(attempt);
        }
        self.ask_backend(number);
    }

    /// That it failed.
    pub(super) fn backend_told(&mut self, attempt: Try, number: u16) {
        let asking = &mut self.edges[usize::from(number)].asking;
        asking.untold = asking.untold.saturating_sub(1);
        self.refuse(attempt);
        self.ask_backend(number);
    }

    fn refuse(&mut self, attempt: Try) {
        if self.is_served(attempt) {
            self.progress.refused += 1;
            // that was not its doing
            self.client(attempt).way_in = WayIn::Outside;
            self.forget(attempt);
            self.ended(attempt);
        }
    }

    /// Once a window.
    pub(super) fn judge_backend(&mut self) {
        let now = self.now;
        if self.backend.is_some() {
            for edge in self.edges.iter_mut().filter(|edge| edge.alive) {
                let Edge {
                    asking, admission, ..
                } = edge;
                admission.feel_backend(asking.judge(now));
            }
        }
    }
}

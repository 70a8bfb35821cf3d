//! A shard worker: the core on its thread.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use herdgate_admission::health::{WINDOW, Window};
use herdgate_admission::times::Times;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::control::WorkerNews;
use super::core::{CoreSettings, Input, Outbox, WorkerCore, WorkerIndex};
use super::mailbox::{Mail, Mailboxes};
use super::out::Out;
use crate::process::Clock;

/// Batches taken in one turn: more would keep clients' sockets, on the same thread, waiting.
const MAIL_PER_TURN: usize = 32;
/// A turn without any deadline ends after this, so that clocks and windows move on.
const IDLE_TURN: Duration = Duration::from_millis(250);
/// How often the runtime's lag is sampled: 25 samples in a window.
const LAG_EVERY: Duration = Duration::from_millis(40);
/// How often control hears of a worker.
const NEWS_EVERY: Duration = Duration::from_millis(250);

pub type Inbox = UnboundedReceiver<Mail>;

/// Everything that a worker's thread needs to start.
#[derive(Debug)]
pub struct ShardWorker {
    pub index: WorkerIndex,
    pub settings: CoreSettings,
    pub clock: Clock,
    pub workers: Mailboxes,
    pub inbox: Inbox,
    /// A message each 250 ms, taken at once.
    pub news: UnboundedSender<WorkerNews>,
}

impl ShardWorker {
    /// Runs until the process ends. Needs a `LocalSet`.
    pub async fn run(self) {
        let lag = Rc::new(RefCell::new(Times::default()));
        let mut sampler = tokio::task::spawn_local(sample_lag(self.clock, Rc::clone(&lag)));
        let mut turns = Turns {
            core: WorkerCore::new(self.index, self.settings),
            clock: self.clock,
            out: Out::new(self.index, self.workers),
            outbox: Outbox::default(),
            lag,
            news: self.news,
            index: self.index,
            news_due: Duration::ZERO,
            window_due: WINDOW,
        };
        tokio::select! {
            () = turns.run(self.inbox) => {}
            ended = &mut sampler => tracing::error!(?ended, "the lag's sampler ended"),
        }
        sampler.abort();
    }
}

struct Turns {
    core: WorkerCore,
    clock: Clock,
    out: Out,
    outbox: Outbox,
    lag: Rc<RefCell<Times>>,
    news: UnboundedSender<WorkerNews>,
    index: WorkerIndex,
    news_due: Duration,
    window_due: Duration,
}

impl Turns {
    async fn run(&mut self, mut inbox: Inbox) {
        let mut mail = Vec::with_capacity(MAIL_PER_TURN);
        loop {
            let now = self.clock.now();
            let wait = self.next_turn().saturating_sub(now);
            match timeout(wait, inbox.recv_many(&mut mail, MAIL_PER_TURN)).await {
                Ok(0) => return,
                Ok(_) | Err(_) => self.turn(&mut mail),
            }
            // Mail may never run out: others on this thread get their turn.
            tokio::task::yield_now().await;
        }
    }

    fn next_turn(&self) -> Duration {
        let idle = self.clock.now() + IDLE_TURN;
        let core = self.core.next_deadline().unwrap_or(idle);
        core.min(self.news_due).min(idle)
    }

    fn turn(&mut self, mail: &mut Vec<Mail>) {
        let now = self.clock.now();
        for mail in mail.drain(..) {
            self.take(mail, now);
        }
        if self
            .core
            .next_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            self.core.handle(now, Input::Tick, &mut self.outbox);
        }
        self.core.flush(now, &mut self.outbox);
        let dropped = self.out.send(&mut self.outbox);
        self.core.peers_were_busy(dropped);
        if now >= self.news_due {
            self.tell(now);
        }
    }

    fn take(&mut self, mail: Mail, now: Duration) {
        match mail {
            Mail::LinkUp { link, sink } => self.out.link_up(link, sink),
            Mail::Frames { link, frames, sent } => {
                let waited = now.saturating_sub(sent);
                for frame in frames {
                    self.core.handle(
                        now,
                        Input::Link {
                            link,
                            frame,
                            waited,
                        },
                        &mut self.outbox,
                    );
                }
            }
            Mail::LinkDown(link) => {
                self.core
                    .handle(now, Input::LinkLost(link), &mut self.outbox);
                self.out.link_down(link);
            }
            Mail::Peer {
                from,
                messages,
                bytes,
            } => {
                self.out.took_peer(bytes);
                for message in messages {
                    self.core
                        .handle(now, Input::Peer(from, message), &mut self.outbox);
                }
            }
            Mail::System(messages) => {
                for message in messages {
                    self.core
                        .handle(now, Input::System(Box::new(message)), &mut self.outbox);
                }
            }
            Mail::Find { client, answer } => {
                // whoever asked may have gone
                let _ = answer.send(self.core.whereabouts(&client));
            }
            Mail::Shutdown { clients } => {
                self.core
                    .handle(now, Input::Shutdown { clients }, &mut self.outbox);
            }
        }
    }

    fn tell(&mut self, now: Duration) {
        self.news_due = now + NEWS_EVERY;
        let window = (now >= self.window_due).then(|| {
            self.window_due = now + WINDOW;
            self.window(now)
        });
        // Control ends only with the process.
        let _ = self.news.send(WorkerNews {
            worker: self.index,
            stats: self.core.stats(),
            window: window.map(Box::new),
        });
    }

    fn window(&mut self, now: Duration) -> Window {
        let mut window = self.core.take_window(now);
        window.runtime_lag.times.merge(&self.lag.take());
        window
    }
}

/// Measures how late this thread's timers fire.
async fn sample_lag(clock: Clock, lag: Rc<RefCell<Times>>) {
    let mut ticks = interval(LAG_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut due = clock.now();
    loop {
        ticks.tick().await;
        let now = clock.now();
        lag.borrow_mut().record(now.saturating_sub(due));
        due = now + LAG_EVERY;
    }
}

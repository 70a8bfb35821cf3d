//! What control hears.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use herdgate_admission::census::Census;
use herdgate_admission::last_class::Came;
use herdgate_admission::progress::{Steer, Steered};
use herdgate_admission::report::ShardReport;
use herdgate_admission::slicing::TableFor;
use herdgate_admission::steering::NotSteered;
use herdgate_admission::times::Times;
use herdgate_admission::waits::Waits;
use tokio::sync::oneshot;

/// What control hears. Bounded by its senders: a few messages a second each.
#[derive(Debug)]
pub enum ControlMail {
    Worker(Box<WorkerNews>),
    /// By way of one of the links to it.
    Shard {
        link: usize,
        report: Box<ShardReport>,
    },
    /// What a reopening is cut by.
    Table(Arc<TableFor>),
    /// One worker's link to it is up, or is not any more.
    Link {
        link: usize,
        up: bool,
    },
    /// A person's.
    Steer {
        steer: Steer,
        answer: oneshot::Sender<Result<Steered, NotSteered>>,
    },
}

/// What a worker tells control, four times a second.
#[derive(Debug)]
pub struct WorkerNews {
    pub worker: usize,
    pub door: u32,
    pub held: u32,
    /// Since when the one has been entering that has been so for longest.
    pub oldest_entering: Option<Duration>,
    /// The lowest closed slice that somebody waits in.
    pub lowest_held: Option<u32>,
    /// Since the last news.
    pub waits: Waits,
    /// Addresses of clients that waited in vain for a shard, since the last news.
    pub refused: Vec<(IpAddr, u32)>,
    /// How clients' ways in ended, since the last news.
    pub came: Vec<Came>,
    /// How long clients of the held sample waited that gave up, since the last news.
    pub given_up: Times,
    /// Its clients, when it was time to count them.
    pub census: Option<Census>,
}

pub(super) fn no_news(worker: usize) -> WorkerNews {
    WorkerNews {
        worker,
        door: 0,
        held: 0,
        oldest_entering: None,
        lowest_held: None,
        waits: Waits::default(),
        refused: Vec::new(),
        came: Vec::new(),
        given_up: Times::default(),
        census: None,
    }
}

//! What an edge tells of a reopening and of those who wait, and how it is steered.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use herdgate_admission::edge::EdgeView;
use herdgate_admission::last_class::Comer;
use herdgate_admission::progress::{
    CensusPage, ClientState, Explanation, PerSlice, Progress, Steer, Steered,
};
use herdgate_admission::slicing::SliceTable;
use herdgate_admission::steering::NotSteered;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::control::{ControlMail, EdgeControlWires, Snapshot};
use super::questions::{Question, Standing};
use super::shared::Shared;
use super::standing;
use crate::admin::{Subject, Valve};
use crate::config::Slicing;

/// An edge, or the edge part of a standalone process.
#[derive(Clone, Debug)]
pub struct EdgeValve {
    shared: Arc<Shared>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    questions: broadcast::Sender<Question>,
    control: mpsc::UnboundedSender<ControlMail>,
}

impl Valve for EdgeValve {
    fn progress(&self, per_slice: bool) -> Progress {
        let now = self.snapshot.load();
        let (view, record) = (&now.view, &now.record);
        let totals = standing::totals(&now, &self.shared.settings.id);
        let date = |at: Option<Duration>| self.shared.clock.date(at?);
        let limiting = Some(view.limiting.to_string()).filter(|signal| !signal.is_empty());
        Progress {
            number: view.reopening.0,
            mode: self.shared.settings.admission.mode.into(),
            phase: record.phase(),
            trigger: record.trigger(),
            started_at: date(record.started()),
            finished_at: date(record.finished()),
            slices: view.slices(),
            level: view.level,
            slicing: slicing(&self.shared.settings.admission.slicing).to_owned(),
            expected: expected(&view.table),
            settled: totals.settled,
            entering: totals.entering,
            settling: totals.settling,
            held: totals.held,
            door: totals.door,
            handshakes: record.handshakes(),
            limiting_shard: standing::limiting_shard(&now, limiting.as_deref()),
            limiting_signal: limiting,
            paused: view.steering.paused,
            eta_seconds: record.eta().map(|eta| eta.as_secs()),
            forecast: record.forecast(),
            timeline: record.timeline().to_vec(),
            slowest: record.slowest(|slice| view.table.range_name(slice).map(str::to_owned)),
            per_slice: per_slice.then(|| PerSlice {
                expected: per_slice_of(&view.table),
                entered: self.shared.entered.counts(view.slices()),
            }),
        }
    }

    /// What its slices are cut by; shards know the newest.
    fn census(&self, top: usize) -> CensusPage {
        let now = self.snapshot.load();
        let Some(table) = &now.table else {
            return CensusPage::default();
        };
        CensusPage {
            is_frozen: true,
            ..CensusPage::of(&table.spec, standing::addresses(&now), top)
        }
    }

    fn explain(&self, subject: Subject) -> BoxFuture<'static, Explanation> {
        let now = self.snapshot.load_full();
        let address = match subject {
            Subject::Address(address) => address,
            Subject::Client(client) => return ready(of_client(client, &now.view)).boxed(),
        };
        let (valve, asked_at) = (self.clone(), self.shared.clock.now());
        async move {
            let standing = valve.ask(address).await;
            let since = standing.oldest.map(|held| asked_at.saturating_sub(held));
            let date = since.and_then(|since| valve.shared.clock.date(since));
            let allowed = valve.shared.always_allow.contains(address);
            Explanation {
                since: date,
                ..of_address(address, &now.view, &standing, allowed, asked_at)
            }
        }
        .boxed()
    }

    fn steer(&self, steer: Steer) -> BoxFuture<'static, Result<Steered, NotSteered>> {
        let (answer, answered) = oneshot::channel();
        // fails only where control does not run any more
        let _ = self.control.send(ControlMail::Steer { steer, answer });
        async move {
            let answered = answered.await;
            answered.unwrap_or_else(|_| Err(NotSteered::ending(steer)))
        }
        .boxed()
    }
}

impl EdgeValve {
    pub fn new(shared: &Arc<Shared>, wires: &EdgeControlWires) -> Self {
        Self {
            shared: Arc::clone(shared),
            snapshot: Arc::clone(&wires.snapshot),
            questions: wires.questions.clone(),
            control: wires.control.clone(),
        }
    }

    /// What all workers say together.
    async fn ask(&self, address: IpAddr) -> Standing {
        let (answer, mut answers) = mpsc::unbounded_channel();
        // fails only where no worker runs any more
        let _ = self.questions.send(Question { address, answer });
        let mut standing = Standing::default();
        // ends when each worker has answered, and dropped its sender with the question
        while let Some(one) = answers.recv().await {
            standing.waiting += one.waiting;
            standing.oldest = standing.oldest.max(one.oldest);
        }
        standing
    }
}

fn expected(table: &SliceTable) -> Option<u64> {
    Some(table.clients()).filter(|clients| *clients > 0)
}

/// Empty without a census.
fn per_slice_of(table: &SliceTable) -> Vec<u32> {
    let slices = 0..expected(table).map_or(0, |_| table.slices());
    slices.map(|slice| table.expected(slice)).collect()
}

fn of_client(client: String, view: &EdgeView) -> Explanation {
    if view.table.is_by_client_id() {
        let slice = view.table.slice_of_client(&client);
        let state = if view.admits(slice) { "open" } else { "closed" };
        return Explanation {
            reason: format!("Clients are sliced by client id; its slice {slice} is {state}."),
            subject: client,
            slice: Some(slice),
            is_open: view.admits(slice),
            level: view.level,
            ..Explanation::default()
        };
    }
    Explanation {
        subject: client,
        level: view.level,
        reason: "The gate goes by addresses and knows no client ids: ask for its address, or ask a shard.".to_owned(),
        ..Explanation::default()
    }
}

fn of_address(
    address: IpAddr,
    view: &EdgeView,
    standing: &Standing,
    allowed: bool,
    now: Duration,
) -> Explanation {
    let Some(slice) = view.table.slice_of(address).slice() else {
        return by_client_id(address, view);
    };
    let is_open = view.admits(slice);
    let (state, mut reason) = describe(view, slice, standing, allowed);
    reason += besides(view, address, now);
    Explanation {
        subject: address.to_string(),
        address: Some(address.to_string()),
        slice: Some(slice),
        range: view.table.range_name(slice).map(str::to_owned),
        level: view.level,
        is_open,
        state,
        since: None,
        reason,
    }
}

/// Of an address that many share, or where none is trusted.
fn by_client_id(address: IpAddr, view: &EdgeView) -> Explanation {
    Explanation {
        subject: address.to_string(),
        address: Some(address.to_string()),
        level: view.level,
        reason: "Its address does not tell its slice: clients behind it pass the gate, and wait after CONNECT by their client ids.".to_owned(),
        ..Explanation::default()
    }
}

/// What keeps a client waiting although its slice is open.
fn besides(view: &EdgeView, address: IpAddr, now: Duration) -> &'static str {
    if view.keeps_out(address, now) {
        " A client with this address waited in vain for its shard, which is not well: it is held until it is."
    } else if view.last_class.has(Comer::Address(address), now) {
        " It came in twice and never settled: such clients share a small part of the places while others wait."
    } else {
        ""
    }
}

fn describe(
    view: &EdgeView,
    slice: u32,
    standing: &Standing,
    allowed: bool,
) -> (ClientState, String) {
    let (level, slices) = (view.level, view.slices());
    let limited = match &*view.limiting {
        "" => String::new(),
        signal => format!(", limited by {signal}"),
    };
    match (standing.waiting, view.admits(slice)) {
        (0, _) if allowed => (
            ClientState::NotSeen,
            "It is in admission.alwaysAllow: the gate lets it in at any level.".to_owned(),
        ),
        (0, true) => (
            ClientState::NotSeen,
            format!("Nobody with this address waits here, and its slice {slice} is open."),
        ),
        (0, false) => (
            ClientState::NotSeen,
            format!(
                "Nobody with this address waits here now; its slice {slice} is closed, {level} of {slices} are open{limited}."
            ),
        ),
        (waiting, true) => (
            ClientState::Waiting,
            format!(
                "{waiting} with this address at the open door: slice {slice} is open, and they wait for a free place{limited}."
            ),
        ),
        (waiting, false) => (
            ClientState::Held,
            format!(
                "{waiting} with this address held: slice {slice} is closed, {level} of {slices} are open{limited}."
            ),
        ),
    }
}

fn slicing(slicing: &Slicing) -> &'static str {
    match slicing {
        Slicing::PrefixHash(_) => "PrefixHash",
        Slicing::Ranges(_) => "Ranges",
        Slicing::ClientIdHash => "ClientIdHash",
        Slicing::CidrList { .. } => "CIDRList",
    }
}

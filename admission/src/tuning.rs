//! Every constant of the law that somebody may have a reason to change, with the reason why it is what it is.

mod backend;
mod health;
mod hearing;
mod hold;
mod settle;
mod trust;

use std::time::Duration;

pub use backend::BackendTuning;
pub use health::{HealthTuning, Line, Windows};
pub use hearing::HearingTuning;
pub use hold::HoldTuning;
pub use settle::SettleTuning;
pub use trust::TrustTuning;

/// The law's constants. The defaults are the law; the simulator shows what another value does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// When a shard, or the edge itself, is not well.
    pub health: HealthTuning,
    /// When a client is done coming back.
    pub settle: SettleTuning,
    /// When the backend that judges logins is not well.
    pub backend: BackendTuning,
    /// How long a socket is held that nobody can let in.
    pub hold: HoldTuning,
    /// How long processes count on each other without a word.
    pub hearing: HearingTuning,
    /// When clients' addresses are not taken for their own.
    pub trust: TrustTuning,
    /// Clients. The entering limit of one edge before anything is known: so few that even logins of 50 ms
    /// are done before half of the patience is over, from when on the newest would be served first.
    pub first_entering: u32,
    /// Clients. Fewer entering at one edge would leave the way in idle between two round trips of a far client.
    pub least_entering: u32,
    /// Percent of the patience. The time to CONNACK aimed at: far enough from giving up for the slowest twentieth.
    pub target_percent: u32,
    /// Percent of a limit. A limit that was used less has no bearing on what was measured, and does not grow.
    pub used_percent: u32,
    /// How often the entering limit is thought over: a tenth of the usual patience; sooner, a change has not yet shown what
    /// it does.
    pub adjust_every: Duration,
    /// A limit is not halved again before the shard's next window has shown what halving did.
    pub halve_every: Duration,
    /// Clients in a window of health. A shard that is bad for another reason than clients that come back is asked to take
    /// some all the same.
    pub least_attaches: u32,
    /// The next tries of a client come within a few retries and a hold; later it may as well find out anew.
    pub remember_shard_for: Duration,
    /// Percent of the places, while others wait. Enough for whoever is in the last class by mistake, too little to be felt by
    /// the others.
    pub last_class_percent: u32,
    /// Ways in that came to nothing until a comer is in the last class. One may be an accident, such as an expired
    /// certificate.
    pub last_class_after: u32,
    /// A comer that has not come to nothing for so long is taken for any other.
    pub last_class_for: Duration,
    /// No step opens more than all slices divided by this, so that the order keeps its meaning.
    pub largest_step_parts: u32,
    /// A skip by hand opens all slices divided by this where no named range ends sooner or later.
    pub skip_parts: u32,
    /// A level that nobody knocks at moves after this: perhaps nobody is left to knock.
    pub knock_within: Duration,
    /// All slices are open after this much time in which a shard was heard and the level was neither hard nor paused:
    /// no fault of the law's own may keep a client out for longer. Zero: no such slope.
    pub max_blocked: Duration,
    /// Percent of held sockets that are kept until they leave by themselves or their slice opens, so that their patience shows.
    pub sample_percent: u32,
    /// A sampled socket is kept no longer than this.
    pub sample_within: Duration,
    /// A client that leaves sooner has not lost its patience: a port scan, a probe, a broken line.
    pub least_give_up: Duration,
    /// The percentile of give-ups that the law goes by: nine of ten clients are more patient.
    pub patience_percentile: u8,
    /// Give-ups. A percentile of fewer is chance.
    pub enough_give_ups: u32,
    /// A fleet that gives up sooner cannot be served by holding it.
    pub least_patience: Duration,
    /// A longer one changes nothing that a person would notice.
    pub most_patience: Duration,
    /// The settle limit falls below what is configured while the 95th percentile of the times from SUBSCRIBE to SUBACK is
    /// over this: clients send tens of SUBSCRIBEs, each after the SUBACK before it.
    pub late_suback: Duration,
    /// Clients. Fewer settling at one worker would leave it idle between two round trips.
    pub least_settling: u32,
    /// Clients a second. Fewer are no herd, however few usually come.
    pub least_overload_arrivals: u32,
    /// A storm must last for this: as long as it takes to know that shards are not well, and one window more.
    pub overload_for: Duration,
    /// After all slices are open no storm counts for this long: it is the end of the reopening.
    pub quiet_before_overload: Duration,
    /// Hard for longer than this is not a passing overload, and somebody should look.
    pub stalled_after: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            health: HealthTuning::default(),
            settle: SettleTuning::default(),
            backend: BackendTuning::default(),
            hold: HoldTuning::default(),
            hearing: HearingTuning::default(),
            trust: TrustTuning::default(),
            first_entering: 32,
            least_entering: 4,
            target_percent: 20,
            used_percent: 70,
            adjust_every: Duration::from_millis(500),
            halve_every: Duration::from_secs(1),
            least_attaches: 4,
            remember_shard_for: Duration::from_mins(1),
            last_class_percent: 10,
            last_class_after: 2,
            last_class_for: Duration::from_mins(5),
            largest_step_parts: 4,
            skip_parts: 16,
            knock_within: Duration::from_secs(30),
            max_blocked: Duration::from_mins(15),
            sample_percent: 2,
            sample_within: Duration::from_mins(1),
            least_give_up: Duration::from_millis(300),
            patience_percentile: 10,
            enough_give_ups: 50,
            least_patience: Duration::from_secs(1),
            most_patience: Duration::from_mins(1),
            late_suback: Duration::from_millis(100),
            least_settling: 4,
            least_overload_arrivals: 50,
            overload_for: Duration::from_secs(3),
            quiet_before_overload: Duration::from_mins(1),
            stalled_after: Duration::from_mins(2),
        }
    }
}

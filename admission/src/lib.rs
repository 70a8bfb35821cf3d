//! Admission: who may come in now.
//!
//! Pure: no IO, no clock of its own. `now` is always the time since the process started.
//!
//! # How an edge process uses it
//!
//! - **Start**: check the configuration with [`slicing::SlicePlan::new`] and build one [`edge::EdgeAdmission`],
//!   owned by the control thread. Publish its [`edge::EdgeView`] to the workers whenever a call returns `true`, and
//!   after every tick. Share one [`places::Places`] between the workers and set its limit from the view.
//! - **Each worker** has a [`hold::Hold`] over its own socket ids. On accept:
//!   `view.admits(slice)` and [`places::Places::try_take`] → let it in and keep the [`places::Place`] until CONNACK is
//!   written or the client is gone; otherwise [`hold::Hold::hold`], and a reset when that says no.
//!   An address of the [`allow::AllowList`] passes with [`places::Places::take_anyway`].
//! - **When a new view arrives**: with another `reopening`, [`hold::Hold::recut`]; otherwise [`hold::Hold::open_to`].
//! - **When a place is given back, when a view arrives, and every [`hold::SWEEP_EVERY`]**: reset what
//!   [`hold::Hold::expire`] returns, then let in what [`hold::Hold::promote`] returns, each with its place.
//! - **After each CONNACK** the worker records how long it took since the client was let in, in its own [`times::Times`];
//!   for a client that left before its CONNACK it calls [`times::Times::record_at_least`].
//! - **Every [`edge::TICK`]** the control thread gathers the workers' counts and times, calls
//!   [`edge::EdgeAdmission::tick`] and publishes the view; every [`edge::REPORT_EVERY`], and
//!   as soon as a link is up, it sends [`edge::EdgeAdmission::report`] to each shard. An edge that waits with its first
//!   report keeps the whole herd waiting, because the shard numbers the reopening only then.
//! - **Each `ShardReport`** goes to [`edge::EdgeAdmission::hear`]; a shard whose last link broke to
//!   [`edge::EdgeAdmission::shard_lost`].
//!
//! # How a shard process uses it
//!
//! One [`shard::ShardAdmission`] and one [`health::HealthJudge`] on the control thread: every `EdgeReport` goes to
//! [`shard::ShardAdmission::hear`], [`shard::ShardAdmission::report`] is sent to all edges every [`edge::REPORT_EVERY`]
//! and whenever `hear` returns `true`, and the judge gets one [`health::Window`] a second. Workers keep a
//! [`settle::Settling`] per session that is coming back.
//!
//! It keeps the census too: a [`keeper::Keeper`] sums up what edges count in their [`census::Tally`] and cuts the table
//! of the next reopening, and [`stored::Stored`] carries it over a restart. An edge that hears of a
//! [`slicing::TableFor`] hands it to [`edge::EdgeAdmission::adopt_table`].
#![forbid(unsafe_code)]

pub mod allow;
pub mod attaches;
pub mod backend;
pub mod bytes;
pub mod census;
pub mod edge;
pub mod health;
pub mod hold;
pub mod keeper;
pub mod last_class;
pub mod merge;
pub mod places;
pub mod progress;
pub mod record;
pub mod remembered;
pub mod report;
pub mod settle;
pub mod settle_limit;
pub mod shard;
pub mod simulator;
pub mod slicing;
pub mod steering;
pub mod stored;
pub mod times;
mod trust;
pub mod tuning;
pub mod waits;

mod addresses;
mod advance;
mod entering;
mod heard;
mod overload;
mod patience;
mod stable;

#[cfg(test)]
mod cluster;

//! What the law does to a fleet: an event model of the herd, of what it comes back to, and of what goes wrong.
//!
//! Edges and shards in it are this library's own, driven as a process drives them, without sockets and with time as the
//! model says. Clients are impatient: they wait for a CONNACK as long as their patience lasts, start again, and once in
//! send one SUBSCRIBE after the other. A core serves clients that are back first, then SUBSCRIBEs, then handshakes and
//! sessions, then logins.
//!
//! [`Scenario::run`] is one run; [`mod@rows`] are those that the law was chosen by;
//! [`forecast`] says in one formula how long a reopening will take.

mod backend;
mod by_client_id;
mod check;
mod client;
mod clients;
mod cores;
mod edge;
mod edges;
mod faults;
mod forecast;
mod known;
mod login;
mod moment;
mod outcome;
pub mod rows;
mod run;
mod scenario;
mod shard;
mod shards;
#[cfg(test)]
mod tests;
mod watch;
mod wheel;

pub use check::{Problem, Problems};
pub use forecast::{Forecast, Known, forecast};
pub use outcome::{MOST_POINTS, Outcome, Point};
pub use scenario::{
    Backend, Capacity, Fault, Herd, Law, Mishap, Scenario, SlicingType, When, Whose,
};
pub use watch::Seen;

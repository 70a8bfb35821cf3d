//! The process around the workers: time, limits, signals, threads.

mod causes;
mod cgroup;
mod clock;
mod gather;
mod life;
mod limits;
mod looks;
mod ready;
mod signals;
mod tasks;
mod threads;

pub use causes::Causes;
pub use cgroup::Allowances;
pub use clock::Clock;
pub use life::Life;
pub use limits::{open_files, raise_open_files};
pub use looks::brought;
pub use ready::{Bound, write_ready_file};
pub use signals::{Hangups, Termination};
pub use tasks::{Cause, TaskError, Tasks};
pub use threads::{ThreadError, Threads};

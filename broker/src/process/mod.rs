//! The process around the workers: time, limits, signals, threads.

mod causes;
mod clock;
mod limits;
mod ready;
mod signals;
mod threads;

pub use causes::Causes;
pub use clock::Clock;
pub use limits::{open_files, raise_open_files};
pub use ready::{Bound, write_ready_file};
pub use signals::{Hangups, Termination};
pub use threads::{ThreadError, Threads};

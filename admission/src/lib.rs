//! Admission: who may come in now.
//!
//! Pure: no IO, no clock of its own. `now` is always the time since the process started.
#![forbid(unsafe_code)]

pub mod report;

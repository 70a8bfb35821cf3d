//! Waits that grow: for wrong passwords, and for clients that come and go.
//!
//! `failures` and `flaps` are thought alone, with time as an argument; `shared` puts them behind the locks that an
//! edge's workers share. They are taken once per login, never per packet.

mod ageing;
mod failures;
mod flaps;
mod growth;
mod locked;
mod shared;

pub(crate) use shared::Stay;
pub(super) use shared::{Attempt, Failures, Flaps};

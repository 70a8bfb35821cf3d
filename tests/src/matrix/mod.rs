//! Client libraries of others against edge and shard: each version, transport, quality of service and kind of session.

pub mod case;
pub mod driver;
pub mod library;
pub mod message;
pub mod pairwise;
pub mod relay;
pub mod report;
pub mod run;
pub mod scene;

pub use case::{Case, Session, Transport};
pub use library::{LIBRARIES, Library};
pub use report::Report;
pub use run::{Selection, run};

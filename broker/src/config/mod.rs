//! One configuration: defaults, then the file, then the environment, then flags.

mod pattern;
mod sources;
mod types;

pub use pattern::ClientIdPattern;
pub use sources::{Host, LoadError, Problem, Sources, load};
pub use types::*;

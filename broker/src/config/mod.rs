//! One configuration: defaults, then the file, then the environment, then flags.

mod build;
mod files;
mod http_url;
mod keys;
mod kind;
mod limits;
mod listeners;
mod parse;
mod pattern;
mod problem;
mod reader;
mod reference;
mod slicing;
mod sources;
mod token;
mod tree;
mod tuning;
mod types;
mod watch;

#[cfg(test)]
mod limits_page;
#[cfg(test)]
mod tests;

pub use files::read_file;
pub use http_url::HttpUrl;
pub use pattern::ClientIdPattern;
pub use problem::Problem;
pub use reference::reference;
pub use sources::{Host, LoadError, Sources, load};
pub use token::{Token, TokenError, TokenUse};
pub use types::*;
pub use watch::{FileWatch, POLL_INTERVAL, Poller};

//! What `make fuzz` throws bytes at: each target takes any bytes and panics when the broker does not keep a promise. The
//! fuzzer is another binary; here are plain functions, and a test that runs them over every committed seed.

mod filters;
mod link;
mod packets;
mod proxy;
mod session;
mod websocket;

#[cfg(test)]
mod tests;

/// A part of the broker that takes bytes of strangers.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Also the folder of its seeds.
    pub name: &'static str,
    /// Panics when something does not hold.
    pub run: fn(&[u8]),
}

pub const TARGETS: [Target; 7] = [
    target("v3", packets::v3),
    target("v5", packets::v5),
    target("link", link::run),
    target("proxy", proxy::run),
    target("websocket", websocket::run),
    target("filters", filters::run),
    target("session", session::run),
];

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

pub fn by_name(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}

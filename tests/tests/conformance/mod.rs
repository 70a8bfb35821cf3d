//! One file for each part of the standards.

/// The statements that a test proves; the generator of `docs/conformance.md` reads it from the source.
macro_rules! proves {
    ($($id:literal),+ $(,)?) => {};
}

mod aliases;
mod auth;
mod connack;
mod connect;
mod ending;
mod flow;
mod format;
mod identifiers;
mod keep_alive;
mod login;
mod problem;
mod properties;
mod publish;
mod qos1;
mod qos2;
mod retained;
mod sessions;
mod shared;
mod strings;
mod subscribe;
mod topics;
mod unsubscribe;
mod websocket;
mod wills;
mod world;

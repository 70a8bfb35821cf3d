//! SIGTERM, SIGINT and SIGHUP.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for the wish to end. Signals count from the moment this exists.
#[derive(Debug)]
pub struct Termination {
    term: Signal,
    interrupt: Signal,
}

impl Termination {
    /// Must be called in a runtime.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next signal: the first asks for a drain, the second for the end.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The wish to look at files again. While it exists, SIGHUP does not end the process.
#[derive(Debug)]
pub struct Hangups(Signal);

impl Hangups {
    /// Must be called in a runtime.
    pub fn new() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Calls `look` at each signal, for ever.
    pub async fn each(mut self, look: impl Fn()) {
        while self.0.recv().await.is_some() {
            tracing::info!("looking at the files again");
            look();
        }
    }
}

//! Where a client stands, for a person who asks.

use super::WorkerCore;

/// What a worker knows of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Connected,
    /// Connected, and not yet done coming back.
    Settling,
    /// In the attach queue.
    Waiting,
    /// Its session is kept without a connection.
    Away,
    Unknown,
}

impl WorkerCore {
    /// Of a client that this worker owns.
    pub fn whereabouts(&self, client_id: &str) -> Found {
        if self.queue.holds(client_id) {
            return Found::Waiting;
        }
        let key = self.sessions.by_client(client_id);
        match key.and_then(|key| self.sessions.at(key.index)) {
            None => Found::Unknown,
            Some(seat) if seat.stream().is_none() => Found::Away,
            Some(seat) if seat.settling.is_some() => Found::Settling,
            Some(_) => Found::Connected,
        }
    }
}

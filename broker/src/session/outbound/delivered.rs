//! What became of messages.

use crate::session::queue::Dropped;

/// What became of messages for one client; counted by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub sent: u64,
    pub queue_full_qos0: u64,
    /// QoS 1 and 2.
    pub queue_full_qos1: u64,
    pub too_large: u64,
    pub expired: u64,
    /// QoS 0 for a client that is away.
    pub offline: u64,
    /// QoS 1 and 2 that had to wait because as many as may be were under way.
    pub over_inflight: u64,
}

impl From<Dropped> for Delivered {
    fn from(dropped: Dropped) -> Self {
        let nothing = Self::default();
        match dropped {
            Dropped::Nothing => nothing,
            Dropped::QoS0(count) => Self {
                queue_full_qos0: count as u64,
                ..nothing
            },
            Dropped::QoS1(shed) => Self {
                queue_full_qos0: shed as u64,
                queue_full_qos1: 1,
                ..nothing
            },
        }
    }
}

impl std::ops::AddAssign for Delivered {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.queue_full_qos0 += other.queue_full_qos0;
        self.queue_full_qos1 += other.queue_full_qos1;
        self.too_large += other.too_large;
        self.expired += other.expired;
        self.offline += other.offline;
        self.over_inflight += other.over_inflight;
    }
}

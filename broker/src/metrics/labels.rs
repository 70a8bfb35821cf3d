//! Labels: few values each, all known in advance, so that no client can grow the registry
//! and no counter needs a look-up when it counts.

use std::fmt::Debug;
use std::marker::PhantomData;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// By the name of the listener.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ListenerLabels {
    pub listener: String,
}

impl ListenerLabels {
    pub fn new(listener: &str) -> Self {
        Self {
            listener: listener.to_owned(),
        }
    }
}

/// The values of one label.
pub trait Label: Copy + Debug + 'static {
    const ALL: &'static [Self];
    fn name(self) -> &'static str;
    /// The place in `ALL`.
    fn index(self) -> usize;
}

macro_rules! label {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$of])* $variant),+ }

        impl Label for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

label!(
    /// What the gate did with a socket.
    GateDecision {
        Admit = "admit",
        Hold = "hold",
        /// Held first, let in when its slice opened.
        Promote = "promote",
        /// Refused because nothing more can be held.
        Reset = "reset",
        /// Held until its time was up, then reset.
        Expired = "expired",
        AlwaysAllow = "always_allow",
        /// Let in by mode `DryRun`, where `Staged` would have held it.
        WouldHold = "would_hold",
        /// Its address does not tell: to be asked for its client id.
        ClientId = "client_id",
        /// Told to come again after CONNECT, at once or after the whole patience.
        Busy = "busy",
    }
);

label!(
    /// What became of a socket whose listener requires a PROXY header.
    ProxyHeader {
        /// It names the client.
        Client = "client",
        /// LOCAL or UNKNOWN: the socket's own address holds.
        Own = "own",
        /// From an address that is not trusted.
        Untrusted = "untrusted",
        Malformed = "malformed",
        Timeout = "timeout",
        /// Closed before the header was whole.
        Gone = "gone",
        /// Too many wait for their header, or enter under the socket's own address.
        Full = "full",
    }
);

label!(
    /// What became of a request for WebSocket.
    UpgradeOutcome {
        Accepted = "accepted",
        BadRequest = "bad_request",
        Origin = "origin",
        NotFound = "not_found",
        Method = "method",
        UpgradeRequired = "upgrade_required",
        HeadTooLarge = "head_too_large",
        Timeout = "timeout",
        /// Closed before the request was whole.
        Gone = "gone",
    }
);

label!(
    /// Why a TLS handshake came to nothing.
    HandshakeFailure {
        /// The client's certificate was refused: expired, unknown authority, bad signature.
        Certificate = "certificate",
        NoCertificate = "no_certificate",
        /// Not TLS, or no version or cipher in common.
        Protocol = "protocol",
        Timeout = "timeout",
        ClientGone = "client_gone",
    }
);

label!(
    /// A limit of one client that an edge enforced.
    EdgeLimit {
        ClientId = "client_id",
        PacketSize = "packet_size",
        /// No whole CONNECT in time.
        ConnectTime = "connect_time",
        TopicAlias = "topic_alias",
        /// The client was made to wait.
        PublishRate = "publish_rate",
        SubscribeRate = "subscribe_rate",
        /// It took nothing for too long.
        Unread = "unread",
        /// The client was told another keep-alive than its own.
        KeepAlive = "keep_alive",
    }
);

label!(
    /// A limit of one client that a shard enforced.
    ShardLimit {
        /// Length or levels of a topic or filter.
        Topic = "topic",
        Subscriptions = "subscriptions",
        ReceiveMaximum = "receive_maximum",
        /// A message had to wait: as many as may be are under way to its client.
        Inflight = "in_flight",
    }
);

label!(
    /// Why a message was not delivered.
    MessageDrop {
        QueueFull = "queue_full",
        TooLarge = "too_large",
        Expired = "expired",
        Offline = "offline",
        RetainedFull = "retained_full",
        /// QoS 0 for another worker of the shard that had too many waiting.
        WorkerBusy = "worker_busy",
        Forbidden = "forbidden",
        ClientGone = "client_gone",
    }
);

label!(
    /// Why a login left the queue unhashed.
    LoginDrop {
        QueueFull = "queue_full",
        ClientGone = "client_gone",
        TooLate = "too_late",
        /// Another password of its user was wrong meanwhile.
        TooSoon = "too_soon",
    }
);

label!(
    /// What came of asking the HTTP backend about a login.
    BackendOutcome {
        Allow = "allow",
        Deny = "deny",
        /// It does not know the user.
        Ignore = "ignore",
        Timeout = "timeout",
        /// No connection, or one that broke before an answer.
        Unreachable = "unreachable",
        /// Another status than 200.
        Status = "status",
        /// An answer that is none.
        Garbage = "garbage",
    }
);

label!(
    /// Why a client has to wait.
    WaitReason {
        /// Its user's last password from this address was wrong.
        User = "wrong_password",
        /// Passwords of many users were wrong at its address.
        Address = "wrong_names",
        Flapping = "flapping",
    }
);

label!(
    /// How an exchange of enhanced authentication ended.
    ExchangeOutcome {
        Done = "done",
        /// By us: the proof or the data was wrong, or the client had to wait.
        Refused = "refused",
        /// The client left, or took too long.
        Abandoned = "abandoned",
    }
);

label!(
    /// How a reload went.
    ReloadOutcome {
        Changed = "changed",
        Failed = "failed",
    }
);

/// One counter for each value of a label.
#[derive(Clone, Debug)]
pub struct By<L> {
    counters: Vec<Counter>,
    label: PhantomData<L>,
}

impl<L: Label> By<L> {
    /// `key` is the label's name, such as `reason`. All counters exist, at zero, from the start.
    pub(super) fn register(
        registry: &mut Registry,
        name: &str,
        help: &str,
        key: &'static str,
    ) -> Self {
        let family = Family::<[(&'static str, &'static str); 1], Counter>::default();
        let counters = L::ALL
            .iter()
            .map(|value| family.get_or_create_owned(&[(key, value.name())]))
            .collect();
        registry.register(name, help, family);
        Self {
            counters,
            label: PhantomData,
        }
    }

    pub fn inc(&self, value: L) {
        self.inc_by(value, 1);
    }

    pub fn inc_by(&self, value: L, by: u64) {
        if let Some(counter) = self.counters.get(value.index()) {
            counter.inc_by(by);
        }
    }

    pub fn get(&self, value: L) -> u64 {
        self.counters.get(value.index()).map_or(0, Counter::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_its_own_counter() {
        let by = By::<GateDecision>::register(&mut Registry::default(), "gate", "help", "decision");
        for (place, value) in GateDecision::ALL.iter().enumerate() {
            assert_eq!(value.index(), place);
            by.inc_by(*value, place as u64 + 1);
        }
        for (place, value) in GateDecision::ALL.iter().enumerate() {
            assert_eq!(by.get(*value), place as u64 + 1);
        }
    }
}

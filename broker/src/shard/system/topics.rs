//! The topics, and when they are written.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::load::Load;
use crate::routing::{Message, TopicName};

/// All workers of a shard together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub connected: u64,
    /// Sessions without a client.
    pub disconnected: u64,
    /// Sessions that ended because nobody came back, since the start.
    pub expired: u64,
    /// Clients that got a session, since the start.
    pub attached: u64,
    pub received: u64,
    pub sent: u64,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub dropped: u64,
    /// Messages that wait for clients.
    pub queued: u64,
    pub retained: u64,
    pub subscriptions: u64,
    pub shared_subscriptions: u64,
}

/// Writes a topic when its value is another than it was, at intervals.
#[derive(Debug)]
pub struct SystemTopics {
    interval: Duration,
    due: Duration,
    written_at: Duration,
    most_connected: u64,
    written: HashMap<String, String>,
    loads: Loads,
}

#[derive(Debug, Default)]
struct Loads {
    connections: Load,
    received: Load,
    sent: Load,
    bytes_received: Load,
    bytes_sent: Load,
    dropped: Load,
}

const ROOT: &str = "$SYS/broker/";

impl SystemTopics {
    /// `None` without an interval: nothing is written.
    pub fn every(interval: Duration) -> Option<Self> {
        (!interval.is_zero()).then(|| Self {
            interval,
            due: Duration::ZERO,
            written_at: Duration::ZERO,
            most_connected: 0,
            written: HashMap::new(),
            loads: Loads::default(),
        })
    }

    /// The messages to publish now. Time is since the process started.
    pub fn look(&mut self, now: Duration, totals: &Totals) -> Vec<Message> {
        self.most_connected = self.most_connected.max(totals.connected);
        if now < self.due {
            return Vec::new();
        }
        self.due = now + self.interval;
        self.loads
            .count(totals, now.saturating_sub(self.written_at));
        self.written_at = now;
        let mut news = Vec::new();
        for (name, value) in self.values(now, totals) {
            if self.written.get(&name) != Some(&value) {
                news.extend(message(&name, &value));
                self.written.insert(name, value);
            }
        }
        news
    }

    fn values(&self, now: Duration, totals: &Totals) -> Vec<(String, String)> {
        let version = concat!("herdgate version ", env!("CARGO_PKG_VERSION"));
        let mut values = vec![
            ("version".to_owned(), version.to_owned()),
            ("uptime".to_owned(), format!("{} seconds", now.as_secs())),
        ];
        let stored = totals.retained + totals.queued;
        let counts = [
            ("clients/connected", totals.connected),
            ("clients/disconnected", totals.disconnected),
            ("clients/total", totals.connected + totals.disconnected),
            ("clients/maximum", self.most_connected),
            ("clients/expired", totals.expired),
            ("messages/received", totals.received),
            ("messages/sent", totals.sent),
            ("bytes/received", totals.bytes_received),
            ("bytes/sent", totals.bytes_sent),
            ("messages/stored", stored),
            ("store/messages/count", stored),
            ("publish/messages/received", totals.received),
            ("publish/messages/sent", totals.sent),
            ("publish/messages/dropped", totals.dropped),
            ("retained messages/count", totals.retained),
            ("subscriptions/count", totals.subscriptions),
            ("shared_subscriptions/count", totals.shared_subscriptions),
        ];
        values.extend(counts.map(|(name, count)| (name.to_owned(), count.to_string())));
        let loads = [
            ("connections", &self.loads.connections),
            ("messages/received", &self.loads.received),
            ("messages/sent", &self.loads.sent),
            ("bytes/received", &self.loads.bytes_received),
            ("bytes/sent", &self.loads.bytes_sent),
            ("publish/received", &self.loads.received),
            ("publish/sent", &self.loads.sent),
            ("publish/dropped", &self.loads.dropped),
        ];
        for (name, load) in loads {
            let shown = load.shown();
            values.extend(shown.map(|(window, value)| (format!("load/{name}/{window}"), value)));
        }
        values
    }
}

impl Loads {
    fn count(&mut self, totals: &Totals, elapsed: Duration) {
        self.connections.count(totals.attached, elapsed);
        self.received.count(totals.received, elapsed);
        self.sent.count(totals.sent, elapsed);
        self.bytes_received.count(totals.bytes_received, elapsed);
        self.bytes_sent.count(totals.bytes_sent, elapsed);
        self.dropped.count(totals.dropped, elapsed);
    }
}

/// Retained, from nobody.
fn message(name: &str, value: &str) -> Option<Message> {
    let topic = TopicName::new(format!("{ROOT}{name}").into()).ok()?;
    let message = Message::new(topic, value.as_bytes(), Arc::from(""));
    let qos = message.qos;
    Some(message.with(qos, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn shown(messages: &[Message]) -> Vec<String> {
        let show = |message: &Message| {
            assert!(message.retain && message.topic.is_servers());
            let name = message.topic.as_str().strip_prefix(ROOT).unwrap();
            format!("{name}={}", String::from_utf8_lossy(&message.payload))
        };
        messages.iter().map(show).collect()
    }

    #[test]
    fn all_is_written_once_and_then_what_changes_at_the_interval() {
        let mut topics = SystemTopics::every(seconds(10)).unwrap();
        let totals = Totals {
            connected: 7,
            disconnected: 2,
            retained: 3,
            queued: 4,
            ..Totals::default()
        };
        let first = shown(&topics.look(seconds(0), &totals));
        for expected in [
            "uptime=0 seconds",
            "clients/connected=7",
            "clients/disconnected=2",
            "clients/total=9",
            "clients/maximum=7",
            "store/messages/count=7",
            "retained messages/count=3",
            "load/connections/15min=0.00",
        ] {
            assert!(
                first.iter().any(|line| line == expected),
                "{expected}: {first:?}"
            );
        }
        let version = format!("version=herdgate version {}", env!("CARGO_PKG_VERSION"));
        assert!(first.contains(&version), "{first:?}");
        // a peak between two intervals is remembered, and the rest is not due
        let peak = Totals {
            connected: 9,
            ..totals
        };
        assert_eq!(shown(&topics.look(seconds(9), &peak)), Vec::<String>::new());
        assert_eq!(
            shown(&topics.look(seconds(10), &totals)),
            ["uptime=10 seconds", "clients/maximum=9"]
        );
    }

    #[test]
    fn what_is_counted_moves_its_averages() {
        let mut topics = SystemTopics::every(seconds(60)).unwrap();
        topics.look(seconds(0), &Totals::default());
        let totals = Totals {
            received: 120,
            bytes_received: 1_200,
            ..Totals::default()
        };
        let news = shown(&topics.look(seconds(60), &totals));
        assert!(
            news.contains(&"load/publish/received/1min=75.85".to_owned()),
            "{news:?}"
        );
        for line in ["bytes/received=1200", "load/bytes/received/1min=758.54"] {
            assert!(news.contains(&line.to_owned()), "{line}: {news:?}");
        }
        assert!(!news.iter().any(|line| line.contains("sent")), "{news:?}");
    }

    #[test]
    fn an_interval_of_0_writes_nothing() {
        assert!(SystemTopics::every(Duration::ZERO).is_none());
    }
}

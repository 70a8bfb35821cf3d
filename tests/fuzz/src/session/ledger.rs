//! What was published, who must have it, and who has got it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use herdgate::codec::{Publish, QoS};

use super::step::{PEERS, TOPICS, Wish};

/// The number of a message stands in its payload.
pub(super) type Number = usize;

#[derive(Debug)]
pub(super) struct Published {
    pub(super) publisher: usize,
    pub(super) wish: Wish,
    /// How often the server was given it.
    handed: u32,
    /// When all that the server was given have expired.
    deadline: Option<Duration>,
    never_expires: bool,
    /// Subscribers since before it was handed over.
    candidates: BTreeSet<usize>,
    acknowledged: bool,
}

/// What one subscriber has got.
#[derive(Debug, Default)]
struct Copies {
    /// Copies that the server sent for the first time.
    fresh: BTreeMap<Number, u32>,
    /// Messages that its application has got.
    applied: BTreeSet<Number>,
    /// How often it got them at QoS 0 and 2.
    once: BTreeMap<Number, u32>,
    /// The newest of each publisher, topic and QoS.
    newest: BTreeMap<(usize, usize, QoS), Number>,
    /// What an acknowledgement has promised it.
    owed: BTreeSet<Number>,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) published: Vec<Published>,
    copies: [Copies; PEERS],
}

impl Published {
    /// Copies that one subscriber may get. At QoS 1 each time that its publisher sends it may be another.
    fn most_copies(&self) -> u32 {
        if self.wish.qos == QoS::AtLeastOnce {
            self.handed
        } else {
            1
        }
    }

    pub(super) fn payload(&self, number: Number) -> Vec<u8> {
        let mut payload = number.to_string().into_bytes();
        let len = payload.len().max(self.wish.bytes);
        payload.resize(len, b'.');
        payload
    }
}

/// `None`: not a peer's message.
pub(super) fn number_of(publish: &Publish) -> Option<Number> {
    if !publish.topic.starts_with("t/") {
        return None;
    }
    // the rest is filling, and looking at each byte of it would take most of the time
    let bytes = publish.payload.iter().copied();
    let digits = bytes.take_while(u8::is_ascii_digit).collect();
    String::from_utf8(digits).ok()?.parse().ok()
}

impl Ledger {
    pub(super) fn publish(&mut self, publisher: usize, wish: Wish) -> Number {
        self.published.push(Published {
            publisher,
            wish,
            handed: 0,
            deadline: None,
            never_expires: false,
            candidates: BTreeSet::new(),
            acknowledged: false,
        });
        self.published.len() - 1
    }

    /// The server is given the message. `expiry`: that the packet carries; `candidates`: whose subscriptions are in
    /// force. A QoS 2 message that comes again is not routed again.
    pub(super) fn handed(
        &mut self,
        number: Number,
        expiry: Option<u32>,
        candidates: impl Iterator<Item = usize>,
        now: Duration,
    ) {
        let message = &mut self.published[number];
        message.handed += 1;
        match expiry {
            Some(seconds) => {
                let deadline = now + Duration::from_secs(u64::from(seconds.max(1)));
                message.deadline = message.deadline.max(Some(deadline));
            }
            None => message.never_expires = true,
        }
        if message.handed == 1 || message.wish.qos == QoS::AtLeastOnce {
            message.candidates = candidates.collect();
            // of the last time, whose acknowledgement was lost
            message.acknowledged = false;
        }
    }

    /// The server says that it has the message: from now on everybody who subscribed must get it.
    pub(super) fn acknowledged(&mut self, number: Number) {
        let message = &mut self.published[number];
        assert!(
            message.handed > 0,
            "{message:?} is acknowledged and was not sent"
        );
        message.acknowledged = true;
        if message.wish.expiry.is_none() {
            for subscriber in &message.candidates {
                self.copies[*subscriber].owed.insert(number);
            }
        }
    }

    /// Subscribers that must have the message and were not sent it yet.
    pub(super) fn without_copy(&self, number: Number) -> Vec<usize> {
        let message = &self.published[number];
        let candidates = message.candidates.iter().copied();
        candidates
            .filter(|_| message.wish.expiry.is_none())
            .filter(|subscriber| !self.copies[*subscriber].fresh.contains_key(&number))
            .collect()
    }

    /// Its subscriptions change: what is on its way may miss it.
    pub(super) fn unsettle(&mut self, subscriber: usize) {
        let pending = self.published.iter_mut().filter(|it| !it.acknowledged);
        for message in pending {
            message.candidates.remove(&subscriber);
        }
    }

    /// Its session has ended.
    pub(super) fn forget(&mut self, subscriber: usize) {
        for message in &mut self.published {
            message.candidates.remove(&subscriber);
        }
        self.copies[subscriber].owed.clear();
    }

    /// The server sends a copy.
    pub(super) fn sent(&mut self, subscriber: usize, publish: &Publish, now: Duration) {
        let Some(number) = number_of(publish) else {
            return;
        };
        let message = self.published.get(number);
        assert!(
            message.is_some_and(|it| it.handed > 0),
            "{publish:?} was not published"
        );
        let Some(message) = message else { return };
        assert_eq!(
            &*publish.topic, TOPICS[message.wish.topic],
            "the topic of {number}"
        );
        assert!(publish.qos <= message.wish.qos, "more QoS than {message:?}");
        assert_eq!(publish.payload, message.payload(number));
        if publish.dup {
            return;
        }
        check_expiry(message, publish, now);
        if publish.retain {
            return;
        }
        let copies = &mut self.copies[subscriber];
        let fresh = copies.fresh.entry(number).or_default();
        *fresh += 1;
        assert!(
            *fresh <= message.most_copies(),
            "{subscriber} is sent {number} again"
        );
        if message.most_copies() == 1 {
            let key = (message.publisher, message.wish.topic, publish.qos);
            let before = copies.newest.insert(key, number);
            assert!(before < Some(number), "{number} comes after {before:?}");
        }
    }

    /// The subscriber's application gets it.
    pub(super) fn applied(&mut self, subscriber: usize, publish: &Publish) {
        let Some(number) = number_of(publish).filter(|_| !publish.retain) else {
            return;
        };
        self.copies[subscriber].applied.insert(number);
        if publish.qos == QoS::AtLeastOnce {
            // once more for each time that it came back before it acknowledged
            return;
        }
        let once = self.copies[subscriber].once.entry(number).or_default();
        *once += 1;
        let most = self.published[number].most_copies();
        assert!(*once <= most, "{subscriber} has got {number} {once} times");
    }

    /// What was promised and has not come.
    pub(super) fn missing(&self) -> Vec<(usize, Number)> {
        let all = self.copies.iter().enumerate();
        all.flat_map(|(subscriber, copies)| {
            let owed = copies.owed.iter();
            owed.filter(|number| !copies.applied.contains(number))
                .map(move |number| (subscriber, *number))
        })
        .collect()
    }
}

/// Nothing is sent for the first time when it has expired, and what is left of its time is told [MQTT-3.3.2-6].
fn check_expiry(message: &Published, publish: &Publish, now: Duration) {
    let properties = publish.properties.as_ref();
    let told = properties.and_then(|properties| properties.expiry);
    if message.never_expires {
        return;
    }
    let Some(deadline) = message.deadline else {
        return;
    };
    assert!(now < deadline, "{message:?} has expired at {now:?}");
    let left = deadline.saturating_sub(now).as_secs();
    assert!(
        told.is_none_or(|told| u64::from(told) <= left),
        "{told:?} of {left}"
    );
}

//! A message on its way from its publisher to everybody.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::TopicName;
use crate::codec::{MessageProperties, QoS};

/// Shared between workers; owns its memory, so keeping it pins nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub topic: TopicName,
    pub payload: Bytes,
    pub qos: QoS,
    /// As published.
    pub retain: bool,
    pub properties: Option<Arc<MessageProperties>>,
    /// The publisher's client id, for subscriptions with *no local*.
    pub publisher: Arc<str>,
    pub expires_at: Option<Duration>,
}

impl Message {
    pub fn new(topic: TopicName, payload: &[u8], publisher: Arc<str>) -> Self {
        Self {
            topic,
            payload: Bytes::copy_from_slice(payload),
            qos: QoS::AtMostOnce,
            retain: false,
            properties: None,
            publisher,
            expires_at: None,
        }
    }

    #[must_use]
    pub fn with(self, qos: QoS, retain: bool) -> Self {
        Self {
            qos,
            retain,
            ..self
        }
    }

    /// Its expiry runs from now. Seconds are the standard's unit: one of 0 is over with the second that it came in, so
    /// that the message does not die on its way between two workers.
    #[must_use]
    pub fn with_properties(
        self,
        properties: Option<Arc<MessageProperties>>,
        now: Duration,
    ) -> Self {
        let expiry = properties.as_ref().and_then(|properties| properties.expiry);
        let expires_at = expiry.map(|seconds| now + Duration::from_secs(u64::from(seconds.max(1))));
        Self {
            properties,
            expires_at,
            ..self
        }
    }

    pub fn is_expired(&self, now: Duration) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Its properties with the expiry that is left [MQTT-3.3.2-6].
    pub fn properties_at(&self, now: Duration) -> Option<Arc<MessageProperties>> {
        let properties = self.properties.as_ref()?;
        let Some(left) = self.expires_at.map(|at| at.saturating_sub(now)) else {
            return Some(Arc::clone(properties));
        };
        // rounded up: 0 would say that it has expired, unless that is what its publisher said, or it is sent again too late
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        let expiry = properties.expiry.map(|told| told.min(seconds));
        if expiry == properties.expiry {
            return Some(Arc::clone(properties));
        }
        Some(Arc::new(MessageProperties {
            expiry,
            ..MessageProperties::clone(properties)
        }))
    }

    /// About the memory that it takes.
    pub fn size(&self) -> usize {
        let properties = self.properties.as_deref().map_or(0, properties_size);
        self.topic.as_str().len() + self.payload.len() + properties
    }
}

fn properties_size(properties: &MessageProperties) -> usize {
    let text = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| text.len());
    let user = |(name, value): &(Arc<str>, Arc<str>)| name.len() + value.len();
    text(&properties.content_type)
        + text(&properties.response_topic)
        + properties.correlation_data.as_ref().map_or(0, Bytes::len)
        + properties.user.iter().map(user).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expiry_that_is_left_is_told() {
        let seconds = Duration::from_secs;
        let properties = MessageProperties {
            expiry: Some(10),
            ..MessageProperties::default()
        };
        let topic = TopicName::new("t".into()).unwrap();
        let message = Message::new(topic, b"", "c".into())
            .with_properties(Some(Arc::new(properties)), seconds(5));
        let left = |now| message.properties_at(now).unwrap().expiry;
        assert_eq!(left(seconds(5)), Some(10));
        assert_eq!(left(Duration::from_millis(5_500)), Some(10));
        assert_eq!(left(seconds(14)), Some(1));
        assert_eq!(left(seconds(20)), Some(0));
        assert!(!message.is_expired(Duration::from_millis(14_999)));
        assert!(message.is_expired(seconds(15)));
    }

    #[test]
    fn an_expiry_of_zero_is_told_and_lasts_a_second() {
        let properties = MessageProperties {
            expiry: Some(0),
            ..MessageProperties::default()
        };
        let topic = TopicName::new("t".into()).unwrap();
        let message = Message::new(topic, b"", "c".into())
            .with_properties(Some(Arc::new(properties)), Duration::ZERO);
        let soon = Duration::from_millis(999);
        assert!(!message.is_expired(soon));
        assert_eq!(message.properties_at(soon).unwrap().expiry, Some(0));
        assert!(message.is_expired(Duration::from_secs(1)));
    }

    #[test]
    fn properties_count() {
        let topic = TopicName::new("t".into()).unwrap();
        let properties = MessageProperties {
            content_type: Some("12".into()),
            response_topic: Some("123".into()),
            correlation_data: Some(Bytes::from_static(b"1234")),
            user: vec![("12345".into(), "123456".into())],
            ..MessageProperties::default()
        };
        let message = Message::new(topic, b"1", "c".into())
            .with_properties(Some(Arc::new(properties)), Duration::ZERO);
        assert_eq!(message.size(), 1 + 1 + 2 + 3 + 4 + 5 + 6);
    }
}

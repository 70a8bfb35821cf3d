//! Subscriptions that several clients share (MQTT 5 section 4.8.2).

use std::sync::Arc;

use super::topic::SHARED_PREFIX;
use super::{FilterError, TopicFilter};

/// The clients that share one filter under one name, each message for one of them. The same name with another filter
/// is another group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group {
    /// Not empty, without `/`, `+` and `#` [MQTT-4.8.2-1], [MQTT-4.8.2-2].
    share_name: Box<str>,
    filter: TopicFilter,
}

impl Group {
    pub fn share_name(&self) -> &str {
        &self.share_name
    }

    pub fn filter(&self) -> &TopicFilter {
        &self.filter
    }
}

/// What one filter of a SUBSCRIBE or UNSUBSCRIBE names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFilter {
    /// A subscription of the client's own.
    Own(TopicFilter),
    /// Membership in a group.
    Shared(Arc<Group>),
}

impl ClientFilter {
    pub fn new(text: Arc<str>) -> Result<Self, FilterError> {
        let Some(shared) = text.strip_prefix(SHARED_PREFIX) else {
            return TopicFilter::new(text).map(Self::Own);
        };
        let (share_name, filter) = shared.split_once('/').ok_or(FilterError::ShareName)?;
        if share_name.is_empty() || share_name.contains(['+', '#']) {
            return Err(FilterError::ShareName);
        }
        Ok(Self::Shared(Arc::new(Group {
            share_name: share_name.into(),
            filter: TopicFilter::new(filter.into())?,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Result<ClientFilter, FilterError> {
        ClientFilter::new(text.into())
    }

    #[test]
    fn a_shared_filter_has_a_name_and_a_filter() {
        for (text, name, shared) in [
            ("$share/g/t", "g", "t"),
            ("$share/two words/a/+/#", "two words", "a/+/#"),
            ("$share/g//t", "g", "/t"),
            ("$share/$g/#", "$g", "#"),
            ("$share/g/$SYS/#", "g", "$SYS/#"),
        ] {
            let Ok(ClientFilter::Shared(group)) = filter(text) else {
                panic!("{text} is not shared")
            };
            assert_eq!(
                (group.share_name(), group.filter().as_str()),
                (name, shared),
                "{text}"
            );
        }
        for text in ["t", "$shared/g/t", "$share", "a/$share/g/t"] {
            let own = TopicFilter::new(text.into()).unwrap();
            assert_eq!(filter(text), Ok(ClientFilter::Own(own)), "{text}");
        }
    }

    #[test]
    fn what_is_no_shared_filter() {
        for (text, error) in [
            ("$share/", FilterError::ShareName),
            ("$share/g", FilterError::ShareName),
            ("$share//t", FilterError::ShareName),
            ("$share/+/t", FilterError::ShareName),
            ("$share/g#/t", FilterError::ShareName),
            ("$share/g/", FilterError::Empty),
            ("$share/g/a#", FilterError::Wildcard),
            ("$share/g/$share/h/t", FilterError::Shared),
        ] {
            assert_eq!(filter(text), Err(error), "{text}");
        }
    }
}

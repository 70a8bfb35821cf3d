//! What the sessions of one worker subscribed to.

use super::subscribers::{Crowds, SessionIndex, Subscribers, SubscriptionOptions};
use super::{FilterId, TopicFilter, TopicName, Trie};

#[derive(Debug, Default)]
pub struct Subscriptions {
    filters: Trie<Subscribers>,
    crowds: Crowds,
}

impl Subscriptions {
    /// Adds or replaces; `true`: the session did not have the filter.
    pub fn insert(
        &mut self,
        filter: &TopicFilter,
        session: SessionIndex,
        options: SubscriptionOptions,
    ) -> (FilterId, bool) {
        let id = self.filters.reach(filter);
        let crowds = &mut self.crowds;
        let insert = |all: &mut Subscribers| all.insert(crowds, session, options);
        let is_new = self.filters.change(id, insert, Subscribers::is_empty);
        (id, is_new == Some(true))
    }

    /// The session has the filter.
    pub fn remove(&mut self, id: FilterId, session: SessionIndex) {
        let crowds = &mut self.crowds;
        let remove = |all: &mut Subscribers| all.remove(crowds, session);
        self.filters.change(id, remove, Subscribers::is_empty);
    }

    /// The filter's number and the session's options, if the session has it.
    pub fn get(
        &self,
        filter: &TopicFilter,
        session: SessionIndex,
    ) -> Option<(FilterId, SubscriptionOptions)> {
        let id = self.filters.find(filter)?;
        let options = self.filters.at(id)?.get(&self.crowds, session)?;
        Some((id, options))
    }

    /// Sessions that have the filter.
    pub fn subscribers(&self, id: FilterId) -> usize {
        self.filters.at(id).map_or(0, |all| all.len(&self.crowds))
    }

    /// The filter with this number, written out.
    pub fn filter(&self, id: FilterId) -> Option<TopicFilter> {
        self.filters.filter(id)
    }

    /// Calls `each` with whoever has a filter that matches, once for each such filter. Returns how many filters there
    /// are.
    pub fn matching(
        &self,
        topic: &TopicName,
        mut each: impl FnMut(SessionIndex, SubscriptionOptions),
    ) -> usize {
        let mut filters = 0;
        self.filters.matching(topic, |subscribers| {
            filters += usize::from(!subscribers.is_empty());
            subscribers.for_each(&self.crowds, &mut each);
        });
        filters
    }

    /// Levels, nodes and whole filters in use: 0 when nothing is kept.
    #[cfg(test)]
    pub(crate) fn levels(&self) -> usize {
        self.filters.levels()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::codec::QoS;

    fn filter() -> impl Strategy<Value = TopicFilter> {
        const FILTERS: [&str; 11] = [
            "a", "a/b", "a/c", "+", "#", "a/#", "a/+", "+/b", "a/b/#", "$x/a", "$x/#",
        ];
        prop::sample::select(&FILTERS[..]).prop_map(|text| TopicFilter::new(text.into()).unwrap())
    }

    const fn options(qos: QoS) -> SubscriptionOptions {
        SubscriptionOptions {
            qos,
            no_local: false,
            retain_as_published: false,
            id: None,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is added, replaced and taken away: a topic reaches whom a list of all subscriptions says.
        #[test]
        fn a_topic_reaches_who_a_list_says(
            edits in prop::collection::vec((filter(), 0..30_u32, 0..4_usize), 0..300),
        ) {
            let (mut subscriptions, mut list) = (Subscriptions::default(), BTreeMap::new());
            for (filter, session, what) in edits {
                let session = SessionIndex(session);
                let known = subscriptions.get(&filter, session);
                let listed = list.get(&(filter.clone(), session)).copied();
                prop_assert_eq!(known.map(|(_, options)| options.qos), listed);
                if let Some(qos) = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce].get(what) {
                    let (id, is_new) = subscriptions.insert(&filter, session, options(*qos));
                    prop_assert_eq!(subscriptions.filter(id), Some(filter.clone()));
                    prop_assert_eq!(is_new, listed.is_none());
                    list.insert((filter, session), *qos);
                } else if let Some((id, _)) = known {
                    subscriptions.remove(id, session);
                    list.remove(&(filter, session));
                }
            }
            for topic in ["a", "a/b", "a/c", "b", "a/b/c", "$x/a"] {
                let topic = TopicName::new(topic.into()).unwrap();
                let mut found = Vec::new();
                let filters = subscriptions.matching(&topic, |session, options| {
                    found.push((session, options.qos));
                });
                let matching = list.iter().filter(|((filter, _), _)| filter.matches(&topic));
                let mut expected: Vec<_> =
                    matching.clone().map(|((_, session), qos)| (*session, *qos)).collect();
                found.sort();
                expected.sort();
                prop_assert_eq!(found, expected);
                let mut distinct: Vec<_> = matching.map(|((filter, _), _)| filter).collect();
                distinct.dedup();
                prop_assert_eq!(filters, distinct.len());
            }
            for (filter, session) in list.into_keys() {
                if let Some((id, _)) = subscriptions.get(&filter, session) {
                    subscriptions.remove(id, session);
                }
            }
            prop_assert_eq!(subscriptions.levels(), 0);
        }
    }
}

//! The route table: filters by number, and all that match a topic.

use super::exact::Exact;
use super::tree::{End, NodeId, Tree};
use super::{TopicFilter, TopicName};

/// The number of a filter as long as it has a value: what a session keeps of its filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilterId(u32);

/// The filter is in the tree; the number is its node's.
const IN_TREE: u32 = 1 << 31;
/// And it ends with a `#`. A billion are left for nodes, which are more memory than one worker has.
const HASH: u32 = 1 << 30;

/// Where a filter's value is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Exact(u32),
    Tree(End),
}

impl From<Place> for FilterId {
    fn from(place: Place) -> Self {
        Self(match place {
            Place::Exact(place) => place,
            Place::Tree(End { node, hash: false }) => IN_TREE | node.place(),
            Place::Tree(End { node, hash: true }) => IN_TREE | HASH | node.place(),
        })
    }
}

impl From<FilterId> for Place {
    fn from(FilterId(number): FilterId) -> Self {
        if number & IN_TREE == 0 {
            Self::Exact(number)
        } else {
            Self::Tree(End {
                node: NodeId::at(number & !(IN_TREE | HASH)),
                hash: number & HASH != 0,
            })
        }
    }
}

/// A value for each filter. A value that equals its default takes no room once `change` returns.
///
/// Most filters have no wildcard: these are in a table, the others in a tree. Each filter's text is here once, whoever
/// subscribes to it.
#[derive(Debug)]
pub struct Trie<V> {
    exact: Exact<V>,
    tree: Tree<V>,
}

impl<V: Default> Default for Trie<V> {
    fn default() -> Self {
        Self {
            exact: Exact::default(),
            tree: Tree::default(),
        }
    }
}

impl<V: Default> Trie<V> {
    /// The number of a filter, made if there is none. `change` must follow, or an empty value stays.
    pub fn reach(&mut self, filter: &TopicFilter) -> FilterId {
        let place = if filter.is_concrete() {
            Place::Exact(self.exact.reach(filter.as_str()))
        } else {
            Place::Tree(self.tree.reach(filter))
        };
        place.into()
    }

    /// The number of a filter that may have a value.
    pub fn find(&self, filter: &TopicFilter) -> Option<FilterId> {
        let place = if filter.is_concrete() {
            Place::Exact(self.exact.find(filter.as_str())?)
        } else {
            Place::Tree(self.tree.find(filter)?)
        };
        Some(place.into())
    }

    /// Changes a value; `is_empty` says afterwards whether it is worth keeping.
    pub fn change<R>(
        &mut self,
        id: FilterId,
        change: impl FnOnce(&mut V) -> R,
        is_empty: impl Fn(&V) -> bool,
    ) -> Option<R> {
        match id.into() {
            Place::Exact(place) => {
                let value = self.exact.get_mut(place)?;
                let result = change(value);
                if is_empty(value) {
                    self.exact.remove(place);
                }
                Some(result)
            }
            Place::Tree(end) => {
                let result = change(self.tree.get_mut(end)?);
                self.tree.prune(end.node, is_empty);
                Some(result)
            }
        }
    }

    /// Changes the value of a filter that may have none.
    pub fn update<R>(
        &mut self,
        filter: &TopicFilter,
        change: impl FnOnce(&mut V) -> R,
        is_empty: impl Fn(&V) -> bool,
    ) -> Option<R> {
        let id = self.reach(filter);
        self.change(id, change, is_empty)
    }

    pub fn at(&self, id: FilterId) -> Option<&V> {
        match id.into() {
            Place::Exact(place) => self.exact.get(place),
            Place::Tree(end) => self.tree.get(end),
        }
    }

    /// The value of one filter.
    pub fn get(&self, filter: &TopicFilter) -> Option<&V> {
        self.at(self.find(filter)?)
    }

    /// The filter with this number, written out.
    pub fn filter(&self, id: FilterId) -> Option<TopicFilter> {
        let text = match id.into() {
            Place::Exact(place) => self.exact.text(place)?.into(),
            Place::Tree(end) => self.tree.text(end)?.into(),
        };
        TopicFilter::new(text).ok()
    }

    /// Calls `found` with the value of each filter that matches. Values on the way to longer filters are among them:
    /// they are defaults.
    pub fn matching<'a>(&'a self, topic: &TopicName, mut found: impl FnMut(&'a V)) {
        let exact = self.exact.find(topic.as_str());
        if let Some(value) = exact.and_then(|place| self.exact.get(place)) {
            found(value);
        }
        self.tree.matching(topic, found);
    }

    /// Levels, nodes and whole filters in use: 0 when nothing is kept.
    #[cfg(test)]
    pub(crate) fn levels(&self) -> usize {
        self.exact.len() + self.tree.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    type Names = BTreeSet<String>;

    fn add(trie: &mut Trie<Names>, filter: &str) {
        let filter = TopicFilter::new(filter.into()).unwrap();
        trie.update(
            &filter,
            |names| names.insert(filter.as_str().into()),
            BTreeSet::is_empty,
        );
    }

    fn remove(trie: &mut Trie<Names>, filter: &str) {
        let filter = TopicFilter::new(filter.into()).unwrap();
        trie.update(
            &filter,
            |names| names.remove(filter.as_str()),
            BTreeSet::is_empty,
        );
    }

    fn found(trie: &Trie<Names>, topic: &TopicName) -> Names {
        let mut all = Names::new();
        trie.matching(topic, |names| all.extend(names.iter().cloned()));
        all
    }

    /// Few levels, so that filters and topics meet.
    fn level() -> impl Strategy<Value = String> {
        prop_oneof![Just("a"), Just("b"), Just(""), Just("$x"), Just("c")].prop_map(String::from)
    }

    fn topic() -> impl Strategy<Value = TopicName> {
        prop::collection::vec(level(), 1..5).prop_filter_map("empty", |levels| {
            TopicName::new(levels.join("/").into()).ok()
        })
    }

    fn filter() -> impl Strategy<Value = String> {
        let level = prop_oneof![3 => level(), 1 => Just("+".to_owned())];
        (prop::collection::vec(level, 1..5), any::<bool>()).prop_filter_map(
            "empty",
            |(mut levels, multi)| {
                if multi {
                    levels.push("#".to_owned());
                }
                let text = levels.join("/");
                TopicFilter::new(text.clone().into()).ok().map(|_| text)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn finds_what_a_naive_matcher_finds(
            edits in prop::collection::vec((filter(), prop::bool::weighted(0.7)), 0..40),
            topics in prop::collection::vec(topic(), 1..10),
        ) {
            let (mut trie, mut model) = (Trie::default(), Names::new());
            for (filter, added) in edits {
                if added {
                    add(&mut trie, &filter);
                    model.insert(filter);
                } else {
                    remove(&mut trie, &filter);
                    model.remove(&filter);
                }
            }
            for filter in &model {
                let filter = TopicFilter::new(filter.as_str().into()).unwrap();
                let names = trie.get(&filter).map(|names| names.iter().cloned().collect::<Vec<_>>());
                prop_assert_eq!(names, Some(vec![filter.as_str().to_owned()]));
                let id = trie.find(&filter);
                prop_assert_eq!(id.and_then(|id| trie.filter(id)), Some(filter));
            }
            for topic in topics {
                let expected: Names = model
                    .iter()
                    .filter(|filter| TopicFilter::new(filter.as_str().into()).unwrap().matches(&topic))
                    .cloned()
                    .collect();
                prop_assert_eq!(found(&trie, &topic), expected, "{:?}", topic);
            }
        }

        #[test]
        fn finds_filters_of_many_levels(depth in 1..40_usize, plus in 0..40_usize) {
            let levels = vec!["a"; depth];
            let mut filter = levels.clone();
            if let Some(level) = filter.get_mut(plus) {
                *level = "+";
            }
            let mut trie = Trie::default();
            add(&mut trie, &filter.join("/"));
            add(&mut trie, &format!("{}/#", levels.join("/")));
            let topic = TopicName::new(levels.join("/").into()).unwrap();
            prop_assert_eq!(found(&trie, &topic).len(), 2);
        }

        #[test]
        fn keeps_nothing_when_all_are_removed(filters in prop::collection::vec(filter(), 0..40)) {
            let mut trie = Trie::default();
            for filter in &filters {
                add(&mut trie, filter);
            }
            for filter in &filters {
                remove(&mut trie, filter);
            }
            prop_assert_eq!(trie.levels(), 0);
        }
    }
}

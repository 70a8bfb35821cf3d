//! Filters, to find all that match a topic: a table of those without a wildcard, a tree of levels for the others.

use std::collections::HashMap;
use std::num::NonZeroU32;

use super::interner::{Interner, LevelId};
use super::{TopicFilter, TopicName};

/// One more than its place, so that an `Option` of it takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct NodeId(NonZeroU32);

const ROOT: NodeId = NodeId(NonZeroU32::MIN);

impl NodeId {
    fn of(place: usize) -> Self {
        // four billion nodes are more memory than any machine has
        let number = u32::try_from(place + 1).ok().and_then(NonZeroU32::new);
        Self(number.unwrap_or(NonZeroU32::MAX))
    }

    fn place(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Levels of a topic that are looked up without a list of their own.
const SHALLOW: usize = 16;

#[derive(Debug)]
struct Node<V> {
    parent: NodeId,
    /// How the parent reaches it.
    edge: Edge,
    /// What is stored for the filter that ends here.
    value: V,
    /// Nodes below it.
    children: u32,
    plus: Option<NodeId>,
    hash: Option<NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Level(LevelId),
    Plus,
    Hash,
}

/// A value for each filter. A value that equals its default takes no room once `update` returns.
///
/// Most filters have no wildcard. In the tree each of their levels would cost a node and an edge; in a table they cost
/// one entry, whose text is the session's own.
///
/// The children of all nodes share one table keyed by (node, level): a table of its own for each node would cost more
/// than the node where most nodes have one child, as under `gw/<id>/…`.
#[derive(Debug)]
pub struct Trie<V> {
    exact: HashMap<TopicFilter, V>,
    interner: Interner,
    edges: HashMap<(NodeId, LevelId), NodeId>,
    nodes: Vec<Option<Node<V>>>,
    free: Vec<NodeId>,
}

impl<V: Default> Default for Trie<V> {
    fn default() -> Self {
        let root = Node {
            parent: ROOT,
            edge: Edge::Hash,
            value: V::default(),
            children: 0,
            plus: None,
            hash: None,
        };
        Self {
            exact: HashMap::new(),
            interner: Interner::default(),
            edges: HashMap::new(),
            nodes: vec![Some(root)],
            free: Vec::new(),
        }
    }
}

impl<V: Default> Trie<V> {
    /// Changes the value of a filter; `is_empty` says afterwards whether it is worth keeping.
    pub fn update<R>(
        &mut self,
        filter: &TopicFilter,
        change: impl FnOnce(&mut V) -> R,
        is_empty: impl Fn(&V) -> bool,
    ) -> Option<R> {
        if filter.is_concrete() {
            let value = self.exact.entry(filter.clone()).or_default();
            let result = change(value);
            if is_empty(value) {
                self.exact.remove(filter);
            }
            return Some(result);
        }
        let id = self.reach(filter);
        let node = self.node_mut(id)?;
        let result = change(&mut node.value);
        self.prune(id, is_empty);
        Some(result)
    }

    /// The value of one filter.
    pub fn get(&self, filter: &TopicFilter) -> Option<&V> {
        if filter.is_concrete() {
            return self.exact.get(filter);
        }
        let mut at = ROOT;
        for level in filter.levels() {
            let node = self.node(at)?;
            at = match level {
                "+" => node.plus?,
                "#" => node.hash?,
                level => *self.edges.get(&(at, self.interner.find(level)?))?,
            };
        }
        self.node(at).map(|node| &node.value)
    }

    /// Calls `found` with the value of each filter that matches. Values of nodes on the way to longer filters are
    /// among them: they are defaults.
    pub fn matching<'a>(&'a self, topic: &TopicName, mut found: impl FnMut(&'a V)) {
        if let Some(value) = self.exact.get(topic.as_str()) {
            found(value);
        }
        let mut shallow = [None; SHALLOW];
        let mut levels = topic.levels().map(|level| self.interner.find(level));
        let mut depth = 0;
        for (slot, level) in shallow.iter_mut().zip(&mut levels) {
            *slot = level;
            depth += 1;
        }
        let deeper: Vec<_> = levels.collect();
        if deeper.is_empty() {
            self.walk(ROOT, &shallow[..depth], topic.is_system(), &mut found);
        } else {
            let levels = [&shallow[..], &deeper].concat();
            self.walk(ROOT, &levels, topic.is_system(), &mut found);
        }
    }

    fn walk<'a>(
        &'a self,
        at: NodeId,
        rest: &[Option<LevelId>],
        system: bool,
        found: &mut impl FnMut(&'a V),
    ) {
        let Some(node) = self.node(at) else {
            return;
        };
        if let Some(hash) = node
            .hash
            .filter(|_| !system)
            .and_then(|hash| self.node(hash))
        {
            found(&hash.value);
        }
        let Some((level, below)) = rest.split_first() else {
            found(&node.value);
            return;
        };
        if let Some(plus) = node.plus.filter(|_| !system) {
            self.walk(plus, below, false, found);
        }
        let child = level.and_then(|level| self.edges.get(&(at, level)));
        if let Some(child) = child {
            self.walk(*child, below, false, found);
        }
    }

    /// Levels and whole filters in use: 0 when nothing is kept.
    #[cfg(test)]
    pub(crate) fn levels(&self) -> usize {
        self.exact.len() + self.interner.len()
    }

    fn node(&self, id: NodeId) -> Option<&Node<V>> {
        self.nodes.get(id.place())?.as_ref()
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node<V>> {
        self.nodes.get_mut(id.place())?.as_mut()
    }

    /// The node of a filter, made if it is not there.
    fn reach(&mut self, filter: &TopicFilter) -> NodeId {
        filter.levels().fold(ROOT, |at, level| match level {
            "+" => self.wildcard(at, Edge::Plus),
            "#" => self.wildcard(at, Edge::Hash),
            level => self.child(at, level),
        })
    }

    fn wildcard(&mut self, at: NodeId, edge: Edge) -> NodeId {
        let known = self.node(at).and_then(|node| {
            if edge == Edge::Plus {
                node.plus
            } else {
                node.hash
            }
        });
        known.unwrap_or_else(|| {
            let new = self.add(at, edge);
            if let Some(node) = self.node_mut(at) {
                if edge == Edge::Plus {
                    node.plus = Some(new);
                } else {
                    node.hash = Some(new);
                }
            }
            new
        })
    }

    fn child(&mut self, at: NodeId, level: &str) -> NodeId {
        let known = self
            .interner
            .find(level)
            .and_then(|level| self.edges.get(&(at, level)));
        if let Some(child) = known {
            return *child;
        }
        let level = self.interner.acquire(level);
        let new = self.add(at, Edge::Level(level));
        self.edges.insert((at, level), new);
        new
    }

    fn add(&mut self, parent: NodeId, edge: Edge) -> NodeId {
        let node = Node {
            parent,
            edge,
            value: V::default(),
            children: 0,
            plus: None,
            hash: None,
        };
        if let Some(parent) = self.node_mut(parent) {
            parent.children += 1;
        }
        if let Some(id) = self.free.pop() {
            self.nodes[id.place()] = Some(node);
            return id;
        }
        self.nodes.push(Some(node));
        NodeId::of(self.nodes.len() - 1)
    }

    /// Removes a node without value and children, and those above it that only led to it.
    fn prune(&mut self, mut id: NodeId, is_empty: impl Fn(&V) -> bool) {
        let useless = |node: &Node<V>| node.children == 0 && is_empty(&node.value);
        while id != ROOT && self.node(id).is_some_and(useless) {
            let Some(node) = self.nodes[id.place()].take() else {
                return;
            };
            self.free.push(id);
            self.unlink(node.parent, node.edge);
            id = node.parent;
        }
    }

    fn unlink(&mut self, parent: NodeId, edge: Edge) {
        if let Edge::Level(level) = edge {
            self.edges.remove(&(parent, level));
            self.interner.release(level);
        }
        if let Some(node) = self.node_mut(parent) {
            node.children -= 1;
            match edge {
                Edge::Plus => node.plus = None,
                Edge::Hash => node.hash = None,
                Edge::Level(_) => {}
            }
        }
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
            prop_assert_eq!((trie.levels(), trie.edges.len()), (0, 0));
            prop_assert_eq!(trie.nodes.len() - trie.free.len(), 1);
        }
    }
}

//! Filters with a wildcard: a tree of their levels.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;

use hashbrown::HashTable;

use super::interner::{Interner, LevelId};
use super::slab::Slab;
use super::{TopicFilter, TopicName};

/// One more than its place, so that an `Option` of it takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeId(NonZeroU32);

const ROOT: NodeId = NodeId(NonZeroU32::MIN);

impl NodeId {
    pub(super) fn at(place: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(place))
    }

    pub(super) fn place(self) -> u32 {
        self.0.get() - 1
    }
}

/// Where a filter ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) node: NodeId,
    /// It goes on with a `#`, for which no node is needed: nothing comes behind.
    pub(super) hash: bool,
}

/// Levels of a topic that are looked up without a list of their own.
const SHALLOW: usize = 16;

#[derive(Debug)]
struct Node<V> {
    parent: NodeId,
    /// What the parent reaches it by; `None`: by a `+`.
    level: Option<LevelId>,
    plus: Option<NodeId>,
    /// Nodes below it.
    children: u32,
    /// Of the filter that ends here.
    value: V,
    /// Of the filter that ends here with a `#`.
    hash: V,
}

/// A value for each filter.
///
/// The children of all nodes share one table: a table of its own for each node would cost more than the node where most
/// nodes have one child, as under `gw/<id>/…`.
#[derive(Debug)]
pub(super) struct Tree<V> {
    hasher: RandomState,
    interner: Interner,
    /// Nodes that their parent reaches by a level, by the hash of both.
    children: HashTable<NodeId>,
    nodes: Slab<Node<V>>,
}

impl<V: Default> Default for Tree<V> {
    fn default() -> Self {
        let mut nodes = Slab::default();
        nodes.insert(Node::below(ROOT, None));
        Self {
            hasher: RandomState::default(),
            interner: Interner::default(),
            children: HashTable::new(),
            nodes,
        }
    }
}

impl<V: Default> Node<V> {
    fn below(parent: NodeId, level: Option<LevelId>) -> Self {
        Self {
            parent,
            level,
            plus: None,
            children: 0,
            value: V::default(),
            hash: V::default(),
        }
    }
}

impl<V: Default> Tree<V> {
    pub(super) fn find(&self, filter: &TopicFilter) -> Option<End> {
        let mut node = ROOT;
        for level in filter.levels() {
            node = match level {
                "+" => self.node(node)?.plus?,
                // it is the last
                "#" => return Some(End { node, hash: true }),
                level => self.child(node, self.interner.find(level)?)?,
            };
        }
        Some(End { node, hash: false })
    }

    /// The filter's end, now if not before.
    pub(super) fn reach(&mut self, filter: &TopicFilter) -> End {
        let mut node = ROOT;
        for level in filter.levels() {
            node = match level {
                "+" => self.reach_plus(node),
                "#" => return End { node, hash: true },
                level => self.reach_child(node, level),
            };
        }
        End { node, hash: false }
    }

    pub(super) fn get(&self, end: End) -> Option<&V> {
        let node = self.node(end.node)?;
        Some(if end.hash { &node.hash } else { &node.value })
    }

    pub(super) fn get_mut(&mut self, end: End) -> Option<&mut V> {
        let node = self.nodes.get_mut(end.node.place())?;
        Some(if end.hash {
            &mut node.hash
        } else {
            &mut node.value
        })
    }

    /// The text of a filter that has a value.
    pub(super) fn text(&self, end: End) -> Option<String> {
        let mut levels = Vec::from_iter(end.hash.then_some("#"));
        let mut at = end.node;
        while at != ROOT {
            let node = self.node(at)?;
            levels.push(match node.level {
                None => "+",
                Some(level) => self.interner.text(level)?,
            });
            at = node.parent;
        }
        levels.reverse();
        Some(levels.join("/"))
    }

    /// Calls `found` with the value of each filter that matches. Values on the way to longer filters are among them:
    /// they are defaults.
    pub(super) fn matching<'a>(&'a self, topic: &TopicName, mut found: impl FnMut(&'a V)) {
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
        if !system {
            found(&node.hash);
        }
        let Some((level, below)) = rest.split_first() else {
            found(&node.value);
            return;
        };
        if let Some(plus) = node.plus.filter(|_| !system) {
            self.walk(plus, below, false, found);
        }
        if let Some(child) = level.and_then(|level| self.child(at, level)) {
            self.walk(child, below, false, found);
        }
    }

    fn node(&self, id: NodeId) -> Option<&Node<V>> {
        self.nodes.get(id.place())
    }

    fn child(&self, parent: NodeId, level: LevelId) -> Option<NodeId> {
        let is_it = |id: &NodeId| {
            let node = self.node(*id);
            node.is_some_and(|node| node.parent == parent && node.level == Some(level))
        };
        let hash = self.hasher.hash_one((parent, level));
        self.children.find(hash, is_it).copied()
    }

    fn reach_plus(&mut self, parent: NodeId) -> NodeId {
        if let Some(known) = self.node(parent).and_then(|node| node.plus) {
            return known;
        }
        let new = self.add(parent, None);
        if let Some(parent) = self.nodes.get_mut(parent.place()) {
            parent.plus = Some(new);
        }
        new
    }

    fn reach_child(&mut self, parent: NodeId, level: &str) -> NodeId {
        let known = self.interner.find(level);
        if let Some(known) = known.and_then(|level| self.child(parent, level)) {
            return known;
        }
        let level = self.interner.acquire(level);
        let new = self.add(parent, Some(level));
        let (hasher, nodes) = (&self.hasher, &self.nodes);
        let hash_of = |id: &NodeId| {
            let node = nodes.get(id.place());
            let key = node.and_then(|node| Some((node.parent, node.level?)));
            key.map_or(0, |key| hasher.hash_one(key))
        };
        let hash = hasher.hash_one((parent, level));
        self.children.insert_unique(hash, new, hash_of);
        new
    }

    fn add(&mut self, parent: NodeId, level: Option<LevelId>) -> NodeId {
        if let Some(parent) = self.nodes.get_mut(parent.place()) {
            parent.children += 1;
        }
        NodeId::at(self.nodes.insert(Node::below(parent, level)))
    }

    /// Removes a node without values and children, and those above it that only led to it.
    pub(super) fn prune(&mut self, mut id: NodeId, is_empty: impl Fn(&V) -> bool) {
        let useless =
            |node: &Node<V>| node.children == 0 && is_empty(&node.value) && is_empty(&node.hash);
        while id != ROOT && self.node(id).is_some_and(useless) {
            let Some(node) = self.nodes.remove(id.place()) else {
                return;
            };
            if let Some(level) = node.level {
                let hash = self.hasher.hash_one((node.parent, level));
                if let Ok(entry) = self.children.find_entry(hash, |known| *known == id) {
                    entry.remove();
                }
                self.interner.release(level);
            }
            if let Some(parent) = self.nodes.get_mut(node.parent.place()) {
                parent.children -= 1;
                if node.level.is_none() {
                    parent.plus = None;
                }
            }
            id = node.parent;
        }
        if self.children.is_empty() {
            self.children = HashTable::new();
        }
    }

    /// Levels and nodes beside the root in use: 0 when nothing is kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.interner.len() + self.children.len() + self.nodes.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::super::subscribers::Subscribers;
    use super::*;

    #[test]
    fn a_node_is_small() {
        assert_eq!(size_of::<Option<Node<Subscribers>>>(), 32);
    }
}

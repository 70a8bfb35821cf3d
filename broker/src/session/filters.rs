//! The filters that a session subscribed to.

use crate::routing::FilterId;

/// Their numbers, in no order; texts and options are in the route table. An idle client keeps this list for as long as it
/// is connected, so that it grows by little more than it must.
#[derive(Debug, Default)]
pub(super) struct Filters(Vec<FilterId>);

/// Places that are made at once; more for a list that is long.
const ROOM: usize = 2;

impl Filters {
    /// It is not among them.
    pub(super) fn push(&mut self, filter: FilterId) {
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact(ROOM + self.0.len() / 16);
        }
        self.0.push(filter);
    }

    pub(super) fn remove(&mut self, filter: FilterId) {
        if let Some(at) = self.0.iter().position(|known| *known == filter) {
            self.0.swap_remove(at);
        }
        if self.0.len() < self.0.capacity() / 2 {
            self.0.shrink_to_fit();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn take(&mut self) -> Vec<FilterId> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::{TopicFilter, Trie};

    #[test]
    fn it_takes_little_more_than_it_must() {
        let mut trie: Trie<u8> = Trie::default();
        let mut id =
            |number: usize| trie.reach(&TopicFilter::new(number.to_string().into()).unwrap());
        let ids: Vec<_> = (0..1_000).map(&mut id).collect();
        let mut filters = Filters::default();
        for (before, id) in ids.iter().enumerate() {
            filters.push(*id);
            assert_eq!(filters.len(), before + 1);
            assert!(filters.0.capacity() <= before + ROOM + before / 16);
        }
        for (removed, id) in ids.iter().enumerate() {
            assert!(filters.0.contains(id));
            filters.remove(*id);
            filters.remove(*id);
            assert_eq!(filters.len(), 1_000 - removed - 1);
            assert!(!filters.0.contains(id));
        }
        assert_eq!(filters.0.capacity(), 0);
        filters.push(ids[0]);
        assert_eq!((filters.take(), filters.len()), (vec![ids[0]], 0));
    }
}

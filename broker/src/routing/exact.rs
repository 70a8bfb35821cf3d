//! Filters without a wildcard: a table by their text.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::short_text::ShortText;
use super::slab::Slab;

/// A value for each text. In a tree each level of these would cost a node; here each costs one entry and four bytes of
/// a table.
#[derive(Debug)]
pub(super) struct Exact<V> {
    hasher: RandomState,
    /// By the text's hash.
    places: HashTable<u32>,
    entries: Slab<Entry<V>>,
}

#[derive(Debug)]
struct Entry<V> {
    text: ShortText,
    value: V,
}

impl<V> Default for Exact<V> {
    fn default() -> Self {
        Self {
            hasher: RandomState::default(),
            places: HashTable::new(),
            entries: Slab::default(),
        }
    }
}

impl<V: Default> Exact<V> {
    /// The text's place, if it has one.
    pub(super) fn find(&self, text: &str) -> Option<u32> {
        let is_it = |place: &u32| {
            let entry = self.entries.get(*place);
            entry.is_some_and(|entry| entry.text.as_bytes() == text.as_bytes())
        };
        let hash = self.hasher.hash_one(text.as_bytes());
        self.places.find(hash, is_it).copied()
    }

    /// The text's place, now if not before.
    pub(super) fn reach(&mut self, text: &str) -> u32 {
        if let Some(place) = self.find(text) {
            return place;
        }
        let place = self.entries.insert(Entry {
            text: text.into(),
            value: V::default(),
        });
        let (hasher, entries) = (&self.hasher, &self.entries);
        let hash_of = |place: &u32| {
            let entry = entries.get(*place);
            entry.map_or(0, |entry| hasher.hash_one(entry.text.as_bytes()))
        };
        let hash = hasher.hash_one(text.as_bytes());
        self.places.insert_unique(hash, place, hash_of);
        place
    }

    pub(super) fn remove(&mut self, place: u32) {
        if let Some(entry) = self.entries.remove(place) {
            let hash = self.hasher.hash_one(entry.text.as_bytes());
            if let Ok(entry) = self.places.find_entry(hash, |known| *known == place) {
                entry.remove();
            }
        }
        if self.places.is_empty() {
            self.places = HashTable::new();
        }
    }

    pub(super) fn get(&self, place: u32) -> Option<&V> {
        self.entries.get(place).map(|entry| &entry.value)
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut V> {
        self.entries.get_mut(place).map(|entry| &mut entry.value)
    }

    pub(super) fn text(&self, place: u32) -> Option<&str> {
        self.entries.get(place).map(|entry| entry.text.as_str())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::subscribers::Subscribers;
    use super::*;

    #[test]
    fn a_text_has_one_place_until_it_is_removed() {
        let mut exact: Exact<usize> = Exact::default();
        let text = |number: usize| format!("gateway/{number}/{}", "x".repeat(number % 40));
        let places: Vec<_> = (0..1_000)
            .map(|number| exact.reach(&text(number)))
            .collect();
        for (number, place) in places.iter().enumerate() {
            assert_eq!(exact.reach(&text(number)), *place);
            assert_eq!(exact.text(*place), Some(&*text(number)));
        }
        for (number, place) in places.into_iter().enumerate() {
            assert_eq!(exact.find(&text(number)), Some(place));
            exact.remove(place);
            assert_eq!(exact.find(&text(number)), None);
        }
        assert_eq!((exact.len(), exact.places.capacity()), (0, 0));
    }

    #[test]
    fn an_entry_is_small() {
        assert_eq!(size_of::<Option<Entry<Subscribers>>>(), 32);
    }
}

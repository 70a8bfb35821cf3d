//! Topic levels as numbers, so that a tree compares and stores four bytes instead of a string.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;

use hashbrown::HashTable;

use super::short_text::ShortText;
use super::slab::Slab;

/// A level's text, as long as somebody uses it. One more than its place, so that an `Option` of it takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LevelId(NonZeroU32);

/// Counts the users of each level and forgets it with the last.
#[derive(Debug, Default)]
pub(super) struct Interner {
    hasher: RandomState,
    /// By the text's hash.
    ids: HashTable<LevelId>,
    levels: Slab<Level>,
}

#[derive(Debug)]
struct Level {
    text: ShortText,
    users: u32,
}

impl LevelId {
    fn at(place: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(place))
    }

    fn place(self) -> u32 {
        self.0.get() - 1
    }
}

impl Interner {
    /// The level's number, if anybody uses it.
    pub(super) fn find(&self, level: &str) -> Option<LevelId> {
        let is_it = |id: &LevelId| self.text_is(*id, level.as_bytes());
        self.ids.find(self.hash(level.as_bytes()), is_it).copied()
    }

    /// Adds a user.
    pub(super) fn acquire(&mut self, level: &str) -> LevelId {
        if let Some(id) = self.find(level) {
            if let Some(level) = self.levels.get_mut(id.place()) {
                level.users += 1;
            }
            return id;
        }
        let hash = self.hash(level.as_bytes());
        let (text, users) = (level.into(), 1);
        let id = LevelId::at(self.levels.insert(Level { text, users }));
        let (hasher, levels) = (&self.hasher, &self.levels);
        let hash_of = |id: &LevelId| {
            let level = levels.get(id.place());
            level.map_or(0, |level| hasher.hash_one(level.text.as_bytes()))
        };
        self.ids.insert_unique(hash, id, hash_of);
        id
    }

    /// Takes a user away.
    pub(super) fn release(&mut self, id: LevelId) {
        let Some(level) = self.levels.get_mut(id.place()) else {
            return;
        };
        level.users -= 1;
        if level.users > 0 {
            return;
        }
        if let Some(level) = self.levels.remove(id.place()) {
            let hash = self.hash(level.text.as_bytes());
            if let Ok(entry) = self.ids.find_entry(hash, |known| *known == id) {
                entry.remove();
            }
        }
        if self.ids.is_empty() {
            self.ids = HashTable::new();
        }
    }

    pub(super) fn text(&self, id: LevelId) -> Option<&str> {
        self.levels.get(id.place()).map(|level| level.text.as_str())
    }

    fn text_is(&self, id: LevelId, text: &[u8]) -> bool {
        let level = self.levels.get(id.place());
        level.is_some_and(|level| level.text.as_bytes() == text)
    }

    fn hash(&self, text: &[u8]) -> u64 {
        self.hasher.hash_one(text)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_lives_as_long_as_its_users() {
        let mut interner = Interner::default();
        let (a, b) = (interner.acquire("a"), interner.acquire("b"));
        assert_ne!(a, b);
        assert_eq!(interner.acquire("a"), a);
        interner.release(a);
        assert_eq!((interner.find("a"), interner.text(a)), (Some(a), Some("a")));
        interner.release(a);
        assert_eq!(
            (interner.find("a"), interner.find("b"), interner.len()),
            (None, Some(b), 1)
        );
        // its number is used again
        assert_eq!(interner.acquire("c"), a);
    }

    #[test]
    fn many_levels_are_told_apart() {
        let mut interner = Interner::default();
        let ids: Vec<_> = (0..1_000)
            .map(|n| interner.acquire(&n.to_string()))
            .collect();
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(interner.find(&number.to_string()), Some(*id));
        }
        for id in ids {
            interner.release(id);
        }
        assert_eq!((interner.len(), interner.ids.capacity()), (0, 0));
    }
}

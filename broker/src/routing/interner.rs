//! Topic levels as numbers, so that a trie compares and stores four bytes instead of a string.

use std::collections::HashMap;
use std::sync::Arc;

/// A level's text, as long as somebody uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LevelId(u32);

/// Counts the users of each level and forgets it with the last.
#[derive(Debug, Default)]
pub struct Interner {
    ids: HashMap<Arc<str>, LevelId>,
    levels: Vec<Option<(Arc<str>, u32)>>,
    free: Vec<LevelId>,
}

impl Interner {
    /// The level's number, if anybody uses it.
    pub fn find(&self, level: &str) -> Option<LevelId> {
        self.ids.get(level).copied()
    }

    /// Adds a user.
    pub fn acquire(&mut self, level: &str) -> LevelId {
        if let Some(id) = self.find(level) {
            if let Some(Some((_, users))) = self.levels.get_mut(id.0 as usize) {
                *users += 1;
            }
            return id;
        }
        let text: Arc<str> = level.into();
        let id = self.free.pop().unwrap_or_else(|| {
            self.levels.push(None);
            // four billion levels are more memory than any machine has
            LevelId(u32::try_from(self.levels.len() - 1).unwrap_or(u32::MAX))
        });
        self.levels[id.0 as usize] = Some((Arc::clone(&text), 1));
        self.ids.insert(text, id);
        id
    }

    /// Takes a user away.
    pub fn release(&mut self, id: LevelId) {
        let Some(slot) = self.levels.get_mut(id.0 as usize) else {
            return;
        };
        if let Some((text, users)) = slot {
            *users -= 1;
            if *users == 0 {
                self.ids.remove(text);
                *slot = None;
                self.free.push(id);
            }
        }
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
        assert_eq!(interner.find("a"), Some(a));
        interner.release(a);
        assert_eq!(
            (interner.find("a"), interner.find("b"), interner.len()),
            (None, Some(b), 1)
        );
        // its number is used again
        assert_eq!(interner.acquire("c"), a);
    }
}

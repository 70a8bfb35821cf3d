//! Values at places of their own: a place is four bytes and stays the same until its value is taken away.

#[derive(Debug)]
pub(super) struct Slab<T> {
    values: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    pub(super) fn insert(&mut self, value: T) -> u32 {
        if let Some(place) = self.free.pop() {
            self.values[place as usize] = Some(value);
            return place;
        }
        self.values.push(Some(value));
        // four billion values are more memory than any machine has
        u32::try_from(self.values.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn remove(&mut self, place: u32) -> Option<T> {
        let value = self.values.get_mut(place as usize)?.take()?;
        self.free.push(place);
        if self.len() == 0 {
            // what a crowd has taken is given back
            *self = Self::default();
        }
        Some(value)
    }

    pub(super) fn get(&self, place: u32) -> Option<&T> {
        self.values.get(place as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.values.get_mut(place as usize)?.as_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.values.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_memory_is_given_back() {
        let mut slab = Slab::default();
        let (a, b) = (slab.insert("a"), slab.insert("b"));
        assert_eq!((slab.get(a), slab.get(b)), (Some(&"a"), Some(&"b")));
        assert_eq!(slab.remove(a), Some("a"));
        assert_eq!((slab.remove(a), slab.get(a), slab.len()), (None, None, 1));
        assert_eq!(slab.insert("c"), a);
        if let Some(value) = slab.get_mut(b) {
            *value = "d";
        }
        assert_eq!((slab.remove(b), slab.remove(a)), (Some("d"), Some("c")));
        assert_eq!((slab.len(), slab.values.capacity()), (0, 0));
    }
}

//! The groups that a session is in.

use std::sync::Arc;

use crate::routing::Group;

/// Nearly always none, and hardly ever more than a few: a list that takes no memory while it is empty. The options are
/// with the group's members.
#[derive(Debug, Default)]
pub(super) struct Memberships(Vec<Arc<Group>>);

impl Memberships {
    /// `true`: it is new.
    pub(super) fn insert(&mut self, group: Arc<Group>) -> bool {
        let at = self.0.binary_search(&group);
        if let Err(at) = at {
            self.0.insert(at, group);
        }
        at.is_err()
    }

    /// `true`: it was there.
    pub(super) fn remove(&mut self, group: &Group) -> bool {
        let at = self.0.binary_search_by(|known| known.as_ref().cmp(group));
        if let Ok(at) = at {
            self.0.remove(at);
        }
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        at.is_ok()
    }

    pub(super) fn contains(&self, group: &Group) -> bool {
        self.0
            .binary_search_by(|known| known.as_ref().cmp(group))
            .is_ok()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn as_slice(&self) -> &[Arc<Group>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::ClientFilter;

    #[test]
    fn a_group_is_joined_and_left_once() {
        let group = |text: &str| match ClientFilter::new(text.into()) {
            Ok(ClientFilter::Shared(group)) => group,
            other => panic!("{other:?}"),
        };
        let mut memberships = Memberships::default();
        for text in ["$share/b/t", "$share/a/t", "$share/a/s"] {
            assert!(memberships.insert(group(text)), "{text}");
            assert!(!memberships.insert(group(text)), "{text}");
            assert!(memberships.contains(&group(text)), "{text}");
        }
        assert_eq!(memberships.len(), 3);
        for text in ["$share/b/t", "$share/a/s", "$share/a/t"] {
            assert!(memberships.remove(&group(text)), "{text}");
            assert!(!memberships.remove(&group(text)), "{text}");
        }
        assert!(memberships.as_slice().is_empty());
    }
}

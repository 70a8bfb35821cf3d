//! The groups that a session is in.

use std::sync::Arc;

use crate::routing::Group;

/// Nearly always none, and hardly ever more than a few: a list that takes one pointer while it is empty. The options are
/// with the group's members.
#[derive(Debug, Default)]
#[allow(clippy::box_collection)] // a list of its own takes three
pub(super) struct Memberships(Option<Box<Vec<Arc<Group>>>>);

impl Memberships {
    /// `true`: it is new.
    pub(super) fn insert(&mut self, group: Arc<Group>) -> bool {
        let groups = self.0.get_or_insert_default();
        let at = groups.binary_search(&group);
        if let Err(at) = at {
            groups.insert(at, group);
        }
        at.is_err()
    }

    /// `true`: it was there.
    pub(super) fn remove(&mut self, group: &Group) -> bool {
        let (Some(at), Some(groups)) = (self.position(group), &mut self.0) else {
            return false;
        };
        groups.remove(at);
        if groups.is_empty() {
            self.0 = None;
        }
        true
    }

    pub(super) fn contains(&self, group: &Group) -> bool {
        self.position(group).is_some()
    }

    fn position(&self, group: &Group) -> Option<usize> {
        let groups = self.as_slice();
        groups
            .binary_search_by(|known| known.as_ref().cmp(group))
            .ok()
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(super) fn as_slice(&self) -> &[Arc<Group>] {
        self.0.as_ref().map_or(&[], |groups| groups.as_slice())
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

//! What differs between the copies of one message.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::codec::QoS;
use crate::routing::Group;

/// How one client gets a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pub qos: QoS,
    pub retain: bool,
    pub ids: SubscriptionIds,
    /// The copy is for a member of this group: if the session ends before it is delivered, another member gets it.
    pub group: Option<Arc<Group>>,
}

/// The identifiers of the subscriptions that a copy is for (MQTT 5 section 3.3.4): nearly always none or one, which
/// take no memory of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionIds {
    #[default]
    None,
    One(NonZeroU32),
    /// More than one.
    Many(Arc<Vec<NonZeroU32>>),
}

impl SubscriptionIds {
    pub fn as_slice(&self) -> &[NonZeroU32] {
        match self {
            Self::None => &[],
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }
}

impl From<Option<NonZeroU32>> for SubscriptionIds {
    fn from(id: Option<NonZeroU32>) -> Self {
        id.map_or(Self::None, Self::One)
    }
}

/// Ordered, so that equal sets are equal. An identifier stands as often as it was used: the standard wants it so.
impl FromIterator<NonZeroU32> for SubscriptionIds {
    fn from_iter<T: IntoIterator<Item = NonZeroU32>>(ids: T) -> Self {
        let mut ids = ids.into_iter();
        let Some(first) = ids.next() else {
            return Self::None;
        };
        let Some(second) = ids.next() else {
            return Self::One(first);
        };
        let mut all: Vec<_> = [first, second].into_iter().chain(ids).collect();
        all.sort_unstable();
        Self::Many(Arc::new(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_equal_whatever_their_order() {
        let set = |ids: &[u32]| -> SubscriptionIds {
            ids.iter().map(|id| NonZeroU32::new(*id).unwrap()).collect()
        };
        assert_eq!(set(&[]), SubscriptionIds::None);
        assert_eq!(set(&[7]), SubscriptionIds::from(NonZeroU32::new(7)));
        assert_eq!(set(&[3, 1, 2]), set(&[1, 2, 3]));
        let shown = set(&[2, 1, 2]);
        let shown: Vec<_> = shown.as_slice().iter().map(|id| id.get()).collect();
        assert_eq!(shown, [1, 2, 2]);
    }
}

//! Who subscribed to one filter.

use std::collections::HashMap;
use std::num::NonZeroU32;

use crate::codec::{QoS, RetainHandling};

/// A session of this worker; its place in the session table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionIndex(pub u32);

/// What a client asked for, as far as it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionOptions {
    pub qos: QoS,
    pub no_local: bool,
    pub retain_as_published: bool,
    pub retain_handling: RetainHandling,
    /// The identifier that the client's copies carry (MQTT 5 section 3.8.2.1.2).
    pub id: Option<NonZeroU32>,
}

/// Most filters have one subscriber, some have all clients: every filter has a value of this size.
#[derive(Debug, Default)]
pub enum Subscribers {
    #[default]
    None,
    One(SessionIndex, SubscriptionOptions),
    Several(Box<Several>),
}

/// A list, then a table.
#[derive(Debug)]
pub enum Several {
    Few(Vec<(SessionIndex, SubscriptionOptions)>),
    Many(HashMap<SessionIndex, SubscriptionOptions>),
}

/// Searching more than this is slower than hashing.
const FEW: usize = 16;

impl Subscribers {
    /// What the session subscribed with.
    pub fn get(&self, session: SessionIndex) -> Option<SubscriptionOptions> {
        match self {
            Self::One(one, options) if *one == session => Some(*options),
            Self::None | Self::One(..) => None,
            Self::Several(several) => several.get(session),
        }
    }

    /// Adds or replaces; `true`: it is new.
    pub fn insert(&mut self, session: SessionIndex, options: SubscriptionOptions) -> bool {
        match self {
            Self::None => *self = Self::One(session, options),
            Self::One(one, known) if *one == session => {
                *known = options;
                return false;
            }
            Self::One(one, known) => {
                let list = vec![(*one, *known), (session, options)];
                *self = Self::Several(Box::new(Several::Few(list)));
            }
            Self::Several(several) => return several.insert(session, options),
        }
        true
    }

    pub fn remove(&mut self, session: SessionIndex) {
        match self {
            Self::None => {}
            Self::One(one, _) => {
                if *one == session {
                    *self = Self::None;
                }
            }
            Self::Several(several) => {
                several.remove(session);
                if let Several::Few(list) = &**several
                    && let [(one, options)] = list[..]
                {
                    *self = Self::One(one, options);
                }
            }
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(..) => 1,
            Self::Several(several) => several.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn for_each(&self, mut each: impl FnMut(SessionIndex, SubscriptionOptions)) {
        match self {
            Self::None => {}
            Self::One(session, options) => each(*session, *options),
            Self::Several(several) => several.for_each(each),
        }
    }
}

impl Several {
    fn get(&self, session: SessionIndex) -> Option<SubscriptionOptions> {
        match self {
            Self::Few(list) => {
                let entry = list.iter().find(|entry| entry.0 == session);
                entry.map(|entry| entry.1)
            }
            Self::Many(table) => table.get(&session).copied(),
        }
    }

    fn insert(&mut self, session: SessionIndex, options: SubscriptionOptions) -> bool {
        match self {
            Self::Few(list) => {
                if let Some(entry) = list.iter_mut().find(|entry| entry.0 == session) {
                    entry.1 = options;
                    return false;
                }
                if list.len() < FEW {
                    list.push((session, options));
                } else {
                    *self = Self::Many(list.drain(..).chain([(session, options)]).collect());
                }
                true
            }
            Self::Many(table) => table.insert(session, options).is_none(),
        }
    }

    fn remove(&mut self, session: SessionIndex) {
        match self {
            Self::Few(list) => list.retain(|entry| entry.0 != session),
            Self::Many(table) => {
                table.remove(&session);
                if table.len() <= FEW / 2 {
                    *self = Self::Few(table.drain().collect());
                }
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(table) => table.len(),
        }
    }

    fn for_each(&self, mut each: impl FnMut(SessionIndex, SubscriptionOptions)) {
        match self {
            Self::Few(list) => list
                .iter()
                .for_each(|(session, options)| each(*session, *options)),
            Self::Many(table) => table
                .iter()
                .for_each(|(session, options)| each(*session, *options)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: SubscriptionOptions = SubscriptionOptions {
        qos: QoS::AtMostOnce,
        no_local: false,
        retain_as_published: false,
        retain_handling: RetainHandling::AtSubscribe,
        id: None,
    };

    fn sessions(subscribers: &Subscribers) -> Vec<u32> {
        let mut all = Vec::new();
        subscribers.for_each(|session, _| all.push(session.0));
        all.sort_unstable();
        all
    }

    #[test]
    fn a_list_becomes_a_table_and_a_list_again() {
        let mut subscribers = Subscribers::default();
        for index in 0..100 {
            assert!(subscribers.insert(SessionIndex(index), OPTIONS));
            assert!(!subscribers.insert(SessionIndex(index), OPTIONS));
            assert_eq!(sessions(&subscribers), (0..=index).collect::<Vec<_>>());
            let has = |index| subscribers.get(SessionIndex(index)).is_some();
            assert_eq!((has(0), has(index), has(index + 1)), (true, true, false));
        }
        for index in 0..100 {
            subscribers.remove(SessionIndex(index));
            assert_eq!(sessions(&subscribers), (index + 1..100).collect::<Vec<_>>());
        }
        assert!(subscribers.is_empty());
        assert!(matches!(subscribers, Subscribers::None));
    }

    #[test]
    fn one_subscriber_needs_no_memory_of_its_own() {
        assert_eq!(size_of::<Subscribers>(), 16);
        let mut subscribers = Subscribers::default();
        for index in 0..2 {
            subscribers.insert(SessionIndex(index), OPTIONS);
        }
        subscribers.remove(SessionIndex(0));
        assert!(matches!(subscribers, Subscribers::One(SessionIndex(1), _)));
    }
}

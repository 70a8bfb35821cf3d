//! Who subscribed to one filter.

use std::collections::HashMap;
use std::num::NonZeroU32;

use super::slab::Slab;
use crate::codec::QoS;

/// A session of this worker; its place in the session table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionIndex(pub u32);

/// What a client asked for, as far as it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionOptions {
    pub qos: QoS,
    pub no_local: bool,
    pub retain_as_published: bool,
    /// The identifier that the client's copies carry (MQTT 5 section 3.8.2.1.2).
    pub id: Option<NonZeroU32>,
}

/// The same in four bytes: the protocol has 28 bits for an identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Packed(u32);

const QOS_SHIFT: u32 = 30;
const NO_LOCAL: u32 = 1 << 29;
const RETAIN_AS_PUBLISHED: u32 = 1 << 28;
const ID: u32 = RETAIN_AS_PUBLISHED - 1;

impl From<SubscriptionOptions> for Packed {
    fn from(options: SubscriptionOptions) -> Self {
        let flag = |is_set, bit| if is_set { bit } else { 0 };
        Self(
            (options.qos as u32) << QOS_SHIFT
                | flag(options.no_local, NO_LOCAL)
                | flag(options.retain_as_published, RETAIN_AS_PUBLISHED)
                | options.id.map_or(0, |id| id.get() & ID),
        )
    }
}

impl From<Packed> for SubscriptionOptions {
    fn from(Packed(bits): Packed) -> Self {
        Self {
            qos: match bits >> QOS_SHIFT {
                0 => QoS::AtMostOnce,
                1 => QoS::AtLeastOnce,
                _ => QoS::ExactlyOnce,
            },
            no_local: bits & NO_LOCAL != 0,
            retain_as_published: bits & RETAIN_AS_PUBLISHED != 0,
            id: NonZeroU32::new(bits & ID),
        }
    }
}

/// Most filters have one subscriber, some have all clients: every filter has a value of this size, and there are many of
/// them. Who is several is in `Crowds`.
#[derive(Clone, Copy, Debug)]
pub struct Subscribers {
    /// A session's place, or one of those below that are none.
    session: u32,
    /// Its options, or the place of the crowd.
    rest: u32,
}

const NOBODY: u32 = u32::MAX;
const CROWD: u32 = u32::MAX - 1;

/// What the two numbers mean.
enum Who {
    Nobody,
    One(SessionIndex, Packed),
    /// Two at least.
    Several(u32),
}

impl Default for Subscribers {
    fn default() -> Self {
        Who::Nobody.into()
    }
}

impl From<Who> for Subscribers {
    fn from(who: Who) -> Self {
        let (session, rest) = match who {
            Who::Nobody => (NOBODY, 0),
            Who::One(SessionIndex(session), Packed(options)) => (session, options),
            Who::Several(crowd) => (CROWD, crowd),
        };
        Self { session, rest }
    }
}

/// The subscribers of filters that have several.
#[derive(Debug, Default)]
pub struct Crowds(Slab<Crowd>);

/// A list, then a table.
#[derive(Debug)]
enum Crowd {
    Few(Vec<(SessionIndex, Packed)>),
    Many(HashMap<SessionIndex, Packed>),
}

/// Searching more than this is slower than hashing.
const FEW: usize = 16;

impl Subscribers {
    const fn who(self) -> Who {
        match self.session {
            NOBODY => Who::Nobody,
            CROWD => Who::Several(self.rest),
            session => Who::One(SessionIndex(session), Packed(self.rest)),
        }
    }

    /// What the session subscribed with.
    pub fn get(self, crowds: &Crowds, session: SessionIndex) -> Option<SubscriptionOptions> {
        let packed = match self.who() {
            Who::Nobody => None,
            Who::One(one, options) => (one == session).then_some(options),
            Who::Several(crowd) => crowds.0.get(crowd)?.get(session),
        };
        packed.map(Into::into)
    }

    /// Adds or replaces; `true`: it is new.
    pub fn insert(
        &mut self,
        crowds: &mut Crowds,
        session: SessionIndex,
        options: SubscriptionOptions,
    ) -> bool {
        let options = options.into();
        match self.who() {
            Who::Nobody => *self = Who::One(session, options).into(),
            Who::One(one, _) if one == session => {
                *self = Who::One(session, options).into();
                return false;
            }
            Who::One(one, known) => {
                let few = Crowd::Few(vec![(one, known), (session, options)]);
                *self = Who::Several(crowds.0.insert(few)).into();
            }
            Who::Several(crowd) => {
                let crowd = crowds.0.get_mut(crowd);
                return crowd.is_some_and(|crowd| crowd.insert(session, options));
            }
        }
        true
    }

    pub fn remove(&mut self, crowds: &mut Crowds, session: SessionIndex) {
        match self.who() {
            Who::Nobody => {}
            Who::One(one, _) => {
                if one == session {
                    *self = Who::Nobody.into();
                }
            }
            Who::Several(place) => {
                let Some(crowd) = crowds.0.get_mut(place) else {
                    return;
                };
                crowd.remove(session);
                if let Crowd::Few(list) = crowd
                    && let [(one, options)] = list[..]
                {
                    *self = Who::One(one, options).into();
                    crowds.0.remove(place);
                }
            }
        }
    }

    pub fn len(self, crowds: &Crowds) -> usize {
        match self.who() {
            Who::Nobody => 0,
            Who::One(..) => 1,
            Who::Several(crowd) => crowds.0.get(crowd).map_or(0, Crowd::len),
        }
    }

    pub fn is_empty(&self) -> bool {
        matches!(self.who(), Who::Nobody)
    }

    pub fn for_each(
        self,
        crowds: &Crowds,
        mut each: impl FnMut(SessionIndex, SubscriptionOptions),
    ) {
        match self.who() {
            Who::Nobody => {}
            Who::One(session, options) => each(session, options.into()),
            Who::Several(crowd) => match crowds.0.get(crowd) {
                None => {}
                Some(Crowd::Few(list)) => list
                    .iter()
                    .for_each(|(session, options)| each(*session, (*options).into())),
                Some(Crowd::Many(table)) => table
                    .iter()
                    .for_each(|(session, options)| each(*session, (*options).into())),
            },
        }
    }
}

impl Crowd {
    fn get(&self, session: SessionIndex) -> Option<Packed> {
        match self {
            Self::Few(list) => {
                let entry = list.iter().find(|entry| entry.0 == session);
                entry.map(|entry| entry.1)
            }
            Self::Many(table) => table.get(&session).copied(),
        }
    }

    fn insert(&mut self, session: SessionIndex, options: Packed) -> bool {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: SubscriptionOptions = SubscriptionOptions {
        qos: QoS::AtMostOnce,
        no_local: false,
        retain_as_published: false,
        id: None,
    };

    fn sessions(subscribers: Subscribers, crowds: &Crowds) -> Vec<u32> {
        let mut all = Vec::new();
        subscribers.for_each(crowds, |session, _| all.push(session.0));
        all.sort_unstable();
        all
    }

    #[test]
    fn options_are_what_they_were() {
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            for id in [0, 1, 300, 268_435_455] {
                for flags in 0..4 {
                    let options = SubscriptionOptions {
                        qos,
                        no_local: flags & 1 != 0,
                        retain_as_published: flags & 2 != 0,
                        id: NonZeroU32::new(id),
                    };
                    assert_eq!(SubscriptionOptions::from(Packed::from(options)), options);
                }
            }
        }
    }

    #[test]
    fn a_list_becomes_a_table_and_a_list_again() {
        let (mut subscribers, mut crowds) = (Subscribers::default(), Crowds::default());
        for index in 0..100 {
            let session = SessionIndex(index);
            assert!(subscribers.insert(&mut crowds, session, OPTIONS));
            assert!(!subscribers.insert(&mut crowds, session, OPTIONS));
            let all: Vec<_> = (0..=index).collect();
            assert_eq!(sessions(subscribers, &crowds), all);
            assert_eq!(subscribers.len(&crowds), all.len());
            let has = |index| subscribers.get(&crowds, SessionIndex(index)).is_some();
            assert_eq!((has(0), has(index), has(index + 1)), (true, true, false));
        }
        for index in 0..100 {
            assert!(!subscribers.is_empty());
            subscribers.remove(&mut crowds, SessionIndex(index));
            let all: Vec<_> = (index + 1..100).collect();
            assert_eq!(sessions(subscribers, &crowds), all);
        }
        assert!(subscribers.is_empty());
        assert_eq!(crowds.0.len(), 0, "one needs no crowd");
    }

    #[test]
    fn options_are_replaced() {
        let (mut subscribers, mut crowds) = (Subscribers::default(), Crowds::default());
        let better = SubscriptionOptions {
            qos: QoS::ExactlyOnce,
            ..OPTIONS
        };
        for index in 0..40 {
            let session = SessionIndex(index);
            subscribers.insert(&mut crowds, session, OPTIONS);
            subscribers.insert(&mut crowds, session, better);
            assert_eq!(subscribers.get(&crowds, session), Some(better));
        }
        assert_eq!(size_of::<Subscribers>(), 8);
    }
}

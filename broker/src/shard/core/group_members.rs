//! The members of groups among a worker's own sessions.

use std::collections::HashMap;
use std::sync::Arc;

use super::group_routes::Members;
use crate::routing::Group;
use crate::routing::subscribers::{SessionIndex, SubscriptionOptions};

pub(super) type Member = (SessionIndex, SubscriptionOptions);

/// Which members are asked for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Who can take it and has a client; or who can take it, if nobody here has one.
    Willing,
    /// All others have declined: somebody here must have it, whatever its queue then drops.
    Anybody,
}

/// Members that are asked for one message: where so many are full, one more hardly helps.
const MOST_ASKED: usize = 32;

#[derive(Debug, Default)]
pub(super) struct GroupMembers {
    groups: HashMap<Arc<Group>, Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    /// Those with a client first, so that nobody looks through the others for one.
    members: Vec<Member>,
    attached: usize,
    /// Counts messages, so that members take turns.
    turn: usize,
}

impl GroupMembers {
    /// Adds or replaces; a new member has a client. Returns how many there are then.
    pub(super) fn insert(&mut self, group: &Arc<Group>, member: Member) -> Members {
        let sessions = self.groups.entry(Arc::clone(group)).or_default();
        if let Some(at) = sessions.position(member.0) {
            sessions.members[at] = member;
        } else {
            sessions.members.push(member);
            let last = sessions.members.len() - 1;
            sessions.members.swap(sessions.attached, last);
            sessions.attached += 1;
        }
        sessions.count()
    }

    /// As its members have it.
    pub(super) fn known(&self, group: &Arc<Group>) -> Arc<Group> {
        let known = self.groups.get_key_value(group);
        Arc::clone(known.map_or(group, |(known, _)| known))
    }

    pub(super) fn remove(&mut self, group: &Arc<Group>, session: SessionIndex) -> Members {
        let Some(sessions) = self.groups.get_mut(group) else {
            return Members::default();
        };
        sessions.set_attached(session, false);
        sessions.members.retain(|member| member.0 != session);
        let count = sessions.count();
        if count.all == 0 {
            self.groups.remove(group);
        }
        count
    }

    /// A kept session has lost its client, or has one again.
    pub(super) fn set_attached(
        &mut self,
        group: &Arc<Group>,
        session: SessionIndex,
        attached: bool,
    ) -> Members {
        let Some(sessions) = self.groups.get_mut(group) else {
            return Members::default();
        };
        sessions.set_attached(session, attached);
        sessions.count()
    }

    /// The member whose turn it is. `can_take`: its queue has room.
    pub(super) fn choose(
        &mut self,
        group: &Arc<Group>,
        asked: Asked,
        can_take: impl Fn(Member) -> bool,
    ) -> Option<Member> {
        let sessions = self.groups.get_mut(group)?;
        let turn = sessions.turn;
        sessions.turn = turn.wrapping_add(1);
        let (attached, others) = sessions.members.split_at(sessions.attached);
        let first = |members: &[Member], willing: bool| {
            let start = turn.checked_rem(members.len())?;
            let (before, from) = members.split_at(start);
            let mut in_turn = from.iter().chain(before).take(MOST_ASKED).copied();
            in_turn.find(|member| !willing || can_take(*member))
        };
        let willing = || match first(attached, true) {
            None if attached.is_empty() || asked == Asked::Anybody => first(others, true),
            member => member,
        };
        let anybody = || first(attached, false).or_else(|| first(others, false));
        match asked {
            Asked::Willing => willing(),
            Asked::Anybody => willing().or_else(anybody),
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }
}

impl Sessions {
    fn position(&self, session: SessionIndex) -> Option<usize> {
        self.members.iter().position(|member| member.0 == session)
    }

    fn set_attached(&mut self, session: SessionIndex, attached: bool) {
        let Some(at) = self.position(session) else {
            return;
        };
        match (at < self.attached, attached) {
            (true, false) => {
                self.attached -= 1;
                self.members.swap(at, self.attached);
            }
            (false, true) => {
                self.members.swap(at, self.attached);
                self.attached += 1;
            }
            _ => {}
        }
    }

    fn count(&self) -> Members {
        // a worker holds no more sessions than fit
        let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Members {
            all: count(self.members.len()),
            attached: count(self.attached),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::QoS;
    use crate::routing::ClientFilter;

    const OPTIONS: SubscriptionOptions = SubscriptionOptions {
        qos: QoS::AtMostOnce,
        no_local: false,
        retain_as_published: false,
        id: None,
    };

    fn group() -> Arc<Group> {
        match ClientFilter::new("$share/g/t".into()) {
            Ok(ClientFilter::Shared(group)) => group,
            other => panic!("{other:?}"),
        }
    }

    fn with_members(count: u32) -> GroupMembers {
        let mut members = GroupMembers::default();
        for index in 0..count {
            members.insert(&group(), (SessionIndex(index), OPTIONS));
        }
        members
    }

    fn chosen(members: &mut GroupMembers, asked: Asked, full: &[u32], turns: usize) -> Vec<u32> {
        let can_take = |(session, _): Member| !full.contains(&session.0);
        let mut choose = || members.choose(&group(), asked, can_take);
        (0..turns)
            .filter_map(|_| choose())
            .map(|member| member.0.0)
            .collect()
    }

    #[test]
    fn members_take_turns_and_full_ones_are_passed_over() {
        let mut members = with_members(3);
        assert_eq!(
            chosen(&mut members, Asked::Willing, &[], 6),
            [0, 1, 2, 0, 1, 2]
        );
        let mut few = chosen(&mut members, Asked::Willing, &[1], 6);
        few.sort_unstable();
        few.dedup();
        assert_eq!(few, [0, 2]);
        assert!(chosen(&mut members, Asked::Willing, &[0, 1, 2], 3).is_empty());
        assert_eq!(chosen(&mut members, Asked::Anybody, &[0, 1, 2], 3).len(), 3);
    }

    #[test]
    fn who_has_no_client_is_passed_over_while_others_have_one() {
        let mut members = with_members(3);
        let count = members.set_attached(&group(), SessionIndex(0), false);
        assert_eq!((count.all, count.attached), (3, 2));
        members.set_attached(&group(), SessionIndex(2), false);
        assert_eq!(chosen(&mut members, Asked::Willing, &[], 3), [1, 1, 1]);
        // another worker may have a member that can
        assert!(chosen(&mut members, Asked::Willing, &[1], 1).is_empty());
        let last = chosen(&mut members, Asked::Anybody, &[1, 0], 2);
        assert_eq!(last, [2, 2]);
        members.set_attached(&group(), SessionIndex(1), false);
        let kept = chosen(&mut members, Asked::Willing, &[1], 2);
        assert!(!kept.contains(&1) && kept.len() == 2, "{kept:?}");
        members.set_attached(&group(), SessionIndex(0), true);
        assert_eq!(chosen(&mut members, Asked::Willing, &[], 2), [0, 0]);
    }

    #[test]
    fn a_group_is_forgotten_with_its_last_member() {
        let mut members = with_members(3);
        members.set_attached(&group(), SessionIndex(1), false);
        for (index, all, attached) in [(0, 2, 1), (1, 1, 1), (1, 1, 1), (2, 0, 0), (2, 0, 0)] {
            let count = members.remove(&group(), SessionIndex(index));
            assert_eq!((count.all, count.attached), (all, attached), "{index}");
        }
        assert_eq!(members.len(), 0);
        assert!(chosen(&mut members, Asked::Anybody, &[], 1).is_empty());
    }

    #[test]
    fn a_member_that_subscribes_again_is_one_member() {
        let mut members = with_members(1);
        let options = SubscriptionOptions {
            qos: QoS::AtLeastOnce,
            ..OPTIONS
        };
        let count = members.insert(&group(), (SessionIndex(0), options));
        assert_eq!((count.all, count.attached), (1, 1));
        let found = members.choose(&group(), Asked::Willing, |_| true);
        assert_eq!(found, Some((SessionIndex(0), options)));
    }
}

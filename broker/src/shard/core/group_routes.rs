//! Which workers have members of which groups: what the owner of a topic knows.

use std::cell::Cell;
use std::sync::Arc;

use super::WorkerIndex;
use crate::routing::{Group, TopicName, Trie};

/// How many members of a group one worker has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GroupCount {
    pub(super) group: Arc<Group>,
    pub(super) members: Members,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    /// Kept sessions among them.
    pub(super) all: u32,
    /// Those with a client.
    pub(super) attached: u32,
}

/// The groups with a filter for topics of this worker.
#[derive(Debug, Default)]
pub(super) struct GroupRoutes {
    by_filter: Trie<Vec<Route>>,
    groups: usize,
}

#[derive(Debug)]
struct Route {
    group: Arc<Group>,
    /// None with no members.
    workers: Vec<(WorkerIndex, Members)>,
    /// Counts messages, so that members take turns.
    turn: Cell<usize>,
}

impl GroupRoutes {
    /// The worker has so many members now.
    pub(super) fn set(&mut self, worker: WorkerIndex, count: &GroupCount) {
        let before = self.groups;
        let groups = self.by_filter.update(
            count.group.filter(),
            |routes| {
                let groups = routes.len();
                set(routes, worker, count);
                before + routes.len() - groups
            },
            Vec::is_empty,
        );
        self.groups = groups.unwrap_or(before);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups == 0
    }

    pub(super) fn matching(&self, topic: &TopicName, found: &mut Vec<Arc<Group>>) {
        self.by_filter.matching(topic, |routes| {
            found.extend(routes.iter().map(|route| Arc::clone(&route.group)));
        });
    }

    /// The worker whose member has its turn, of those that have not declined: where clients are attached, if anywhere.
    pub(super) fn choose(&self, group: &Group, declined: &[WorkerIndex]) -> Option<WorkerIndex> {
        let route = self.route(group)?;
        route
            .choose(declined, |members| members.attached)
            .or_else(|| route.choose(declined, |members| members.all))
    }

    fn route(&self, group: &Group) -> Option<&Route> {
        let routes = self.by_filter.get(group.filter())?;
        routes.iter().find(|route| *route.group == *group)
    }
}

fn set(routes: &mut Vec<Route>, worker: WorkerIndex, count: &GroupCount) {
    let known = routes.iter().position(|route| route.group == count.group);
    let at = known.unwrap_or_else(|| {
        routes.push(Route {
            group: Arc::clone(&count.group),
            workers: Vec::new(),
            turn: Cell::new(0),
        });
        routes.len() - 1
    });
    let workers = &mut routes[at].workers;
    workers.retain(|(known, _)| *known != worker);
    if count.members.all > 0 {
        workers.push((worker, count.members));
        workers.sort_unstable_by_key(|(worker, _)| *worker);
    }
    if workers.is_empty() {
        routes.swap_remove(at);
    }
}

impl Route {
    fn choose(
        &self,
        declined: &[WorkerIndex],
        weight: impl Fn(Members) -> u32,
    ) -> Option<WorkerIndex> {
        let candidates = || {
            let asked = |worker: &WorkerIndex| declined.contains(worker);
            let workers = self.workers.iter().filter(move |entry| !asked(&entry.0));
            workers.map(|(worker, members)| (*worker, weight(*members) as usize))
        };
        let total: usize = candidates().map(|(_, weight)| weight).sum();
        let turn = self.turn.get();
        let mut left = turn.checked_rem(total)?;
        self.turn.set(turn.wrapping_add(1));
        candidates().find_map(|(worker, weight)| match left.checked_sub(weight) {
            Some(rest) => {
                left = rest;
                None
            }
            None => Some(worker),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::ClientFilter;

    fn group(text: &str) -> Arc<Group> {
        match ClientFilter::new(text.into()) {
            Ok(ClientFilter::Shared(group)) => group,
            other => panic!("{other:?}"),
        }
    }

    fn set(routes: &mut GroupRoutes, worker: u16, text: &str, all: u32, attached: u32) {
        let count = GroupCount {
            group: group(text),
            members: Members { all, attached },
        };
        routes.set(WorkerIndex(worker), &count);
    }

    fn chosen(routes: &GroupRoutes, text: &str, declined: &[u16], turns: usize) -> Vec<u16> {
        let declined: Vec<_> = declined.iter().copied().map(WorkerIndex).collect();
        let choose = |_| {
            routes
                .choose(&group(text), &declined)
                .map(|worker| worker.0)
        };
        (0..turns).filter_map(choose).collect()
    }

    #[test]
    fn workers_take_turns_by_their_attached_members() {
        let mut routes = GroupRoutes::default();
        set(&mut routes, 2, "$share/g/t", 9, 1);
        set(&mut routes, 0, "$share/g/t", 2, 2);
        set(&mut routes, 1, "$share/g/t", 5, 0);
        assert_eq!(chosen(&routes, "$share/g/t", &[], 6), [0, 0, 2, 0, 0, 2]);
        assert_eq!(chosen(&routes, "$share/g/t", &[0], 2), [2, 2]);
        // nobody else is attached
        assert_eq!(chosen(&routes, "$share/g/t", &[0, 2], 2), [1, 1]);
        set(&mut routes, 3, "$share/away/t", 1, 0);
        set(&mut routes, 4, "$share/away/t", 1, 0);
        assert_eq!(chosen(&routes, "$share/away/t", &[], 4), [3, 4, 3, 4]);
        assert!(chosen(&routes, "$share/g/t", &[0, 1, 2], 2).is_empty());
        assert!(chosen(&routes, "$share/other/t", &[], 2).is_empty());
    }

    #[test]
    fn each_group_of_a_filter_is_found_and_forgotten() {
        let mut routes = GroupRoutes::default();
        for (text, members) in [
            ("$share/g/a/+", 1),
            ("$share/h/a/+", 1),
            ("$share/g/#", 2),
            ("$share/g/#", 1),
        ] {
            set(&mut routes, 1, text, members, members);
        }
        let topic = TopicName::new("a/b".into()).unwrap();
        let found = |routes: &GroupRoutes| {
            let mut found = Vec::new();
            routes.matching(&topic, &mut found);
            found.sort();
            found
        };
        let all = ["$share/g/#", "$share/g/a/+", "$share/h/a/+"].map(group);
        assert_eq!(found(&routes), all);
        for text in ["$share/g/a/+", "$share/g/#", "$share/h/a/+"] {
            assert!(!routes.is_empty());
            set(&mut routes, 1, text, 0, 0);
        }
        assert!(routes.is_empty() && found(&routes).is_empty());
        assert_eq!(routes.by_filter.levels(), 0);
        // forgotten twice, and by one who has none
        set(&mut routes, 1, "$share/g/#", 0, 0);
        assert!(routes.is_empty());
    }
}

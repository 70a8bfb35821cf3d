//! How people steer a reopening: pause, resume, skip, stop, advance. Starting another one is not steering this one.

use serde::{Deserialize, Serialize};

use crate::progress::{Action, GateMode, Steer};

/// What people said of the current reopening. Travels with its number; the greatest wins, so that of two people who act
/// at once all processes obey the same one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Steering {
    /// Grows with each change.
    pub revision: u64,
    /// Somebody opened all slices at once; the limits go on binding.
    pub stopped: bool,
    /// The level is at least this, or all slices if there are fewer.
    pub at_least: u32,
    /// The level stays where it is; who is at the open door goes on entering.
    pub paused: bool,
}

/// How things are when somebody steers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    pub(crate) mode: GateMode,
    pub(crate) has_reopening: bool,
    pub(crate) level: u32,
    /// `None` where the slices are not known.
    pub(crate) slices: Option<u32>,
    /// The end of what is being opened.
    pub(crate) next_end: u32,
}

/// Why a reopening is not steered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSteered {
    /// A field of the request does not fit.
    #[error("{field}: {problem}")]
    Field {
        field: &'static str,
        problem: String,
    },
    /// It makes no sense as things are.
    #[error("failed to {action}: {because}")]
    NotNow {
        action: &'static str,
        because: &'static str,
    },
}

impl NotSteered {
    /// The process ends while it is asked.
    pub fn ending(steer: Steer) -> Self {
        not_now(steer.action, "this process is ending")
    }
}

impl Standing {
    /// Whether the request makes sense now, apart from what it does.
    pub(crate) fn check(&self, steer: Steer) -> Result<(), NotSteered> {
        if steer.level.is_some() && steer.action != Action::Advance {
            return Err(level_problem("only advance has a level".to_owned()));
        }
        let because = match self.mode {
            GateMode::Open => "in mode Open nobody is held",
            GateMode::Closed => "in mode Closed nobody is let in",
            _ if !self.has_reopening && steer.action != Action::Reopen => {
                "there was no reopening yet"
            }
            _ => return Ok(()),
        };
        Err(not_now(steer.action, because))
    }

    fn is_open(&self) -> bool {
        self.slices.is_some_and(|slices| self.level >= slices)
    }

    fn advanced_to(&self, level: Option<u32>) -> Result<u32, NotSteered> {
        if self.mode != GateMode::Manual {
            let because = "only in mode Manual is the level moved by hand";
            return Err(not_now(Action::Advance, because));
        }
        let level = level.ok_or_else(|| level_problem("advance needs one".to_owned()))?;
        let most = self.slices.unwrap_or(u32::MAX);
        if level <= self.level || level > most {
            let allowed = format!(
                "{level} is not allowed; allowed: more than {}, which it is, up to {most}",
                self.level
            );
            return Err(level_problem(allowed));
        }
        Ok(level)
    }
}

impl Steering {
    /// The greatest wins. `true`: this is another one than before.
    pub(crate) fn adopt(&mut self, other: Self) -> bool {
        let is_greater = other > *self;
        *self = other.max(*self);
        is_greater
    }

    /// What an action makes of it; `Reopen` is not one that does.
    pub(crate) fn steered(self, steer: Steer, standing: &Standing) -> Result<Self, NotSteered> {
        let no = |because| Err(not_now(steer.action, because));
        let revision = self.revision.saturating_add(1);
        let next = Self { revision, ..self };
        match steer.action {
            Action::Resume if !self.paused => no("it is not paused"),
            Action::Resume => Ok(Self {
                paused: false,
                ..next
            }),
            _ if standing.is_open() => no("all slices are open"),
            Action::Pause if self.paused => no("it is paused already"),
            Action::Pause => Ok(Self {
                paused: true,
                ..next
            }),
            Action::Skip if standing.slices.is_none() => {
                no("a shard does not know the slices; ask an edge")
            }
            Action::Skip => Ok(Self {
                at_least: standing.next_end,
                ..next
            }),
            Action::Stop => Ok(Self {
                stopped: true,
                paused: false,
                at_least: standing.slices.unwrap_or(u32::MAX),
                ..next
            }),
            Action::Advance => Ok(Self {
                at_least: standing.advanced_to(steer.level)?,
                ..next
            }),
            Action::Reopen => Ok(Self::default()),
        }
    }
}

fn not_now(action: Action, because: &'static str) -> NotSteered {
    NotSteered::NotNow {
        action: action.word(),
        because,
    }
}

fn level_problem(problem: String) -> NotSteered {
    NotSteered::Field {
        field: "level",
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Standing = Standing {
        mode: GateMode::Staged,
        has_reopening: true,
        level: 128,
        slices: Some(256),
        next_end: 144,
    };

    fn act(steering: Steering, action: Action, standing: &Standing) -> Result<Steering, String> {
        let steer = Steer {
            action,
            level: None,
        };
        standing
            .check(steer)
            .and_then(|()| steering.steered(steer, standing))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn each_action_does_what_it_says() {
        let paused = act(Steering::default(), Action::Pause, &HALF).unwrap();
        assert_eq!((paused.revision, paused.paused), (1, true));
        let skipped = act(paused, Action::Skip, &HALF).unwrap();
        assert_eq!((skipped.at_least, skipped.paused), (144, true));
        let resumed = act(skipped, Action::Resume, &HALF).unwrap();
        assert_eq!((resumed.revision, resumed.paused), (3, false));
        let stopped = act(paused, Action::Stop, &HALF).unwrap();
        assert_eq!(
            (stopped.at_least, stopped.stopped, stopped.paused),
            (256, true, false)
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_reason() {
        let none = Steering::default();
        let refused =
            |steering, action, standing: &Standing| act(steering, action, standing).unwrap_err();
        assert_eq!(
            refused(none, Action::Resume, &HALF),
            "failed to resume: it is not paused"
        );
        let paused = Steering {
            paused: true,
            ..none
        };
        assert!(refused(paused, Action::Pause, &HALF).contains("already"));
        let open = Standing { level: 256, ..HALF };
        for action in [Action::Pause, Action::Skip, Action::Stop] {
            assert!(refused(none, action, &open).contains("all slices are open"));
        }
        let first = Standing {
            has_reopening: false,
            ..HALF
        };
        assert!(refused(none, Action::Stop, &first).contains("no reopening"));
        assert!(act(none, Action::Reopen, &first).is_ok());
        for mode in [GateMode::Open, GateMode::Closed] {
            assert!(refused(none, Action::Reopen, &Standing { mode, ..HALF }).contains("in mode"));
        }
    }

    #[test]
    fn advance_has_a_level_in_mode_manual_and_nothing_else_has() {
        let manual = Standing {
            mode: GateMode::Manual,
            ..HALF
        };
        let to = |level, standing: &Standing| {
            let steer = Steer {
                action: Action::Advance,
                level,
            };
            Steering::default()
                .steered(steer, standing)
                .map_err(|error| error.to_string())
        };
        assert_eq!(to(Some(129), &manual).unwrap().at_least, 129);
        assert_eq!(to(Some(256), &manual).unwrap().at_least, 256);
        for level in [None, Some(0), Some(128), Some(257)] {
            assert!(to(level, &manual).unwrap_err().starts_with("level: "));
        }
        assert!(to(Some(129), &HALF).unwrap_err().contains("Manual"));
        let skip = Steer {
            action: Action::Skip,
            level: Some(3),
        };
        assert!(HALF.check(skip).is_err());
    }

    #[test]
    fn of_two_the_greater_wins_whoever_hears_it_first() {
        let (mut one, mut other) = (
            Steering {
                revision: 1,
                paused: true,
                ..Steering::default()
            },
            Steering {
                revision: 1,
                stopped: true,
                ..Steering::default()
            },
        );
        let (first, second) = (one, other);
        assert!(one.adopt(second));
        assert!(!other.adopt(first));
        assert_eq!(one, other);
    }
}

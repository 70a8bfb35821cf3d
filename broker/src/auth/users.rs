//! The users of a password file.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;

use aws_lc_rs::digest::{Context, SHA256, digest};

use super::password::RandomError;
use super::scram::{self, ScramVerifier, Shape};
use super::stored::{Cost, Stored, StoredError};

/// All users, read whole or not at all.
#[derive(Clone)]
pub struct Users {
    by_name: HashMap<Box<str>, Stored>,
    decoy: Stored,
    /// How most SCRAM verifiers look; `None`: there is none.
    scram: Option<Shape>,
    /// What the decoys of SCRAM are made of.
    decoy_secret: Box<[u8]>,
}

/// Lines whose secrets the decoys of SCRAM are made of: who knows their own password alone knows too little to make
/// them, and a new user seldom changes them.
const DECOY_LINES: usize = 16;

/// A line that is no user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub number: usize,
    pub why: LineError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("there is no colon; allowed: user:$7$iterations$salt$hash or user:SCRAM-SHA-256$...")]
    NoColon,
    #[error(
        "the user name is empty, longer than {MAX_NAME_BYTES} bytes, or has control characters"
    )]
    Name,
    #[error("the user has an earlier line")]
    Twice,
    #[error(transparent)]
    Password(#[from] StoredError),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsersError {
    #[error("failed to take the users: {}", Lines(.0))]
    Lines(Vec<BadLine>),
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// As long as a name can be in an MQTT CONNECT that leaves room for the rest.
const MAX_NAME_BYTES: usize = 1024;

/// Bad lines that one message names; a file of another kind would fill pages.
const LINES_TOLD: usize = 20;

impl Users {
    /// Reads `user:password` lines; empty ones and those that begin with `#` are skipped.
    pub fn parse(text: &str) -> Result<Self, UsersError> {
        let mut users = HashMap::new();
        let mut bad = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match user(line) {
                Ok((name, stored)) => {
                    if users.insert(Box::from(name), stored).is_some() {
                        bad.push(BadLine {
                            number: at + 1,
                            why: LineError::Twice,
                        });
                    }
                }
                Err(why) => bad.push(BadLine {
                    number: at + 1,
                    why,
                }),
            }
        }
        if !bad.is_empty() {
            return Err(UsersError::Lines(bad));
        }
        let cost = most(users.values().map(Stored::cost));
        let decoy = Stored::decoy(cost.unwrap_or(Cost::Hash(NonZeroU32::MIN)))?;
        let verifiers = users.values().filter_map(Stored::scram);
        Ok(Self {
            scram: most(verifiers.map(ScramVerifier::shape)),
            decoy_secret: decoy_secret(&users),
            decoy,
            by_name: users,
        })
    }

    /// What `user`'s password is measured by; for an unknown user something that no password matches, at the same cost.
    pub fn stored_for(&self, user: &str) -> &Stored {
        self.by_name.get(user).unwrap_or(&self.decoy)
    }

    /// What `user`'s proof is measured by; for one without a verifier something that looks the same each time.
    pub(super) fn scram_of(&self, user: &str) -> ScramVerifier {
        let verifier = self.by_name.get(user).and_then(Stored::scram);
        verifier.cloned().unwrap_or_else(|| {
            let shape = self.scram.unwrap_or(scram::USUAL_SHAPE);
            ScramVerifier::decoy(&self.decoy_secret, user, shape)
        })
    }

    /// Somebody can log in by SCRAM.
    pub fn has_scram(&self) -> bool {
        self.scram.is_some()
    }

    pub fn contains(&self, user: &str) -> bool {
        self.by_name.contains_key(user)
    }

    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

/// Splits a line into the name and the stored password.
pub(super) fn user(line: &str) -> Result<(&str, Stored), LineError> {
    let (name, password) = line.split_once(':').ok_or(LineError::NoColon)?;
    if !is_name(name) {
        return Err(LineError::Name);
    }
    Ok((name, Stored::parse(password)?))
}

/// Whether a file can hold a user of this name.
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && !name.starts_with('#')
        && !name.contains(|c: char| c == ':' || c.is_control())
}

/// What most users have, so that an unknown one does not stand out; the greatest of several.
fn most<T: Copy + Eq + Hash + Ord>(all: impl Iterator<Item = T>) -> Option<T> {
    let mut counts = HashMap::<T, usize>::new();
    for value in all {
        *counts.entry(value).or_default() += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|(value, count)| (*count, *value));
    most.map(|(value, _)| value)
}

/// The same in every process that reads this file.
fn decoy_secret(users: &HashMap<Box<str>, Stored>) -> Box<[u8]> {
    let digests = users
        .values()
        .map(|stored| digest(&SHA256, stored.secret()));
    let mut digests: Vec<_> = digests.map(|digest| digest.as_ref().to_vec()).collect();
    digests.sort_unstable();
    let mut all = Context::new(&SHA256);
    for digest in digests.iter().take(DECOY_LINES) {
        all.update(digest);
    }
    all.finish().as_ref().into()
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Users({})", self.by_name.len())
    }
}

/// The first lines, and how many more there are.
struct Lines<'a>(&'a [BadLine]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.0.iter().take(LINES_TOLD).enumerate() {
            let comma = if at == 0 { "" } else { "; " };
            write!(f, "{comma}line {}: {}", line.number, line.why)?;
        }
        match self.0.len().checked_sub(LINES_TOLD) {
            Some(more) if more > 0 => write!(f, "; and {more} more"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::password::{FormatError, PasswordHash};
    use super::*;

    fn line(name: &str, iterations: u32) -> String {
        let iterations = NonZeroU32::new(iterations).expect("not zero");
        format!(
            "{name}:{}\n",
            PasswordHash::derive(name.as_bytes(), iterations).expect("random")
        )
    }

    #[test]
    fn users_are_found_by_name() {
        let text = format!(
            "# fleet\n\n{}{}",
            line("alice", 1),
            line("bob", 2).replace('\n', "\r\n")
        );
        let users = Users::parse(&text).expect("parses");
        assert_eq!(users.len(), 2);
        assert!(users.stored_for("alice").verify(b"alice"));
        assert!(users.stored_for("bob").verify(b"bob"));
        assert!(!users.stored_for("bob").verify(b"alice"));
        assert!(!users.stored_for("mallory").verify(b"mallory"));
    }

    #[test]
    fn an_unknown_user_costs_what_most_cost() {
        let users =
            Users::parse(&[line("a", 7), line("b", 9), line("c", 9)].concat()).expect("parses");
        let nine = Cost::Hash(NonZeroU32::new(9).expect("not zero"));
        assert_eq!(users.stored_for("nobody").cost(), nine);
        assert!(Users::parse("").expect("parses").is_empty());
    }

    #[test]
    fn bad_lines_are_named_by_number() {
        let good = line("alice", 1);
        let text = format!("{good}nonsense\n:x\n{good}carol:$6$a$b\ndave:$7$0$YQ==$b\n");
        let error = Users::parse(&text).expect_err("bad");
        let UsersError::Lines(lines) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(
            lines
                .iter()
                .map(|line| (line.number, line.why))
                .collect::<Vec<_>>(),
            [
                (2, LineError::NoColon),
                (3, LineError::Name),
                (4, LineError::Twice),
                (5, LineError::Password(FormatError::Scheme.into())),
                (6, LineError::Password(FormatError::Iterations.into())),
            ]
        );
        assert!(
            error.to_string().contains("line 2: there is no colon"),
            "{error}"
        );
        let many = Users::parse(&"x\n".repeat(25))
            .expect_err("bad")
            .to_string();
        assert!(many.ends_with("; and 5 more"), "{many}");
    }

    fn scram_line(name: &str) -> String {
        let least = NonZeroU32::new(ScramVerifier::MIN_ITERATIONS).expect("not zero");
        format!(
            "{name}:{}\n",
            ScramVerifier::derive(name, least).expect("random")
        )
    }

    #[test]
    fn a_verifier_checks_passwords_too_and_decides_what_an_unknown_user_costs() {
        let text = [line("alice", 1), scram_line("bob"), scram_line("carol")].concat();
        let users = Users::parse(&text).expect("parses");
        assert!(users.has_scram());
        assert!(users.stored_for("bob").verify(b"bob"));
        assert!(!users.stored_for("bob").verify(b"alice"));
        assert_eq!(
            users.stored_for("nobody").cost(),
            users.stored_for("bob").cost()
        );
        assert!(!users.stored_for("nobody").verify(b"nobody"));
        assert!(!Users::parse(&line("alice", 1)).expect("parses").has_scram());
    }

    #[test]
    fn a_decoy_is_the_same_in_every_process_and_stays_when_users_come() {
        let text: String = (0..20).map(|n| scram_line(&n.to_string())).collect();
        let users = Users::parse(&text).expect("parses");
        let again = Users::parse(&text).expect("parses");
        assert_eq!(users.scram_of("nobody"), again.scram_of("nobody"));
        assert_ne!(users.scram_of("nobody"), users.scram_of("nemo"));
        // A line whose digest is not among the lowest changes nothing: one of some must be such.
        let stays = (0..64).any(|n| {
            let more = Users::parse(&[text.clone(), scram_line(&format!("new-{n}"))].concat());
            more.expect("parses").scram_of("nobody") == users.scram_of("nobody")
        });
        assert!(stays);
        let other = Users::parse(&scram_line("0")).expect("parses");
        assert_ne!(users.scram_of("nobody"), other.scram_of("nobody"));
    }

    #[test]
    fn who_has_no_verifier_looks_like_who_does_not_exist() {
        let text = [line("alice", 1), scram_line("bob")].concat();
        let users = Users::parse(&text).expect("parses");
        assert_eq!(users.scram_of("alice"), users.scram_of("alice"));
        assert_eq!(
            users.scram_of("alice").shape(),
            users.scram_of("bob").shape()
        );
        assert!(!users.scram_of("alice").verify(b"alice"));
    }
}

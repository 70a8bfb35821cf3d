//! The users of a password file.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;

use super::password::{FormatError, PasswordHash, RandomError};

/// All users, read whole or not at all.
#[derive(Clone, Debug)]
pub struct Users {
    users: HashMap<Box<str>, PasswordHash>,
    decoy: PasswordHash,
}

/// A line that is no user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub number: usize,
    pub why: LineError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("there is no colon; allowed: user:$7$iterations$salt$hash")]
    NoColon,
    #[error(
        "the user name is empty, longer than {MAX_NAME_BYTES} bytes, or has control characters"
    )]
    Name,
    #[error("the user has an earlier line")]
    Twice,
    #[error(transparent)]
    Password(#[from] FormatError),
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
                Ok((name, hash)) => {
                    if users.insert(Box::from(name), hash).is_some() {
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
        let decoy = PasswordHash::decoy(usual_iterations(&users))?;
        Ok(Self { users, decoy })
    }

    /// What `user`'s password is measured by; for an unknown user something that no password matches, at the same cost.
    pub fn hash_for(&self, user: &str) -> &PasswordHash {
        self.users.get(user).unwrap_or(&self.decoy)
    }

    pub fn contains(&self, user: &str) -> bool {
        self.users.contains_key(user)
    }

    pub fn len(&self) -> usize {
        self.users.len()
    }

    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

/// Splits a line into the name and the stored password.
pub(super) fn user(line: &str) -> Result<(&str, PasswordHash), LineError> {
    let (name, password) = line.split_once(':').ok_or(LineError::NoColon)?;
    if !is_name(name) {
        return Err(LineError::Name);
    }
    Ok((name, PasswordHash::parse(password)?))
}

/// Whether a file can hold a user of this name.
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && !name.starts_with('#')
        && !name.contains(|c: char| c == ':' || c.is_control())
}

/// What most users have, so that an unknown one does not stand out by its time.
fn usual_iterations(users: &HashMap<Box<str>, PasswordHash>) -> NonZeroU32 {
    let mut counts = HashMap::<NonZeroU32, usize>::new();
    for hash in users.values() {
        *counts.entry(hash.iterations()).or_default() += 1;
    }
    let usual = counts
        .into_iter()
        .max_by_key(|(iterations, users)| (*users, *iterations));
    usual.map_or(NonZeroU32::MIN, |(iterations, _)| iterations)
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
        assert!(users.hash_for("alice").verify(b"alice"));
        assert!(users.hash_for("bob").verify(b"bob"));
        assert!(!users.hash_for("bob").verify(b"alice"));
        assert!(!users.hash_for("mallory").verify(b"mallory"));
    }

    #[test]
    fn an_unknown_user_costs_what_most_cost() {
        let users =
            Users::parse(&[line("a", 7), line("b", 9), line("c", 9)].concat()).expect("parses");
        assert_eq!(users.hash_for("nobody").iterations().get(), 9);
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
                (5, LineError::Password(FormatError::Scheme)),
                (6, LineError::Password(FormatError::Iterations)),
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
}

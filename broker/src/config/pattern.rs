//! Which client ids belong to a user.

use std::fmt;

/// A pattern over the user name, such as `%u` or `gw-%u`; `*` lets every user take every id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdPattern(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Any,
    User { before: String, after: String },
}

/// After the pattern's text an id may go on behind one of these.
pub(super) const SEPARATORS: [char; 5] = ['-', '_', ':', '/', '.'];

/// What a pattern may look like, for messages.
pub(super) const ALLOWED: &str = "a text with %u in it once (the user name), or *";

impl ClientIdPattern {
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self(Form::Any));
        }
        let (before, after) = text.split_once("%u")?;
        let plain = |part: &str| !part.contains(['%', '*', '\0']);
        (plain(before) && plain(after)).then(|| {
            Self(Form::User {
                before: before.to_owned(),
                after: after.to_owned(),
            })
        })
    }

    /// May `user` come as `client_id`?
    pub fn allows(&self, user: &str, client_id: &str) -> bool {
        let Form::User { before, after } = &self.0 else {
            return true;
        };
        let rest = client_id
            .strip_prefix(before.as_str())
            .and_then(|id| id.strip_prefix(user))
            .and_then(|id| id.strip_prefix(after.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(SEPARATORS))
    }

    /// An id of `user`'s own for a client that sent none. `unique` must not repeat within the cluster.
    pub fn assign(&self, user: &str, unique: &str) -> String {
        match &self.0 {
            Form::Any => format!("{user}-{unique}"),
            Form::User { before, after } => format!("{before}{user}{after}-{unique}"),
        }
    }

    /// The user names whose ids would include `client_id`, were there such users.
    pub fn owners<'a>(&'a self, client_id: &'a str) -> impl Iterator<Item = &'a str> {
        let (rest, after) = match &self.0 {
            Form::Any => (None, ""),
            Form::User { before, after } => {
                (client_id.strip_prefix(before.as_str()), after.as_str())
            }
        };
        rest.into_iter().flat_map(move |rest| {
            let ends = rest
                .match_indices(SEPARATORS)
                .map(|(at, _)| at)
                .chain([rest.len()]);
            ends.filter_map(move |end| rest.get(..end)?.strip_suffix(after))
                .filter(|user| !user.is_empty())
        })
    }
}

impl fmt::Display for ClientIdPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Any => f.write_str("*"),
            Form::User { before, after } => write!(f, "{before}%u{after}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> ClientIdPattern {
        ClientIdPattern::parse(text).expect(text)
    }

    #[test]
    fn an_id_belongs_to_its_user() {
        for (form, user, id, allowed) in [
            ("%u", "alice", "alice", true),
            ("%u", "alice", "alice-1", true),
            ("%u", "alice", "alice/kitchen", true),
            ("%u", "alice", "alice2", false),
            ("%u", "alice", "alic", false),
            ("%u", "alice", "bob", false),
            ("%u", "alice", "", false),
            ("gw-%u", "4711", "gw-4711", true),
            ("gw-%u", "4711", "4711", false),
            ("%u.gw", "4711", "4711.gw:a", true),
            ("%u.gw", "4711", "4711.g", false),
            ("*", "alice", "bob", true),
        ] {
            assert_eq!(
                pattern(form).allows(user, id),
                allowed,
                "{form} {user} {id}"
            );
        }
    }

    #[test]
    fn a_pattern_names_the_user_once() {
        for bad in ["", "gw", "%u%u", "%c", "%u-%c", "a*%u", "%"] {
            assert_eq!(ClientIdPattern::parse(bad), None, "{bad}");
        }
        for good in ["%u", "*", "gw-%u", "%u.x"] {
            assert_eq!(pattern(good).to_string(), good);
        }
    }

    #[test]
    fn owners_are_exactly_those_who_are_allowed() {
        let owners = |form: &str, id: &str| {
            pattern(form)
                .owners(id)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(owners("%u", "a-b-c"), ["a", "a-b", "a-b-c"]);
        assert_eq!(owners("gw-%u", "gw-4711:x"), ["4711", "4711:x"]);
        assert_eq!(owners("gw-%u", "4711"), [""; 0]);
        assert_eq!(owners("*", "a"), [""; 0]);
        for id in ["a-b-c", "a.b", "-x"] {
            for owner in owners("%u", id) {
                assert!(pattern("%u").allows(&owner, id), "{owner} {id}");
            }
        }
    }

    #[test]
    fn an_assigned_id_is_the_users_own() {
        for form in ["%u", "gw-%u", "%u.x", "*"] {
            let pattern = pattern(form);
            assert!(
                pattern.allows("alice", &pattern.assign("alice", "7")),
                "{form}"
            );
        }
    }
}

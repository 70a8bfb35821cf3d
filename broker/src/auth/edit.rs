//! A password file's text, changed by one user; all other lines stay as they are.

use super::stored::Stored;

/// `text` with `user` having `stored`: in the place of an earlier line, whatever its form, or at the end.
pub fn set_user(text: &str, user: &str, stored: &Stored) -> String {
    let line = format!("{user}:{stored}");
    let mut set = false;
    let mut lines: Vec<&str> = Vec::new();
    for old in text.lines() {
        if !is_of(old, user) {
            lines.push(old);
        } else if !set {
            set = true;
            lines.push(&line);
        }
    }
    if !set {
        lines.push(&line);
    }
    joined(&lines)
}

/// `text` without `user`; `None` when there is no such user.
pub fn remove_user(text: &str, user: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !is_of(line, user)).collect();
    (lines.len() < text.lines().count()).then(|| joined(&lines))
}

fn is_of(line: &str, user: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| name == user)
}

fn joined(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::password::PasswordHash;
    use super::*;

    #[test]
    fn one_user_changes_and_the_rest_stays() {
        let hash = Stored::Hash(PasswordHash::derive(b"x", NonZeroU32::MIN).expect("random"));
        let text = "# fleet\nalice:old\nbob:b\nalice:older";
        assert_eq!(
            set_user(text, "alice", &hash),
            format!("# fleet\nalice:{hash}\nbob:b\n")
        );
        assert_eq!(
            set_user(text, "carol", &hash),
            format!("{text}\ncarol:{hash}\n")
        );
        assert_eq!(set_user("", "carol", &hash), format!("carol:{hash}\n"));
        assert_eq!(
            remove_user(text, "alice").as_deref(),
            Some("# fleet\nbob:b\n")
        );
        assert_eq!(remove_user(text, "ali"), None);
    }
}

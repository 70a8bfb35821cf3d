//! Names and passwords in the one form that both sides hash.

use std::borrow::Cow;

/// The `SASLprep` form (RFC 4013); `None` for what has none (control characters, what Unicode 3.2 did not know) or an
/// empty one. Plain ASCII stays as it is.
pub fn prepare(text: &str) -> Option<Cow<'_, str>> {
    stringprep::saslprep(text)
        .ok()
        .filter(|prepared| !prepared.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 4013, section 3.
    #[test]
    fn one_form_for_what_looks_the_same() {
        for (text, prepared) in [
            ("I\u{ad}X", Some("IX")),
            ("user", Some("user")),
            ("USER", Some("USER")),
            ("\u{aa}", Some("a")),
            ("\u{2168}", Some("IX")),
            ("\u{7}", None),
            ("\u{627}1", None),
            ("", None),
            ("\u{ad}", None),
            ("gr\u{fc}n", Some("gr\u{fc}n")),
            ("gru\u{308}n", Some("gr\u{fc}n")),
            ("\u{1f511}", None),
        ] {
            assert_eq!(prepare(text).as_deref(), prepared, "{text:?}");
        }
    }
}

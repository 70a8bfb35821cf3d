//! Text that is kept many times over: a short one takes no memory of its own.

/// Most filters and nearly all levels are no longer.
const SHORT: usize = 22;

/// Compared as bytes; valid UTF-8.
#[derive(Clone)]
pub(super) enum ShortText {
    Here { len: u8, bytes: [u8; SHORT] },
    Apart(Box<str>),
}

impl ShortText {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Here { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::Apart(text) => text.as_bytes(),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Here { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Self::Apart(text) => text,
        }
    }
}

impl From<&str> for ShortText {
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(here), Ok(len)) => {
                here.copy_from_slice(text.as_bytes());
                Self::Here { len, bytes }
            }
            _ => Self::Apart(text.into()),
        }
    }
}

impl std::fmt::Debug for ShortText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_it_was_made_of() {
        for len in 0..40 {
            let text = "e".repeat(len);
            let short = ShortText::from(text.as_str());
            assert_eq!(
                (short.as_str(), short.as_bytes()),
                (&*text, text.as_bytes())
            );
            assert_eq!(matches!(short, ShortText::Here { .. }), len <= SHORT);
        }
        assert_eq!(
            ShortText::from("\u{1F600}/\u{e9}").as_str(),
            "\u{1F600}/\u{e9}"
        );
        assert_eq!(size_of::<Option<ShortText>>(), 24);
    }
}

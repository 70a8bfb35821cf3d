use std::fmt;
use std::ops::RangeInclusive;

/// Everything that is wrong, each with its field and what is allowed there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems(Vec<(String, String)>);

impl Problems {
    pub(crate) fn add(&mut self, field: impl Into<String>, text: impl Into<String>) {
        self.0.push((field.into(), text.into()));
    }

    pub(crate) fn range(&mut self, field: &str, value: i32, allowed: RangeInclusive<i32>) {
        if !allowed.contains(&value) {
            self.add(
                field,
                format!("must be from {} to {}", allowed.start(), allowed.end()),
            );
        }
    }

    /// An error unless there is nothing wrong.
    pub(crate) fn none_or_all(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (field, text)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}`{field}` {text}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

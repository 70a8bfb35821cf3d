//! An error with all that is behind it, on one line.

use std::error::Error;
use std::fmt;

/// For logs: `failed to a: failed to b: c`.
#[derive(Debug)]
pub struct Causes<'a>(pub &'a dyn Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to dial")]
    struct Dial(#[from] std::io::Error);

    #[test]
    fn tells_all_of_it() {
        let error = Dial::from(std::io::Error::other("no route"));
        assert_eq!(Causes(&error).to_string(), "failed to dial: no route");
    }
}

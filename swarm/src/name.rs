//! Names made of a pattern: `gw-{n}` for gateway 12 is `gw-12`.

use std::fmt::Write as _;

/// A text with placeholders: `{n}` the gateway's number in the fleet from 0, `{range}` its range, `{t}` the topic's
/// number from 0. `{n:5}` is padded with zeros to five digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Gateway { width: usize },
    Range,
    Topic,
}

/// What fills the placeholders.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Filling<'a> {
    pub(crate) gateway: u32,
    pub(crate) range: &'a str,
    pub(crate) topic: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse the pattern {0}: allowed in braces are n, n:WIDTH, range and t")]
pub(crate) struct PatternError(String);

/// No id or topic needs more digits.
const MAX_WIDTH: usize = 20;

impl Pattern {
    pub(crate) fn parse(pattern: &str) -> Result<Self, PatternError> {
        let error = || PatternError(pattern.to_owned());
        let mut parts = Vec::new();
        let mut rest = pattern;
        while let Some((text, after)) = rest.split_once('{') {
            let (inside, after) = after.split_once('}').ok_or_else(error)?;
            parts.push(Part::Text(text.to_owned()));
            parts.push(placeholder(inside).ok_or_else(error)?);
            rest = after;
        }
        if rest.contains('}') {
            return Err(error());
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The text itself, braces and all.
    pub(crate) fn literal(text: &str) -> Self {
        Self(vec![Part::Text(text.to_owned())])
    }

    pub(crate) fn fill(&self, filling: Filling<'_>) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Range => out.push_str(filling.range),
                // writing to a String cannot fail
                Part::Gateway { width } => _ = write!(out, "{:0width$}", filling.gateway),
                Part::Topic => _ = write!(out, "{}", filling.topic),
            }
        }
        out
    }

    /// Whether two gateways get two names.
    pub(crate) fn tells_gateways_apart(&self) -> bool {
        self.0
            .iter()
            .any(|part| matches!(part, Part::Gateway { .. }))
    }

    /// Whether two topics get two names.
    pub(crate) fn tells_topics_apart(&self) -> bool {
        self.0.contains(&Part::Topic)
    }
}

fn placeholder(inside: &str) -> Option<Part> {
    match inside {
        "n" => Some(Part::Gateway { width: 0 }),
        "range" => Some(Part::Range),
        "t" => Some(Part::Topic),
        other => {
            let width = other
                .strip_prefix("n:")?
                .parse()
                .ok()
                .filter(|width| *width <= MAX_WIDTH)?;
            Some(Part::Gateway { width })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_every_placeholder() {
        let pattern = Pattern::parse("gw/{range}/{n:5}/{t}/x{n}").unwrap();
        let filling = Filling {
            gateway: 12,
            range: "north",
            topic: 3,
        };
        assert_eq!(pattern.fill(filling), "gw/north/00012/3/x12");
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for wrong in ["{m}", "{n", "n}", "{n:x}", "{n:21}", "{}"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}

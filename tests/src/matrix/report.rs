//! What came out, as a table.

use std::fmt;
use std::time::Duration;

use super::case::Case;
use super::scene::Outcome;

pub struct Row {
    pub case: Case,
    pub outcome: Outcome,
    pub took: Duration,
}

/// Of one library.
pub struct Report {
    pub name: &'static str,
    /// As the library says it itself.
    pub version: String,
    pub rows: Vec<Row>,
}

impl Report {
    pub fn failures(&self) -> usize {
        self.rows.iter().filter(|row| row.outcome.is_err()).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took: Duration = self.rows.iter().map(|row| row.took).sum();
        writeln!(
            formatter,
            "{}: {}, {} cases, {} failed, {:.1} s",
            self.name,
            self.version,
            self.rows.len(),
            self.failures(),
            took.as_secs_f64()
        )?;
        for row in &self.rows {
            let (case, took) = (row.case.to_string(), row.took.as_secs_f64());
            match &row.outcome {
                Ok(()) => writeln!(formatter, "  {case:<24} {took:5.1} s  ok")?,
                Err(why) => writeln!(formatter, "  {case:<24} {took:5.1} s  FAILED {why}")?,
            }
        }
        Ok(())
    }
}

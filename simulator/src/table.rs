//! The table that the law was chosen by.

use std::fmt::Write as _;

use herdgate_admission::simulator::rows::{LAWS, Row, rows};
use herdgate_admission::simulator::{Law, Outcome, Problems, Scenario};

use crate::text::hundredths;

/// Rows and columns as Markdown; a column each for the laws, time over ideal, handshakes per client in brackets.
pub(crate) fn markdown() -> Result<String, Problems> {
    let mut page = String::from("| model |");
    for (name, _) in LAWS {
        // writing to a String cannot fail
        _ = write!(page, " {name} |");
    }
    page += "\n|---|";
    page += &"---|".repeat(LAWS.len());
    for row in rows() {
        _ = write!(page, "\n| {} |", row.name);
        for outcome in columns(&row)? {
            _ = write!(page, " {} |", cell(&outcome));
        }
    }
    page.push('\n');
    Ok(page)
}

/// All laws side by side: they have nothing to do with each other.
fn columns(row: &Row) -> Result<Vec<Outcome>, Problems> {
    std::thread::scope(|scope| {
        let runs: Vec<_> = LAWS
            .into_iter()
            .map(|(_, law)| {
                let scenario = under(&row.scenario, law);
                scope.spawn(move || scenario.run())
            })
            .collect();
        // a run that panics is a bug, and says so itself
        runs.into_iter()
            .map(|run| {
                run.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}

pub(crate) fn under(scenario: &Scenario, law: Law) -> Scenario {
    Scenario {
        law,
        ..scenario.clone()
    }
}

pub(crate) fn cell(outcome: &Outcome) -> String {
    let handshakes = hundredths(outcome.handshakes_per_hundred());
    if outcome.is_complete() {
        format!("{} ({handshakes})", hundredths(outcome.percent_of_ideal()))
    } else {
        format!(
            "never ({} of {}; {handshakes})",
            outcome.back, outcome.expected
        )
    }
}

//! Text from answers. Pure.

mod bars;
mod questions;
mod reopening;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

pub(crate) use questions::{census, explain};
pub(crate) use reopening::{is_over, line, screen, status};

/// Right-aligned names and their values, one to a line; those without a value are left out.
fn table(rows: &[(&str, Option<String>)]) -> String {
    let mut text = String::new();
    for (name, value) in rows {
        if let Some(value) = value {
            let _ = writeln!(text, "{name:>9}  {value}");
        }
    }
    text
}

fn seconds(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

//! An outcome for people.

use std::fmt::Write as _;

use herdgate_admission::simulator::{Law, Outcome, Point, Scenario};

use crate::json::per_client;

/// Lines of the timeline.
const LINES: usize = 20;
/// Characters of a bar.
const BAR: u64 = 40;

pub(crate) fn law_name(law: Law) -> String {
    match law {
        Law::Staged => "this law".to_owned(),
        Law::Open => "open".to_owned(),
        Law::Constant(limit) => format!("constant {limit}"),
        Law::Aimd(queue) => format!("AIMD on a queue of {queue:?}"),
    }
}

/// The outcome as a page of text.
pub(crate) fn page(scenario: &Scenario, outcome: &Outcome) -> String {
    let mut page = String::new();
    // writing to a String cannot fail
    _ = write(&mut page, scenario, outcome);
    page
}

fn write(page: &mut String, scenario: &Scenario, outcome: &Outcome) -> std::fmt::Result {
    writeln!(
        page,
        "scenario            {}, {}",
        scenario.name,
        law_name(scenario.law)
    )?;
    write!(
        page,
        "clients             {} back of {}",
        outcome.back, outcome.expected
    )?;
    match outcome.took {
        Some(took) => writeln!(page, " in {:.1} s", took.as_secs_f64())?,
        None => writeln!(
            page,
            " after {:.1} s, the others are not",
            outcome.lasted.as_secs_f64()
        )?,
    }
    writeln!(
        page,
        "the work alone      {:.1} s, one client alone {:.2} s",
        outcome.ideal.as_secs_f64(),
        outcome.alone.as_secs_f64()
    )?;
    if outcome.is_complete() {
        writeln!(
            page,
            "over the ideal      {}",
            hundredths(outcome.percent_of_ideal())
        )?;
    }
    tries(page, outcome)?;
    writeln!(
        page,
        "reopening           {}, level {}/{}",
        outcome.reopening, outcome.level, outcome.slices
    )?;
    timeline(page, outcome)
}

/// What it took to come back.
fn tries(page: &mut String, outcome: &Outcome) -> std::fmt::Result {
    writeln!(
        page,
        "handshakes          {} ({:.2} per client)",
        outcome.handshakes,
        per_client(outcome)
    )?;
    writeln!(
        page,
        "time to CONNACK     p50 {:.2} s, p95 {:.2} s",
        outcome.time_to_connack.0.as_secs_f64(),
        outcome.time_to_connack.1.as_secs_f64()
    )?;
    writeln!(
        page,
        "also                {} arrivals, {} resets, {} gave up, {} refused by the backend, {} fell out again",
        outcome.arrivals, outcome.resets, outcome.gave_up, outcome.refused, outcome.drops
    )?;
    if outcome.by_client_id > 0 {
        writeln!(
            page,
            "by client id        {} tries, {} of them told to come again",
            outcome.by_client_id, outcome.busy
        )?;
    }
    Ok(())
}

fn timeline(page: &mut String, outcome: &Outcome) -> std::fmt::Result {
    writeln!(
        page,
        "\n  seconds    level     held     door  entering (limit)  settling     back"
    )?;
    let step = outcome.timeline.len().div_ceil(LINES).max(1);
    let last = outcome.timeline.len().saturating_sub(1);
    let shown = outcome
        .timeline
        .iter()
        .enumerate()
        .filter(|(index, _)| index % step == 0 || *index == last);
    for (_, point) in shown {
        line(page, point, outcome.expected)?;
    }
    Ok(())
}

fn line(page: &mut String, point: &Point, expected: u32) -> std::fmt::Result {
    let full = u64::from(point.back) * BAR / u64::from(expected.max(1));
    let bar: String = (0..BAR)
        .map(|at| if at < full { '#' } else { '.' })
        .collect();
    let limit = if point.entering_limit == u32::MAX {
        "-".to_owned()
    } else {
        point.entering_limit.to_string()
    };
    writeln!(
        page,
        "{:9.1} {:8} {:8} {:8} {:>9} {:8} {:9} {:8}  {bar} {}",
        point.at.as_secs_f64(),
        point.level,
        point.held,
        point.door,
        point.entering,
        format!("({limit})"),
        point.settling,
        point.back,
        point.limiting
    )
}

/// 102 is 1.02.
pub(crate) fn hundredths(percent: u64) -> String {
    format!("{}.{:02}", percent / 100, percent % 100)
}

//! How a reopening stands.

use std::fmt::Write as _;

use herdgate_admission::progress::{Phase, Progress, Trigger};

use super::{bars, seconds, table};

pub(crate) fn is_over(progress: &Progress) -> bool {
    progress.finished_at.is_some()
}

/// Several lines.
pub(crate) fn status(progress: &Progress) -> String {
    if progress.number == 0 {
        return "no reopening yet: the edges have not heard a shard\n".to_owned();
    }
    format!("{}\n{}", title(progress), table(&rows(progress)))
}

/// The same, with the slices drawn.
pub(crate) fn screen(progress: &Progress) -> String {
    let mut text = status(progress);
    let per_slice = progress.per_slice.as_ref();
    for row in bars::slices(progress.level, progress.slices, per_slice) {
        let _ = writeln!(text, "{:>9}  {row}", "");
    }
    for slow in &progress.slowest {
        let range = slow.range.as_ref();
        let range = range.map_or_else(String::new, |range| format!(" of {range}"));
        let _ = writeln!(
            text,
            "{:>9}  slice {}{range}: {} clients within {}",
            "slow",
            slow.slice,
            slow.entered,
            seconds(slow.seconds)
        );
    }
    text
}

/// One line.
pub(crate) fn line(progress: &Progress) -> String {
    if progress.number == 0 {
        return "no reopening yet".to_owned();
    }
    let mut line = format!(
        "{} {} {}/{}, back {}",
        progress.number,
        phase(progress),
        progress.level,
        progress.slices,
        back(progress),
    );
    let waiting = progress.held + progress.door;
    for (count, name) in [
        (waiting, "waiting"),
        (progress.entering, "entering"),
        (progress.settling, "settling"),
    ] {
        if count > 0 {
            let _ = write!(line, ", {name} {count}");
        }
    }
    if let Some(limit) = limiting(progress) {
        let _ = write!(line, ", limited by {limit}");
    }
    if let Some(eta) = to_go(progress) {
        let _ = write!(line, ", {} to go", seconds(eta));
    }
    line
}

fn title(progress: &Progress) -> String {
    let trigger = match progress.trigger {
        Trigger::None => "",
        Trigger::Start => ", after a start",
        Trigger::Restart => ", after a restart",
        Trigger::Overload => ", after an overload",
        Trigger::Manual => ", by hand",
    };
    let since = progress.started_at.as_ref();
    let since = since.map_or_else(String::new, |since| format!(", since {since}"));
    let until = progress.finished_at.as_ref();
    let until = until.map_or_else(String::new, |until| format!(" until {until}"));
    format!(
        "reopening {}: {}{trigger}{since}{until}",
        progress.number,
        phase(progress)
    )
}

fn phase(progress: &Progress) -> String {
    let phase = match progress.phase {
        Phase::None => "none",
        Phase::Ramping => "ramping",
        Phase::Holding => "holding",
        Phase::Open => "open",
        Phase::Stopped => "stopped",
    };
    if progress.paused {
        format!("{phase} (paused)")
    } else {
        phase.to_owned()
    }
}

fn rows(progress: &Progress) -> Vec<(&'static str, Option<String>)> {
    let (level, slices) = (progress.level, progress.slices);
    let forecast = progress.forecast.map(|forecast| {
        let time = seconds(forecast.seconds);
        format!("{} clients in {time}", forecast.clients)
    });
    vec![
        (
            "slices",
            Some(format!(
                "{} {level}/{slices}",
                bars::bar(level.into(), slices.into())
            )),
        ),
        ("back", Some(back_bar(progress))),
        (
            "waiting",
            Some(format!(
                "{} in closed slices, {} at the door",
                progress.held, progress.door
            )),
        ),
        ("entering", Some(progress.entering.to_string())),
        ("settling", Some(progress.settling.to_string())),
        ("limiting", limiting(progress)),
        ("to go", to_go(progress).map(seconds)),
        ("forecast", forecast),
    ]
}

fn back(progress: &Progress) -> String {
    match progress.expected {
        Some(expected) => format!("{}/{expected}", progress.settled),
        None => progress.settled.to_string(),
    }
}

fn back_bar(progress: &Progress) -> String {
    let expected = progress.expected.filter(|expected| *expected > 0);
    let bar = expected.map(|expected| format!("{} ", bars::bar(progress.settled, expected)));
    format!("{}{}", bar.unwrap_or_default(), back(progress))
}

/// Seconds, where there is anything to wait for.
fn to_go(progress: &Progress) -> Option<u64> {
    let eta = progress.eta_seconds.filter(|eta| *eta > 0);
    eta.filter(|_| !is_over(progress))
}

fn limiting(progress: &Progress) -> Option<String> {
    let signal = progress.limiting_signal.as_ref()?;
    Some(match progress.limiting_shard {
        Some(shard) => format!("{signal} of shard {shard}"),
        None => signal.clone(),
    })
}

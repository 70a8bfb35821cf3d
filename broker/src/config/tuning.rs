//! The constants of the law, for whoever has a reason to change one.

mod backend;
mod health;
mod hearing;
mod hold;
mod settle;
mod trust;

use std::time::Duration;

use herdgate_admission::tuning::Tuning;

use super::parse::Parse;
use super::reader::Reader;

/// `section`: `admission`. The longest block has a key of its own there: people do change that one.
pub(super) fn tuning(section: &Reader<'_>) -> Option<Tuning> {
    let max_blocked = section.one::<u32>("maxBlockedSeconds");
    let last_class_percent = section.one("lastClassPercent");
    let section = &section.sub("tuning");
    let groups = groups(section);
    let entering = entering(section);
    let shards = (
        section.one("leastAttaches"),
        section.one("rememberShardSeconds"),
    );
    let patience = patience(section);
    let settling = (
        section.one("lateSubackSeconds"),
        section.one("leastSettling"),
    );
    let level = level(section);
    let last_class = (
        section.one("lastClassAfter"),
        section.one("lastClassSeconds"),
    );
    let overload = (
        section.one("leastOverloadArrivals"),
        section.one("overloadSeconds"),
        section.one("quietBeforeOverloadSeconds"),
    );
    let patience = patience?;
    let (groups, level) = (groups?, level?);
    Some(Tuning {
        health: groups.health,
        settle: groups.settle,
        backend: groups.backend,
        hold: groups.hold,
        hearing: groups.hearing,
        trust: groups.trust,
        max_blocked: Duration::from_secs(max_blocked?.into()),
        least_attaches: shards.0?,
        remember_shard_for: shards.1?,
        last_class_percent: last_class_percent?,
        last_class_after: last_class.0?,
        last_class_for: last_class.1?,
        late_suback: settling.0?,
        least_settling: settling.1?,
        largest_step_parts: level.largest_step_parts,
        skip_parts: level.skip_parts,
        knock_within: level.knock_within,
        stalled_after: level.stalled_after,
        least_overload_arrivals: overload.0?,
        overload_for: overload.1?,
        quiet_before_overload: overload.2?,
        sample_percent: patience.sample_percent,
        sample_within: patience.sample_within,
        least_give_up: patience.least_give_up,
        patience_percentile: patience.patience_percentile,
        enough_give_ups: patience.enough_give_ups,
        least_patience: patience.least_patience,
        most_patience: patience.most_patience,
        ..entering?
    })
}

/// Those with a section of their own.
fn groups(section: &Reader<'_>) -> Option<Tuning> {
    let health = health::health(&section.sub("health"));
    let settle = settle::settle(&section.sub("settle"));
    let backend = backend::backend(&section.sub("backend"));
    let hold = hold::hold(&section.sub("hold"));
    let hearing = hearing::hearing(&section.sub("hearing"));
    let trust = trust::trust(&section.sub("trust"));
    Some(Tuning {
        health: health?,
        settle: settle?,
        backend: backend?,
        hold: hold?,
        hearing: hearing?,
        trust: trust?,
        ..Tuning::default()
    })
}

/// How many may be entering.
fn entering(section: &Reader<'_>) -> Option<Tuning> {
    let (first, least) = (section.one("firstEntering"), section.one("leastEntering"));
    let (target, used) = (section.one("targetPercent"), section.one("usedPercent"));
    let adjust_every = section.one("adjustEverySeconds");
    let halve_every = section.one("halveEverySeconds");
    Some(Tuning {
        first_entering: first?,
        least_entering: least?,
        target_percent: target?,
        used_percent: used?,
        adjust_every: adjust_every?,
        halve_every: halve_every?,
        ..Tuning::default()
    })
}

/// How slices open.
fn level(section: &Reader<'_>) -> Option<Tuning> {
    let largest_step_parts = section.one("largestStepParts");
    let skip_parts = section.one("skipParts");
    let (knock, stalled) = (section.one("knockSeconds"), section.one("stalledSeconds"));
    Some(Tuning {
        largest_step_parts: largest_step_parts?,
        skip_parts: skip_parts?,
        knock_within: knock?,
        stalled_after: stalled?,
        ..Tuning::default()
    })
}

/// How it is learned.
fn patience(section: &Reader<'_>) -> Option<Tuning> {
    let sample_percent = section.one("samplePercent");
    let sample_within = section.one("sampleSeconds");
    let least_give_up = section.one("leastGiveUpSeconds");
    let patience_percentile = section.one("patiencePercentile");
    let enough_give_ups = section.one("enoughGiveUps");
    let (least_patience, most_patience) =
        range(section, "leastPatienceSeconds", "mostPatienceSeconds")?;
    Some(Tuning {
        sample_percent: sample_percent?,
        sample_within: sample_within?,
        least_give_up: least_give_up?,
        patience_percentile: patience_percentile?,
        enough_give_ups: enough_give_ups?,
        least_patience,
        most_patience,
        ..Tuning::default()
    })
}

/// Two values of which the first may be no more than the second.
fn range<T: Parse + PartialOrd>(section: &Reader<'_>, least: &str, most: &str) -> Option<(T, T)> {
    let (low, high): (Option<T>, Option<T>) = (section.one(least), section.one(most));
    let (low, high) = (low?, high?);
    in_order(section, (least, &low), (most, &high))?;
    Some((low, high))
}

/// `None`: the first is more than the second.
fn in_order<T: PartialOrd>(
    section: &Reader<'_>,
    (least, low): (&str, &T),
    (most, high): (&str, &T),
) -> Option<()> {
    if low > high {
        section.note(
            least,
            format!("is more than `{most}`; allowed: no more than that"),
        );
        return None;
    }
    Some(())
}

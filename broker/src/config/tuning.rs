//! The constants of the law, for whoever has a reason to change one.

mod backend;
mod health;
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
    let level = (
        section.one("largestStepParts"),
        section.one("knockSeconds"),
        section.one("stalledSeconds"),
    );
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
    let groups = groups?;
    Some(Tuning {
        health: groups.health,
        settle: groups.settle,
        backend: groups.backend,
        hold: groups.hold,
        trust: groups.trust,
        max_blocked: Duration::from_secs(max_blocked?.into()),
        least_attaches: shards.0?,
        remember_shard_for: shards.1?,
        last_class_percent: last_class_percent?,
        last_class_after: last_class.0?,
        last_class_for: last_class.1?,
        late_suback: settling.0?,
        least_settling: settling.1?,
        largest_step_parts: level.0?,
        knock_within: level.1?,
        stalled_after: level.2?,
        least_overload_arrivals: overload.0?,
        overload_for: overload.1?,
        quiet_before_overload: overload.2?,
        sample_percent: patience.sample_percent,
        sample_within: patience.sample_within,
        least_give_up: patience.least_give_up,
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
    let trust = trust::trust(&section.sub("trust"));
    Some(Tuning {
        health: health?,
        settle: settle?,
        backend: backend?,
        hold: hold?,
        trust: trust?,
        ..Tuning::default()
    })
}

/// How many may be entering.
fn entering(section: &Reader<'_>) -> Option<Tuning> {
    let (first, least) = (section.one("firstEntering"), section.one("leastEntering"));
    let (target, used) = (section.one("targetPercent"), section.one("usedPercent"));
    let halve_every = section.one("halveEverySeconds");
    Some(Tuning {
        first_entering: first?,
        least_entering: least?,
        target_percent: target?,
        used_percent: used?,
        halve_every: halve_every?,
        ..Tuning::default()
    })
}

/// How it is learned.
fn patience(section: &Reader<'_>) -> Option<Tuning> {
    let sample_percent = section.one("samplePercent");
    let sample_within = section.one("sampleSeconds");
    let least_give_up = section.one("leastGiveUpSeconds");
    let enough_give_ups = section.one("enoughGiveUps");
    let (least_patience, most_patience) =
        range(section, "leastPatienceSeconds", "mostPatienceSeconds")?;
    Some(Tuning {
        sample_percent: sample_percent?,
        sample_within: sample_within?,
        least_give_up: least_give_up?,
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

//! How long a reopening will take, in one formula: cheap enough for every look at a cluster.

use std::time::Duration;

/// The time to CONNACK that the law aims at, as a part of the patience.
const TARGET_PARTS: u32 = 5;
/// Reports, the first slices, and the doubling from half the limit that was good last time.
const BEGINNING: Duration = Duration::from_secs(2);
/// A client that is let in last has its SUBSCRIBEs before it: about as long as the quiet time at most.
const END: Duration = Duration::from_secs(2);
/// A fleet in step that is away so many times as long as it is patient is mostly not there when it could come in.
const OUT_OF_REACH: u32 = 12;

/// What is known when a reopening begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The census.
    pub clients: u32,
    /// The last good entering limit, summed over the edges.
    pub entering_limit: u32,
    /// The usual time from being let in until CONNACK at that limit; `None`: what the law aims at.
    pub time_to_connack: Option<Duration>,
    /// The last good settle limit, summed over the shards, and how long a client settles; `None`: it did not bind.
    pub settling: Option<(u32, Duration)>,
    pub patience: Duration,
    /// How long clients are away between two tries; `None`: not known.
    pub away: Option<Duration>,
}

/// What is to be expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// From the first knock until everybody of the census is back.
    pub takes: Duration,
    /// The fleet is away 12 times as long as it is patient: if it is in step, it cannot be helped. A server sees it for
    /// one part of thirteen of the time, and the forecast counts only that part.
    pub is_out_of_reach: bool,
}

/// `None`: nothing is known of how fast clients come in, because no reopening has been good yet.
pub fn forecast(known: Known) -> Option<Forecast> {
    let per_client =
        |limit: u32, each: Duration| (limit > 0 && !each.is_zero()).then(|| each / limit);
    let to_connack = known
        .time_to_connack
        .unwrap_or(known.patience / TARGET_PARTS);
    let entering = per_client(known.entering_limit, to_connack)?;
    let settling = known
        .settling
        .and_then(|(limit, each)| per_client(limit, each));
    let away = known.away.unwrap_or_default();
    let is_out_of_reach =
        !known.patience.is_zero() && away >= known.patience.saturating_mul(OUT_OF_REACH);
    let work = entering
        .max(settling.unwrap_or_default())
        .saturating_mul(known.clients);
    // seen for its patience in each round of patience and absence
    let rounds = if is_out_of_reach {
        seen_once_in(known.patience, away)
    } else {
        1
    };
    Some(Forecast {
        takes: work.saturating_mul(rounds).saturating_add(BEGINNING + END),
        is_out_of_reach,
    })
}

fn seen_once_in(patience: Duration, away: Duration) -> u32 {
    let round = (patience + away)
        .as_micros()
        .div_ceil(patience.as_micros().max(1));
    u32::try_from(round).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::rows::rows;

    const FOUNDING: Known = Known {
        clients: 7_000,
        entering_limit: 80,
        time_to_connack: Some(Duration::from_secs(1)),
        settling: None,
        patience: Duration::from_secs(5),
        away: Some(Duration::from_secs(1)),
    };

    #[test]
    fn clients_over_their_pace() {
        let takes = |known| forecast(known).map(|it| it.takes.as_millis());
        assert_eq!(takes(FOUNDING), Some(91_500));
        assert_eq!(
            takes(Known {
                time_to_connack: None,
                ..FOUNDING
            }),
            Some(91_500)
        );
        let settling = Some((10, Duration::from_secs(1)));
        assert_eq!(
            takes(Known {
                settling,
                ..FOUNDING
            }),
            Some(704_000)
        );
        assert_eq!(
            takes(Known {
                entering_limit: 0,
                ..FOUNDING
            }),
            None
        );
        assert_eq!(
            takes(Known {
                clients: 0,
                ..FOUNDING
            }),
            Some(4_000)
        );
    }

    #[test]
    fn a_fleet_that_is_away_for_long_is_out_of_reach() {
        let away = |seconds| Known {
            away: Some(Duration::from_secs(seconds)),
            ..FOUNDING
        };
        assert!(!forecast(away(59)).unwrap().is_out_of_reach);
        let far = forecast(away(60)).unwrap();
        assert!(far.is_out_of_reach);
        assert!(far.takes > forecast(away(59)).unwrap().takes * 12);
    }

    #[test]
    fn nothing_overflows() {
        let most = Known {
            clients: u32::MAX,
            entering_limit: 1,
            time_to_connack: Some(Duration::MAX),
            settling: Some((1, Duration::MAX)),
            patience: Duration::from_micros(1),
            away: Some(Duration::from_hours(24)),
        };
        assert!(forecast(most).is_some());
    }

    /// What the last reopening showed foretells one like it.
    #[test]
    fn the_model_bears_the_formula_out() {
        for row in rows()
            .into_iter()
            .filter(|row| row.scenario.faults.is_empty())
            .take(2)
        {
            let outcome = row.scenario.run().unwrap();
            let middle = &outcome.timeline[outcome.timeline.len() / 2];
            let known = Known {
                clients: outcome.expected,
                entering_limit: middle.entering_limit,
                time_to_connack: Some(outcome.time_to_connack.0),
                settling: None,
                patience: row.scenario.herd.patience,
                away: Some(row.scenario.herd.retry),
            };
            let (foretold, took) = (forecast(known).unwrap().takes, outcome.took.unwrap());
            let apart = foretold.abs_diff(took).as_millis() * 100 / took.as_millis();
            assert!(
                apart <= 25,
                "{}: {foretold:?} for {took:?}, {known:?}",
                row.name
            );
        }
    }
}

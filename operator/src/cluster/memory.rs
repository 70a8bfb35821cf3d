//! What is remembered of a cluster from pass to pass. Losing it costs nothing but a repeated look.

use std::collections::HashMap;
use std::time::Duration;

use herdgate_crds::{MqttClusterStatus, ReopeningStatus};
use tokio::time::Instant;

use super::dereference::SecretsSeen;
use super::observe::Reading;
use super::status::Failure;

/// A pod that does not answer is believed to be as it was for so long: one lost answer must not halve the clients.
const READING_LASTS: Duration = Duration::from_secs(15);

/// By uid of the cluster.
#[derive(Default)]
pub(crate) struct Memories(HashMap<String, Memory>);

#[derive(Clone, Default)]
pub(crate) struct Memory {
    /// Failed passes in a row.
    pub(crate) failures: u32,
    /// While this holds nothing is applied.
    pub(crate) stuck: Option<Stuck>,
    /// The status as written last, which the watch may not have told yet.
    pub(crate) written: Option<(Instant, MqttClusterStatus)>,
    /// When which Secrets were looked for last, and how they were.
    pub(crate) secrets: Option<(Instant, Vec<String>, SecretsSeen)>,
    /// The status as computed last, written or not.
    pub(crate) computed: Option<MqttClusterStatus>,
    /// The newest reopening's number and record as written last, and when.
    recorded: Option<(Instant, i64, ReopeningStatus)>,
    /// Last answers by uid of the pod.
    readings: HashMap<String, (Instant, Reading)>,
}

impl Memories {
    pub(crate) fn get(&self, uid: &str) -> Memory {
        self.0.get(uid).cloned().unwrap_or_default()
    }

    pub(crate) fn put(&mut self, uid: &str, memory: Memory) {
        self.0.insert(uid.to_owned(), memory);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets clusters that are gone.
    pub(crate) fn retain(&mut self, alive: impl Fn(&str) -> bool) {
        self.0.retain(|uid, _| alive(uid));
    }
}

/// A failure that is waited out, unless the object changes before.
#[derive(Clone, Debug)]
pub(crate) struct Stuck {
    pub(crate) until: Instant,
    pub(crate) generation: Option<i64>,
    pub(crate) failure: Failure,
}

/// After a write the watch tells the new status within moments; until then the written one is the truth.
const WATCH_LAGS: Duration = Duration::from_secs(5);

impl Memory {
    /// The failure that still holds.
    pub(crate) fn stuck(&self, now: Instant, generation: Option<i64>) -> Option<Failure> {
        let stuck = self.stuck.as_ref()?;
        (now < stuck.until && stuck.generation == generation).then(|| stuck.failure.clone())
    }

    /// Time since our last write, and the status as it stands.
    pub(crate) fn last_status(
        &self,
        now: Instant,
        known: MqttClusterStatus,
    ) -> (Option<Duration>, MqttClusterStatus) {
        let Some((at, written)) = &self.written else {
            return (None, known);
        };
        let since = now.duration_since(*at);
        let status = if since < WATCH_LAGS {
            written.clone()
        } else {
            known
        };
        (Some(since), status)
    }

    /// A reopening's record as we wrote it, while the watch may not have told it yet.
    pub(crate) fn recorded(&self, now: Instant, number: i64) -> Option<ReopeningStatus> {
        let (at, of, status) = self.recorded.as_ref()?;
        (*of == number && now.duration_since(*at) < WATCH_LAGS).then(|| status.clone())
    }

    /// Time since a reopening's record was written by us.
    pub(crate) fn since_recorded(&self, now: Instant, number: i64) -> Option<Duration> {
        let recorded = self.recorded.as_ref();
        let (at, ..) = recorded.filter(|(_, of, _)| *of == number)?;
        Some(now.duration_since(*at))
    }

    pub(crate) fn record(&mut self, now: Instant, number: i64, status: ReopeningStatus) {
        self.recorded = Some((now, number, status));
    }

    /// The reading of each pod: the one just taken, or the last one while it lasts.
    pub(crate) fn learn(
        &mut self,
        now: Instant,
        taken: Vec<(String, Option<Reading>)>,
    ) -> Vec<(String, Option<Reading>)> {
        let known = std::mem::take(&mut self.readings);
        let mut readings = Vec::with_capacity(taken.len());
        for (pod, fresh) in taken {
            let kept = known
                .get(&pod)
                .filter(|(at, _)| now.duration_since(*at) < READING_LASTS)
                .cloned();
            let entry = fresh.map(|reading| (now, reading)).or(kept);
            if let Some(entry) = &entry {
                self.readings.insert(pod.clone(), entry.clone());
            }
            readings.push((pod, entry.map(|(_, reading)| reading)));
        }
        readings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_holds_for_its_time_and_its_generation() {
        let now = Instant::now();
        let failure = Failure {
            reason: "ChildRefused",
            message: String::new(),
            permanent: true,
        };
        let memory = Memory {
            stuck: Some(Stuck {
                until: now + Duration::from_secs(5),
                generation: Some(3),
                failure: failure.clone(),
            }),
            ..Memory::default()
        };
        assert_eq!(memory.stuck(now, Some(3)), Some(failure));
        assert_eq!(memory.stuck(now, Some(4)), None);
        assert_eq!(memory.stuck(now + Duration::from_secs(5), Some(3)), None);
    }

    #[tokio::test]
    async fn a_silent_pod_is_believed_for_a_while() {
        let start = Instant::now();
        let mut memory = Memory::default();
        let reading = Reading {
            connected: 7,
            ..Reading::default()
        };
        let learn = |memory: &mut Memory, seconds, reading| {
            let taken = vec![("pod".to_owned(), reading)];
            memory
                .learn(start + Duration::from_secs(seconds), taken)
                .remove(0)
                .1
        };
        assert_eq!(
            learn(&mut memory, 0, Some(reading.clone())),
            Some(reading.clone())
        );
        assert_eq!(learn(&mut memory, 14, None), Some(reading));
        assert_eq!(learn(&mut memory, 16, None), None);
    }
}

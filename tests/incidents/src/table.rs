//! One table of all runs.

use crate::record::Record;

const HEADING: [&str; 10] = [
    "incident",
    "subject",
    "back",
    "s",
    "÷ ideal",
    "CPU s",
    "÷ ideal",
    "wasted/gateway",
    "drops",
    "probe p99 ms idle → ramp",
];

pub(crate) fn text(records: &[Record], failed: &[String]) -> String {
    let mut lines = vec![
        format!("| {} |", HEADING.join(" | ")),
        format!("|{}", "---|".repeat(HEADING.len())),
    ];
    lines.extend(records.iter().map(line));
    for record in records {
        for unmet in &record.unmet {
            lines.push(format!("UNMET {}: {unmet}", record.key.incident));
        }
        if record.void {
            let (incident, subject) = (&record.key.incident, record.key.subject.name());
            lines.push(format!(
                "VOID times of {incident}, {subject}: the swarm was too slow"
            ));
        }
    }
    lines.extend_from_slice(failed);
    lines.join("\n") + "\n"
}

pub(crate) fn line(record: &Record) -> String {
    let or_dash = |value: Option<f64>, digits: usize| {
        value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let drops = if record.crash_drops > 0 {
        let own = record.drops.saturating_sub(record.crash_drops);
        format!("{own} (+{} by the crash)", record.crash_drops)
    } else {
        record.drops.to_string()
    };
    let cells = [
        record.key.incident.clone(),
        record.key.subject.name().to_owned(),
        format!("{}/{}", record.back, record.fleet),
        record
            .seconds
            .map_or("never".to_owned(), |seconds| format!("{seconds:.1}")),
        or_dash(record.time_over_ideal, 2),
        format!("{:.1}", record.cpu_seconds),
        or_dash(record.cpu_over_ideal, 2),
        format!("{:.3}", record.wasted_handshakes_per_gateway),
        drops,
        format!(
            "{} → {}",
            or_dash(record.probe_idle_p99_ms, 1),
            or_dash(record.probe_ramp_p99_ms, 1)
        ),
    ];
    format!("| {} |", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;
    use crate::subject::Contender;

    #[test]
    fn a_run_that_never_ended_says_so() {
        let mut never = record(Contender::Open);
        never.seconds = None;
        never.back = 12;
        never.void = true;
        let table = text(
            &[never, record(Contender::Staged)],
            &["FAILED nat".to_owned()],
        );
        assert!(
            table.contains("| founding | Open | 12/7000 | never | - | 80.0 | - | 0.010 | 0 |"),
            "{table}"
        );
        assert!(table.contains("| Staged | 7000/7000 | 90.0 |"));
        assert!(table.ends_with("FAILED nat\n"));
        assert!(table.contains("VOID times of founding, Open"));
    }
}

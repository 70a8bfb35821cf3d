//! A report for people.

use std::fmt::Write as _;

use super::{Report, Verdict};

/// The report as a page of text.
pub(crate) fn render(report: &Report) -> String {
    let mut page = String::new();
    // writing to a String cannot fail
    _ = write(&mut page, report);
    page
}

fn write(page: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(
        page,
        "scenario            {} at {}",
        report.scenario, report.target
    )?;
    write!(
        page,
        "gateways            {} back of {}",
        report.back + report.kept,
        report.gateways
    )?;
    if report.kept > 0 {
        write!(page, " ({} never lost their connection)", report.kept)?;
    }
    match report.seconds {
        Some(seconds) => writeln!(page, " in {seconds:.1} s")?,
        None => writeln!(page, ", the others are not")?,
    }
    if let Some(settle) = report.settle {
        writeln!(
            page,
            "time to settle      p50 {:.2} s, p99 {:.2} s, max {:.2} s",
            settle.p50, settle.p99, settle.max
        )?;
    }
    counts(page, report)?;
    beside(page, report)?;
    writeln!(
        page,
        "settled per second  {}",
        join(&report.settled_per_second)
    )?;
    for range in &report.ranges {
        write!(
            page,
            "range {:13} {} of {}",
            range.name, range.settled, range.gateways
        )?;
        match range.settle {
            Some(settle) => writeln!(
                page,
                ", first {:.2} s, p50 {:.2} s, last {:.2} s",
                settle.first, settle.p50, settle.max
            )?,
            None => writeln!(page)?,
        }
    }
    load(page, report)
}

fn counts(page: &mut String, report: &Report) -> std::fmt::Result {
    let counts = &report.counts;
    writeln!(
        page,
        "attempts            {} ({} TCP connects, {} refused, {} reset before TLS)",
        counts.attempts, counts.tcp_connects, counts.refused, counts.reset_before_tls
    )?;
    writeln!(
        page,
        "handshakes          {} ({:.2} per gateway, {:.3} of them wasted; {} confirmed by the server)",
        counts.handshakes,
        report.handshakes_per_gateway,
        report.wasted_handshakes_per_gateway,
        counts.handshakes_confirmed
    )?;
    if counts.certificate_tries.len() > 1 || counts.tls_alerts > 0 {
        writeln!(
            page,
            "certificate tries   {} ({} alerts)",
            join(&counts.certificate_tries),
            counts.tls_alerts
        )?;
    }
    let timeouts = &counts.timeouts;
    writeln!(
        page,
        "timeouts            {} (dial {}, CONNACK {}, SUBACK {}, own message {}, PINGRESP {})",
        timeouts.sum(),
        timeouts.dial,
        timeouts.connack,
        timeouts.suback,
        timeouts.own_message,
        timeouts.pong
    )?;
    let denied: u64 = counts.denied.values().sum();
    writeln!(
        page,
        "other failures      {} CONNACKs said no, {} closed on the way, {} SUBSCRIBEs refused, {} distrusted, {} not MQTT",
        denied, counts.closed, counts.subscribes_refused, counts.distrusted, counts.protocol_errors
    )?;
    writeln!(
        page,
        "drops               {} of gateways that were back",
        counts.drops
    )
}

/// The bring-up, telemetry, and clients beside the fleet.
fn beside(page: &mut String, report: &Report) -> std::fmt::Result {
    let counts = &report.counts;
    if let Some(up) = report.bring_up {
        writeln!(
            page,
            "bring-up            {:.1} s, {} at a time, {} handshakes",
            up.seconds, up.concurrent, up.handshakes
        )?;
    }
    if counts.flaps > 0 {
        writeln!(page, "flaps               {}", counts.flaps)?;
    }
    if counts.telemetry_sent > 0 {
        writeln!(
            page,
            "telemetry           {} sent, {} acknowledged",
            counts.telemetry_sent, counts.telemetry_acknowledged
        )?;
    }
    if let Some(cloud) = report.cloud {
        writeln!(
            page,
            "backend             {} gateways seen, {} commands sent, {} acknowledged, {} received; {} drops",
            cloud.reconnects_seen,
            cloud.commands_sent,
            cloud.commands_acknowledged,
            counts.messages,
            cloud.drops
        )?;
    }
    let Some(probe) = &report.probe else {
        return Ok(());
    };
    for (stage, found) in [("idle", probe.idle), ("ramp", probe.ramp)] {
        let ms = |value: Option<f64>| value.map_or("-".to_owned(), |ms| format!("{ms:.1} ms"));
        writeln!(
            page,
            "probe, {stage}         p50 {}, p99 {}, max {} of {} messages, {} lost",
            ms(found.p50_ms),
            ms(found.p99_ms),
            ms(found.max_ms),
            found.samples,
            found.lost
        )?;
    }
    let returned = probe
        .seconds_to_return
        .map_or("-".to_owned(), |seconds| format!("{seconds:.1} s"));
    writeln!(
        page,
        "probe               back in {returned}, {} drops, heard {} messages of others",
        probe.drops, probe.telemetry_received
    )
}

fn load(page: &mut String, report: &Report) -> std::fmt::Result {
    let load = &report.load;
    writeln!(
        page,
        "the swarm itself    {:.1} CPU s in {:.1} s ({:.0} % of its core), loop lag p50 {} ms, p99 {} ms, max {} ms, {} MiB",
        load.cpu_seconds,
        load.seconds,
        100.0 * load.cpu_share(),
        load.lag_p50_ms,
        load.lag_p99_ms,
        load.lag_max_ms,
        load.memory_mib
    )?;
    if let Verdict::Void { reasons } = &report.verdict {
        for reason in reasons {
            writeln!(page, "VOID                {reason}")?;
        }
    }
    for unmet in &report.unmet {
        writeln!(page, "UNMET               {unmet}")?;
    }
    Ok(())
}

fn join<T: ToString>(values: &[T]) -> String {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

//! How a run goes, while it goes: bars on a terminal, lines elsewhere.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::fleet::Snapshot;
use crate::status::Status;

/// Drawing more often costs the fleet's core more than it shows.
const DRAWS_PER_SECOND: u8 = 5;
/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// What the server says of itself.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) level: u32,
    pub(crate) slices: u32,
    pub(crate) text: String,
}

/// Draws snapshots.
pub(crate) struct View {
    title: &'static str,
    kind: Kind,
}

enum Kind {
    Bars(Bars),
    Lines { last: Option<Instant> },
}

struct Bars {
    screen: MultiProgress,
    ranges: Vec<ProgressBar>,
    all: ProgressBar,
    /// Shown once the server has said something.
    level: Option<ProgressBar>,
    notes: [ProgressBar; 2],
}

impl View {
    pub(crate) fn new(title: &'static str) -> Self {
        let kind = if std::io::stdout().is_terminal() {
            Kind::Bars(Bars::new())
        } else {
            Kind::Lines { last: None }
        };
        Self { title, kind }
    }

    pub(crate) fn show(&mut self, snapshot: &Snapshot<'_>) {
        let server = snapshot.server.as_ref().map(Status::server);
        let server = server.as_ref();
        let title = self.title;
        match &mut self.kind {
            Kind::Bars(bars) => bars.draw(title, snapshot, server),
            Kind::Lines { last } => {
                if last.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
                    *last = Some(Instant::now());
                    say(&line(title, snapshot, server));
                }
            }
        }
    }

    /// Leaves the last state on the screen.
    pub(crate) fn finish(self) {
        if let Kind::Bars(bars) = self.kind {
            let one_of_a_kind = [&bars.all].into_iter().chain(&bars.level);
            for bar in bars.ranges.iter().chain(one_of_a_kind).chain(&bars.notes) {
                bar.abandon();
            }
        }
    }
}

impl Bars {
    fn new() -> Self {
        let screen =
            MultiProgress::with_draw_target(ProgressDrawTarget::stdout_with_hz(DRAWS_PER_SECOND));
        let all = screen.add(ProgressBar::new(0).with_style(bar_style()));
        let notes = [(); 2].map(|()| screen.add(ProgressBar::new(0).with_style(note_style())));
        Self {
            screen,
            ranges: Vec::new(),
            all,
            level: None,
            notes,
        }
    }

    fn draw(&mut self, title: &'static str, snapshot: &Snapshot<'_>, server: Option<&Server>) {
        if self.ranges.is_empty() {
            for range in &snapshot.scenario.ranges {
                let bar = ProgressBar::new(range.gateways.into())
                    .with_style(bar_style())
                    .with_prefix(range.name.clone());
                self.ranges.push(self.screen.insert_before(&self.all, bar));
            }
            self.all.set_length(snapshot.gateways.into());
            self.all.set_prefix(title);
        }
        for (bar, settled) in self.ranges.iter().zip(&snapshot.settled_by_range) {
            bar.set_position((*settled).into());
        }
        self.all.set_position(snapshot.settled.into());
        self.all
            .set_message(format!("{:.1} s", snapshot.elapsed.as_secs_f64()));
        self.notes[0].set_message(fleet_line(snapshot));
        if let Some(server) = server {
            self.draw_server(server);
        }
    }

    fn draw_server(&mut self, server: &Server) {
        let level = self.level.get_or_insert_with(|| {
            let bar = ProgressBar::new(server.slices.into()).with_style(bar_style());
            self.screen
                .insert_after(&self.all, bar.with_prefix("level"))
        });
        level.set_length(server.slices.into());
        level.set_position(server.level.into());
        self.notes[1].set_message(server.text.clone());
    }
}

fn bar_style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{prefix:>12} [{bar:40}] {pos}/{len} {msg}");
    style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn note_style() -> ProgressStyle {
    ProgressStyle::with_template("             {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn line(title: &str, snapshot: &Snapshot<'_>, server: Option<&Server>) -> String {
    let mut line = format!(
        "{title} {:5.1} s  {}/{}  {}",
        snapshot.elapsed.as_secs_f64(),
        snapshot.settled,
        snapshot.gateways,
        fleet_line(snapshot)
    );
    if let Some(server) = server {
        // writing to a String cannot fail
        _ = write!(
            line,
            "  | level {}/{}, {}",
            server.level, server.slices, server.text
        );
    }
    line
}

fn fleet_line(snapshot: &Snapshot<'_>) -> String {
    let counts = &snapshot.counts;
    format!(
        "attempts {}, resets {}, handshakes {}, timeouts {}, drops {}",
        counts.attempts,
        counts.reset_before_tls + counts.refused,
        counts.handshakes,
        counts.timeouts.sum(),
        counts.drops
    )
}

/// A line to stdout; a closed pipe is no reason to stop a measurement.
pub(crate) fn say(line: &str) {
    _ = writeln!(std::io::stdout(), "{line}");
}

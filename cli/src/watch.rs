//! Follows a reopening: live in a terminal, a line for each change elsewhere.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::time::Duration;

use herdgate_admission::progress::Progress;
use tokio::time::sleep;

use crate::render;
use crate::source::Source;

const EVERY: Duration = Duration::from_secs(1);
/// Home, and clear what is below: the screen does not flicker as it does when all of it is cleared first.
const HOME: &str = "\x1b[H\x1b[J";
/// Answers missed in a row before it is given up: pods that restart come back within.
const MISSED: u32 = 120;

/// Until the reopening is over.
pub(crate) async fn run(source: &Source) -> anyhow::Result<()> {
    let live = stdout().is_terminal();
    let (mut last, mut missed) = (String::new(), 0);
    loop {
        match source.progress(live).await {
            Ok(progress) => {
                missed = 0;
                show(&progress, live, &mut last)?;
                if render::is_over(&progress) {
                    return Ok(());
                }
            }
            Err(error) if missed >= MISSED || last.is_empty() => return Err(error),
            Err(error) => {
                missed += 1;
                if missed == 1 {
                    eprintln!("waiting: {error:#}");
                }
            }
        }
        sleep(EVERY).await;
    }
}

fn show(progress: &Progress, live: bool, last: &mut String) -> std::io::Result<()> {
    let mut out = stdout().lock();
    if live {
        let text = render::screen(progress);
        write!(out, "{HOME}{text}")?;
        *last = text;
    } else {
        let told = render::line(progress);
        if told != *last {
            writeln!(out, "{told}")?;
            *last = told;
        }
    }
    out.flush()
}

//! One library through its cases.

use std::time::Instant;

use super::case::Case;
use super::driver::{self, Driver};
use super::library::Library;
use super::report::{Report, Row};
use super::scene::Scene;
use crate::cluster::Cluster;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    All,
    Pairwise,
}

/// `None`, said loudly, when the library cannot be had.
pub fn run(library: &Library, selection: Selection, cluster: &Cluster<'_>) -> Option<Report> {
    let command = driver::command(library, cluster.setup)?;
    let cases = match selection {
        Selection::All => Case::all(library),
        Selection::Pairwise => Case::pairwise(library),
    };
    let mut version = String::new();
    // a process for all, and a new one after a failure: what it has in hand is no longer known
    let mut driver = None;
    let rows = cases.into_iter().enumerate().map(|(number, case)| {
        let began = Instant::now();
        let outcome = ready(&mut driver, library, &command, cluster).and_then(|driver| {
            version.clone_from(&driver.library);
            Scene::new(library, (number, case), driver, cluster).play()
        });
        if outcome.is_err() {
            eprintln!("--- what the driver of {} said of {case} ---", library.name);
            eprintln!("{}", driver::last_words(library.name, cluster.setup));
            driver = None;
        }
        Row {
            case,
            outcome,
            took: began.elapsed(),
        }
    });
    let rows = rows.collect();
    Some(Report {
        name: library.name,
        version,
        rows,
    })
}

fn ready<'d>(
    driver: &'d mut Option<Driver>,
    library: &Library,
    command: &[String],
    cluster: &Cluster<'_>,
) -> Result<&'d mut Driver, String> {
    let running = match driver.take() {
        Some(running) => running,
        None => Driver::start(library.name, command, cluster.setup)?,
    };
    Ok(driver.insert(running))
}

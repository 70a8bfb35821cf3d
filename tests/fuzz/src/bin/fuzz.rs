//! libFuzzer with one of the targets, which `HERDGATE_FUZZ_TARGET` names. One binary for all: linking takes longer than
//! anything else, and coverage is counted where it happens.
#![no_main]

use std::sync::OnceLock;

use herdgate_fuzz::{TARGETS, Target, by_name};

const VARIABLE: &str = "HERDGATE_FUZZ_TARGET";

static TARGET: OnceLock<Target> = OnceLock::new();

fn chosen() -> Target {
    let name = std::env::var(VARIABLE).unwrap_or_default();
    by_name(&name).unwrap_or_else(|| {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("{VARIABLE}: '{name}' must be one of {}", names.join(", "));
        std::process::exit(64)
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (TARGET.get_or_init(chosen).run)(data);
});

//! `herdgate check-config`: all that is wrong with a configuration, or a summary of it.

use super::arguments::CheckArguments;
use super::failure::Failure;
use super::sources;
use crate::config::{self, Config, load};

pub(super) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    if arguments.reference {
        print!("{}", config::reference());
        return Ok(());
    }
    let role = arguments.role;
    let config = load(&sources(&arguments.config), role)?;
    print!("{}", summary(&config));
    Ok(())
}

fn summary(config: &Config) -> String {
    format!("ok: {:?}\n", config.common().cluster)
}

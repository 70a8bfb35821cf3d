//! What each subcommand of `herdgate` does.

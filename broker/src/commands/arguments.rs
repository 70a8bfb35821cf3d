//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};

use crate::auth::PasswordHash;
use crate::config::Role;

/// An MQTT broker that lets its clients back in slice by slice.
#[derive(Debug, Parser)]
#[command(name = "herdgate", version, arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run edge and shard in one process
    Standalone(RunArguments),
    /// Run an edge: sockets, TLS, the gate, authentication
    Edge(RunArguments),
    /// Run a shard: sessions, subscriptions, retained messages
    Shard {
        #[command(flatten)]
        run: RunArguments,
        /// Take shard.ordinal from the number at the end of the host name
        #[arg(long)]
        ordinal_from_hostname: bool,
    },
    /// Check a configuration and the files that it names; exit with 64 when something is wrong
    CheckConfig(CheckArguments),
    /// Write a user into a password file
    Passwd(PasswdArguments),
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) config: ConfigArguments,
    /// Write the bound addresses here, as JSON, once the process is ready
    #[arg(long, value_name = "PATH")]
    pub(super) ready_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    /// The configuration, in YAML
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Set a value over the file's and the environment's, such as admission.mode=Open
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Same as --set admin.address=ADDRESS
    #[arg(long, value_name = "ADDRESS")]
    admin_address: Option<SocketAddr>,
    /// Same as --set log.level=LEVEL
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Same as --set log.format=FORMAT
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl ConfigArguments {
    /// All flags in the form of `--set`; the named ones last, so that they win.
    pub(super) fn set(&self) -> Vec<String> {
        let named = [
            (
                "admin.address",
                self.admin_address.map(|address| address.to_string()),
            ),
            ("log.level", self.log_level.clone()),
            ("log.format", self.log_format.clone()),
        ];
        let named = named
            .into_iter()
            .filter_map(|(path, value)| Some(format!("{path}={}", value?)));
        self.set.iter().cloned().chain(named).collect()
    }
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) config: ConfigArguments,
    /// The role that the configuration is for
    #[arg(long, default_value = "standalone")]
    pub(super) role: Role,
    /// For a shard: take shard.ordinal from the number at the end of the host name
    #[arg(long)]
    pub(super) ordinal_from_hostname: bool,
    /// Leave the files that the configuration names alone
    #[arg(long)]
    pub(super) without_files: bool,
    /// Print the reference of all keys instead
    #[arg(long)]
    pub(super) reference: bool,
}

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of the command line
pub(super) struct PasswdArguments {
    /// Create the file; it must not exist yet
    #[arg(short, long)]
    pub(super) create: bool,
    /// Delete the user
    #[arg(short = 'D', long, conflicts_with_all = ["create", "batch", "password"])]
    pub(super) delete: bool,
    /// Take the password from the command line, where other users of the machine can see it
    #[arg(short, long, requires = "password")]
    pub(super) batch: bool,
    /// Write a SCRAM-SHA-256 verifier: MQTT 5 clients can log in without sending the password, others as before
    #[arg(short, long, conflicts_with = "delete")]
    pub(super) scram: bool,
    /// Rounds of PBKDF2: more make a stolen file safer and every login dearer, for the server (15,000 by default, about
    /// 10 ms) or, with --scram, for the client (4,096 by default, which is the least)
    #[arg(short, long, value_name = "N",
          value_parser = value_parser!(u32).range(1..=i64::from(PasswordHash::MAX_ITERATIONS)))]
    pub(super) iterations: Option<u32>,
    /// The password file
    pub(super) file: PathBuf,
    /// The user's name
    pub(super) user: String,
    /// The password, with -b; otherwise it is asked for, or read from standard input
    #[arg(requires = "batch")]
    pub(super) password: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn named_flags_win() {
        let cli = Cli::try_parse_from([
            "herdgate",
            "edge",
            "--set",
            "log.level=warn",
            "--log-level",
            "debug",
            "--set",
            "cluster=a",
        ]);
        let Ok(Cli {
            command: Command::Edge(run),
        }) = cli
        else {
            panic!("{cli:?}")
        };
        assert_eq!(
            run.config.set(),
            ["log.level=warn", "cluster=a", "log.level=debug"]
        );
    }

    #[test]
    fn a_password_needs_batch() {
        assert!(Cli::try_parse_from(["herdgate", "passwd", "f", "u", "p"]).is_err());
        assert!(Cli::try_parse_from(["herdgate", "passwd", "-b", "f", "u"]).is_err());
        assert!(Cli::try_parse_from(["herdgate", "passwd", "-cb", "f", "u", "p"]).is_ok());
        assert!(Cli::try_parse_from(["herdgate", "passwd", "-i", "0", "f", "u"]).is_err());
        assert!(Cli::try_parse_from(["herdgate", "passwd", "-D", "f", "u"]).is_ok());
    }
}

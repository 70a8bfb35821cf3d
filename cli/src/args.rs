//! What is typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Shows and steers how a cluster lets its clients back in.
#[derive(Clone, Debug, Parser)]
#[command(name = "kubectl-herdgate", bin_name = "kubectl herdgate", version)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// A cluster in Kubernetes, or one process.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Target {
    /// Name of the MqttCluster; may be left out where the namespace has only one.
    #[arg(long, short, global = true)]
    pub(crate) cluster: Option<String>,

    /// Namespace of the MqttCluster; otherwise that of the context.
    #[arg(long, short, global = true)]
    pub(crate) namespace: Option<String>,

    /// Context of the kubeconfig; otherwise the current one.
    #[arg(long, global = true)]
    pub(crate) context: Option<String>,

    /// Otherwise what KUBECONFIG says, or ~/.kube/config.
    #[arg(long, global = true)]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Admin port of one process, as `http://HOST:PORT`, instead of a cluster in Kubernetes.
    #[arg(long, global = true, conflicts_with_all = ["cluster", "namespace", "context", "kubeconfig"])]
    pub(crate) admin: Option<String>,

    /// File with the token of `admin.tokenFile`, for what changes something at an admin port.
    #[arg(long, global = true, requires = "admin")]
    pub(crate) token_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// How the reopening stands.
    Status,
    /// Follows a reopening until it is over: live in a terminal, a line for each change elsewhere.
    Watch,
    /// Closes all slices and lets clients back in slice by slice. Those who are in stay in.
    Reopen,
    /// Opens no further slice; what is open goes on letting in.
    Pause,
    /// Goes on after a pause.
    Resume,
    /// Opens to the end of the range that is being opened.
    Skip,
    /// Opens all slices at once; the limits of what is worked on at a time go on binding.
    Stop,
    /// Who was connected before.
    Census {
        /// Buckets and addresses shown, those with most clients first.
        #[arg(long, default_value_t = 20)]
        top: usize,
    },
    /// Why a client waits.
    Explain {
        /// Client id, or IP address.
        #[arg(value_name = "CLIENT-OR-ADDRESS")]
        subject: String,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn flags_fit_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_token_is_for_an_admin_port_alone() {
        let typed = |words: &[&str]| Args::try_parse_from([&["kubectl-herdgate"], words].concat());
        assert!(typed(&["pause", "--token-file", "t"]).is_err());
        assert!(
            typed(&[
                "pause",
                "--admin",
                "http://127.0.0.1:1",
                "--token-file",
                "t"
            ])
            .is_ok()
        );
        assert!(typed(&["status", "--admin", "http://127.0.0.1:1", "-n", "x"]).is_err());
    }
}

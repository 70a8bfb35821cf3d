//! Flags, each also taken from the environment.

use std::net::SocketAddr;

use clap::{Parser, ValueEnum};

#[derive(Clone, Debug, Parser)]
#[command(version, about = "Runs MQTT clusters that reopen slice by slice")]
pub(crate) struct Args {
    /// Namespaces to look after, separated by commas; none means all.
    #[arg(long, env = "HERDGATE_WATCH_NAMESPACES", value_delimiter = ',')]
    pub(crate) watch_namespaces: Vec<String>,

    /// Where /livez, /readyz and /metrics are served.
    #[arg(long, env = "HERDGATE_ADMIN_ADDRESS", default_value = "0.0.0.0:8080")]
    pub(crate) admin_address: SocketAddr,

    /// Name of the Lease that one operator holds.
    #[arg(long, env = "HERDGATE_LEASE_NAME", default_value = "herdgate-operator")]
    pub(crate) lease_name: String,

    /// Namespace of the Lease.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    pub(crate) pod_namespace: String,

    /// Name of this operator, unique among those that share the Lease.
    #[arg(long, env = "POD_NAME", default_value = "herdgate-operator")]
    pub(crate) pod_name: String,

    /// error, warn, info, debug or trace, or a filter such as `info,herdgate_operator=debug`.
    #[arg(long, env = "HERDGATE_LOG_LEVEL", default_value = "info")]
    pub(crate) log_level: String,

    #[arg(long, env = "HERDGATE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Args {
    /// The namespaces to watch; an empty list in the environment reads as one empty name.
    pub(crate) fn namespaces(&self) -> Vec<String> {
        let named = self
            .watch_namespaces
            .iter()
            .map(|name| name.trim().to_owned());
        named.filter(|name| !name.is_empty()).collect()
    }
}

//! The registry and its text form.

use std::sync::Arc;

use prometheus_client::registry::Registry;

use super::{EdgeMetrics, LinkMetrics, LoginMetrics, ProcessMetrics, ShardMetrics, TlsMetrics};

/// All families of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub process: ProcessMetrics,
    pub edge: EdgeMetrics,
    pub shard: ShardMetrics,
    pub link: LinkMetrics,
    pub login: LoginMetrics,
    pub tls: TlsMetrics,
    registry: Arc<Registry>,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("herdgate");
        let process = ProcessMetrics::register(&mut registry);
        let edge = EdgeMetrics::register(&mut registry);
        let shard = ShardMetrics::register(&mut registry);
        let link = LinkMetrics::register(&mut registry);
        let login = LoginMetrics::register(&mut registry);
        let tls = TlsMetrics::register(&mut registry);
        Self {
            process,
            edge,
            shard,
            link,
            login,
            tls,
            registry: Arc::new(registry),
        }
    }

    /// The text of everything.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names are what dashboards and alerts go by: a change of one is meant, or a mistake.
    #[test]
    fn names_and_their_help() {
        let text = Metrics::new().encode().expect("text");
        let help = |line: &str| line.strip_prefix("# HELP ").map(str::to_owned);
        let mut names: Vec<String> = text.lines().filter_map(help).collect();
        names.sort();
        insta::assert_snapshot!(names.join("\n"));
    }
}

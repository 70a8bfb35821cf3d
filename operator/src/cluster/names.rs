//! Names and labels of everything that a cluster consists of.

use std::collections::BTreeMap;

use super::{CLUSTER_LABEL, MANAGED_BY};

/// The two tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    Edge,
    Shard,
}

impl Tier {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Shard => "shard",
        }
    }
}

/// Object names within the namespace of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) cluster: String,
    pub(crate) namespace: String,
}

impl Names {
    /// Deployment or StatefulSet, configuration, account and disruption budget of a tier.
    pub(crate) fn tier(&self, tier: Tier) -> String {
        format!("{}-{}", self.cluster, tier.word())
    }

    /// The Service that clients reach.
    pub(crate) fn clients(&self) -> String {
        self.cluster.clone()
    }

    /// The headless Service that gives each shard a name.
    pub(crate) fn shards(&self) -> String {
        format!("{}-shards", self.cluster)
    }

    /// The Secret with the token by which edges and shards know each other.
    pub(crate) fn link_secret(&self) -> String {
        format!("{}-link", self.cluster)
    }

    /// The Secret with the token by which the operator steers reopenings.
    pub(crate) fn admin_secret(&self) -> String {
        format!("{}-admin", self.cluster)
    }

    /// The record of a reopening.
    pub(crate) fn reopening(&self, number: i64) -> String {
        format!("{}-{number}", self.cluster)
    }

    /// Where edges reach a shard. The cluster's domain is left to the resolver's search list.
    pub(crate) fn shard_address(&self, ordinal: i32, port: u16) -> String {
        format!(
            "{}-{ordinal}.{}.{}.svc:{port}",
            self.tier(Tier::Shard),
            self.shards(),
            self.namespace
        )
    }

    /// Labels of an object; `tier` is none where it serves both.
    pub(crate) fn labels(&self, tier: Option<Tier>) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([
            ("app.kubernetes.io/name".into(), "herdgate".into()),
            ("app.kubernetes.io/instance".into(), self.cluster.clone()),
            ("app.kubernetes.io/part-of".into(), "herdgate".into()),
            (MANAGED_BY.0.into(), MANAGED_BY.1.into()),
            (CLUSTER_LABEL.into(), self.cluster.clone()),
        ]);
        if let Some(tier) = tier {
            labels.insert("app.kubernetes.io/component".into(), tier.word().into());
        }
        labels
    }

    /// Labels by which the pods of a tier are selected; fixed for the life of the cluster.
    pub(crate) fn selector(&self, tier: Tier) -> BTreeMap<String, String> {
        BTreeMap::from([
            (CLUSTER_LABEL.into(), self.cluster.clone()),
            ("app.kubernetes.io/component".into(), tier.word().into()),
        ])
    }

    /// [`selector`](Self::selector) as text, as the scale subresource wants it.
    pub(crate) fn selector_text(&self, tier: Tier) -> String {
        let parts: Vec<String> = self
            .selector(tier)
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        parts.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_reached_by_their_own_names() {
        let names = Names {
            cluster: "field".into(),
            namespace: "prod".into(),
        };
        assert_eq!(
            names.shard_address(0, 7883),
            "field-shard-0.field-shards.prod.svc:7883"
        );
        assert_eq!(
            names.selector_text(Tier::Edge),
            "app.kubernetes.io/component=edge,herdgate.io/cluster=field"
        );
    }
}

use std::collections::BTreeMap;

use herdgate_crds::{AccessMode, Persistence, RetentionPolicy};
use k8s_openapi::api::apps::v1::{
    StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
    StatefulSetUpdateStrategy,
};
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeMount, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::edges::GRACE_MARGIN_SECONDS;
use super::{LINK_PORT, metadata, pod};
use crate::cluster::names::Tier;
use crate::cluster::validate::ValidatedCluster;

const VOLUME: &str = "data";
pub(super) const FOLDER: &str = "/var/lib/herdgate";
/// A shard that let go its last client ends at once; at the default rate 300,000 of them take so long.
const LONGEST_DRAIN_SECONDS: i64 = 600;

pub(super) fn shards(cluster: &ValidatedCluster, config: &str) -> StatefulSet {
    let parts = pod::Parts {
        tier: Tier::Shard,
        args: vec!["--ordinal-from-hostname".into()],
        env: Vec::new(),
        ports: vec![pod::port("link", LINK_PORT)],
        mounts: vec![VolumeMount {
            name: VOLUME.into(),
            mount_path: FOLDER.into(),
            ..VolumeMount::default()
        }],
        grace_seconds: grace(cluster),
    };
    StatefulSet {
        metadata: metadata(cluster, cluster.names.tier(Tier::Shard), Some(Tier::Shard)),
        spec: Some(StatefulSetSpec {
            replicas: Some(cluster.shard.replicas),
            service_name: Some(cluster.names.shards()),
            // Shards do not wait for each other: after a cold restart all come at once.
            pod_management_policy: Some("Parallel".into()),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("RollingUpdate".into()),
                rolling_update: None,
            }),
            selector: LabelSelector {
                match_labels: Some(cluster.names.selector(Tier::Shard)),
                ..LabelSelector::default()
            },
            template: pod::template(cluster, config, parts),
            volume_claim_templates: Some(vec![claim(cluster)]),
            persistent_volume_claim_retention_policy: Some(retention(&cluster.persistence)),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }
}

/// A claim has no owner among ours: deleting the cluster leaves it, unless the policy says otherwise.
fn claim(cluster: &ValidatedCluster) -> PersistentVolumeClaim {
    let persistence = &cluster.persistence;
    let access = match persistence.access_mode {
        AccessMode::ReadWriteOnce => "ReadWriteOnce",
        AccessMode::ReadWriteOncePod => "ReadWriteOncePod",
    };
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(VOLUME.into()),
            labels: Some(cluster.names.selector(Tier::Shard)),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec![access.into()]),
            storage_class_name: persistence.storage_class_name.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([(
                    "storage".into(),
                    Quantity(persistence.size.clone()),
                )])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}

fn retention(persistence: &Persistence) -> StatefulSetPersistentVolumeClaimRetentionPolicy {
    let deleted = match persistence.retention_policy {
        RetentionPolicy::Retain => "Retain",
        RetentionPolicy::Delete => "Delete",
    };
    StatefulSetPersistentVolumeClaimRetentionPolicy {
        when_deleted: Some(deleted.into()),
        when_scaled: Some("Retain".into()),
    }
}

/// Of the shard's own settings alone: were it reckoned from edges or listeners, a change there would restart the shard,
/// and with it the whole herd.
fn grace(cluster: &ValidatedCluster) -> i64 {
    i64::from(cluster.shard.drain.delay_seconds) + LONGEST_DRAIN_SECONDS + GRACE_MARGIN_SECONDS
}

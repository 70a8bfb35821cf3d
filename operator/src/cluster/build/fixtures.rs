//! Clusters as somebody would write them, as files.

use herdgate_crds::MqttCluster;

use super::super::validate::{ValidatedCluster, validate};

/// Those that are valid.
pub(crate) const ALL: [&str; 2] = ["minimal", "full"];

/// As the API server hands it out: with uid and generation.
pub(crate) fn cluster(name: &str) -> MqttCluster {
    let path = format!("{}/fixtures/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let mut cluster: MqttCluster =
        serde_saphyr::from_str(&std::fs::read_to_string(&path).expect(&path)).expect(&path);
    cluster.metadata.uid = Some("5c1d-uid".into());
    cluster.metadata.generation = Some(3);
    cluster
}

pub(crate) fn valid(name: &str) -> ValidatedCluster {
    validate(&cluster(name)).unwrap()
}

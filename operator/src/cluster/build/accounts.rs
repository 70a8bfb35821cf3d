use k8s_openapi::api::core::v1::ServiceAccount;

use super::metadata;
use crate::cluster::names::Tier;
use crate::cluster::validate::ValidatedCluster;

/// May do nothing, and is given no token: brokers never speak to the API server.
pub(super) fn account(cluster: &ValidatedCluster, tier: Tier) -> ServiceAccount {
    ServiceAccount {
        metadata: metadata(cluster, cluster.names.tier(tier), Some(tier)),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;

use super::{metadata, volumes};
use crate::cluster::validate::ValidatedCluster;

/// Bytes of chance in a token.
pub(crate) const TOKEN_BYTES: usize = 32;

/// Made once for the life of a cluster; what is there is never replaced, since running pods know it.
pub(crate) fn token_secret(
    cluster: &ValidatedCluster,
    name: &str,
    chance: [u8; TOKEN_BYTES],
) -> Secret {
    use std::fmt::Write as _;
    let mut token = String::with_capacity(TOKEN_BYTES * 2);
    for byte in chance {
        let _ = write!(token, "{byte:02x}");
    }
    Secret {
        metadata: metadata(cluster, name.to_owned(), None),
        string_data: Some(BTreeMap::from([(volumes::TOKEN_KEY.into(), token)])),
        type_: Some("Opaque".into()),
        ..Secret::default()
    }
}

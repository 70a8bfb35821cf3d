use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the broker's image comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Repository without tag or digest.
    #[serde(default = "default_repository")]
    #[schemars(
        length(min = 1, max = 255),
        regex(pattern = r"^[a-z0-9]+([._:/-]+[a-z0-9]+)*$")
    )]
    pub repository: String,
    /// Tag; `digest` wins over it.
    #[serde(default = "default_tag")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"))]
    pub tag: String,
    /// Digest, which pins the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^sha256:[a-f0-9]{64}$"))]
    pub digest: Option<String>,
    /// When the kubelet pulls the image.
    #[serde(default)]
    pub pull_policy: PullPolicy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PullPolicy {
    Always,
    #[default]
    IfNotPresent,
    Never,
}

/// A Secret of type `kubernetes.io/dockerconfigjson` in the namespace of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImagePullSecret {
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            repository: default_repository(),
            tag: default_tag(),
            digest: None,
            pull_policy: PullPolicy::default(),
        }
    }
}

fn default_repository() -> String {
    "herdgate/herdgate".into()
}

fn default_tag() -> String {
    env!("CARGO_PKG_VERSION").into()
}

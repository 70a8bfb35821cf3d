use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pods::SecretRef;

/// Who may log in, and under which client id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authentication {
    /// Whether clients without credentials are served.
    #[serde(default)]
    pub anonymous: Anonymous,
    /// Secret whose key `passwords` holds a password file in mosquitto's `$7$` format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_secret_ref: Option<SecretRef>,
    /// Client ids that a user may take: the pattern itself, or it and one of `-_:/.` as the beginning.
    /// `%u` stands for the user name; `*` allows any id.
    #[serde(default = "default_pattern")]
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^(\*|[^%*]*%u[^%*]*)$"))]
    pub client_id_pattern: String,
}

impl Default for Authentication {
    fn default() -> Self {
        Self {
            anonymous: Anonymous::default(),
            password_secret_ref: None,
            client_id_pattern: default_pattern(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Anonymous {
    #[default]
    Never,
    Always,
}

fn default_pattern() -> String {
    "%u".into()
}

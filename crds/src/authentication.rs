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
    /// Secret whose key `passwords` holds a password file in mosquitto's `$7$` format or with SCRAM verifiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_secret_ref: Option<SecretRef>,
    /// A backend that judges logins whose user is not in the password file, asked by HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpBackend>,
    /// Client ids that a user may take: the pattern itself, or it and one of `-_:/.` as the beginning.
    /// `%u` stands for the user name; `*` allows any id.
    #[serde(default = "default_pattern")]
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^(\*|[^%*]*%u[^%*]*)$"))]
    pub client_id_pattern: String,
    /// After a wrong password, the next one from the same address for the same user is not looked at for a while.
    #[serde(default)]
    pub wrong_password_wait: WrongPasswordWait,
    /// A client that is attached and gone again within seconds, again and again, waits before it is attached.
    #[serde(default)]
    pub flapping: Flapping,
}

impl Default for Authentication {
    fn default() -> Self {
        Self {
            anonymous: Anonymous::default(),
            password_secret_ref: None,
            http: None,
            client_id_pattern: default_pattern(),
            wrong_password_wait: WrongPasswordWait::default(),
            flapping: Flapping::default(),
        }
    }
}

/// A backend that is asked about each login, and without whose word nobody comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.url.startsWith('https:') == has(self.caSecretRef)")
    .message("`caSecretRef` must be specified when `url` has https and may not be specified otherwise")
    .field_path(".caSecretRef"))]
pub struct HttpBackend {
    /// Where each login is posted.
    #[schemars(
        length(min = 1, max = 2048),
        regex(
            pattern = r"^https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?([/?][!-\x22$-~]*)?$"
        )
    )]
    pub url: String,
    /// For one request, connecting included; by default half as long as clients usually wait.
    #[serde(default = "default_http_timeout")]
    #[schemars(range(min = 10, max = 60_000))]
    pub timeout_milliseconds: i32,
    /// Requests at once from one edge; other logins wait.
    #[serde(default = "default_http_concurrency")]
    #[schemars(range(min = 1, max = 4_096))]
    pub concurrency: i32,
    /// Secret whose key `ca.crt` holds the authorities of the backend's certificate; the image has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretRef>,
    /// Secret whose key `token` the backend is shown with each login, as `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_secret_ref: Option<SecretRef>,
}

/// A wait that doubles with each wrong password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.longestSeconds * 1000 >= self.firstMilliseconds")
    .message("`longestSeconds` must not be shorter than `firstMilliseconds`")
    .field_path(".longestSeconds"))]
pub struct WrongPasswordWait {
    /// After the first; each further one doubles it. 0: no waits.
    #[serde(default = "default_wrong_password_first")]
    #[schemars(range(min = 0, max = 60_000))]
    pub first_milliseconds: i32,
    /// It grows no further.
    #[serde(default = "default_wrong_password_longest")]
    #[schemars(range(min = 0, max = 240))]
    pub longest_seconds: i32,
}

impl Default for WrongPasswordWait {
    fn default() -> Self {
        Self {
            first_milliseconds: default_wrong_password_first(),
            longest_seconds: default_wrong_password_longest(),
        }
    }
}

/// When a client flaps, and a wait that doubles with each further end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.longestSeconds * 1000 >= self.firstMilliseconds")
    .message("`longestSeconds` must not be shorter than `firstMilliseconds`")
    .field_path(".longestSeconds"))]
pub struct Flapping {
    /// An end that comes sooner counts, but for the client's own DISCONNECT. 0: none does.
    #[serde(default = "default_within")]
    #[schemars(range(min = 0, max = 60))]
    pub within_seconds: i32,
    /// Such ends in a row that cost nothing.
    #[serde(default = "default_free_ends")]
    #[schemars(range(min = 0, max = 1_000))]
    pub free_ends: i32,
    /// The wait after the next; each further one doubles it. 0: no waits.
    #[serde(default = "default_flapping_first")]
    #[schemars(range(min = 0, max = 60_000))]
    pub first_milliseconds: i32,
    /// It grows no further.
    #[serde(default = "default_flapping_longest")]
    #[schemars(range(min = 0, max = 240))]
    pub longest_seconds: i32,
}

impl Default for Flapping {
    fn default() -> Self {
        Self {
            within_seconds: default_within(),
            free_ends: default_free_ends(),
            first_milliseconds: default_flapping_first(),
            longest_seconds: default_flapping_longest(),
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

fn default_http_timeout() -> i32 {
    2_500
}

fn default_http_concurrency() -> i32 {
    64
}

fn default_wrong_password_first() -> i32 {
    1_000
}

fn default_wrong_password_longest() -> i32 {
    60
}

fn default_within() -> i32 {
    3
}

fn default_free_ends() -> i32 {
    5
}

fn default_flapping_first() -> i32 {
    500
}

fn default_flapping_longest() -> i32 {
    30
}

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pods::SecretRef;

/// A port on which clients are served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.protocol == 'MQTTS') == has(self.tls)")
    .message("`tls` must be specified when `protocol` is 'MQTTS' and may not be specified when it is 'MQTT'"))]
pub struct Listener {
    /// Name, unique in the cluster.
    #[schemars(
        length(min = 1, max = 15),
        regex(pattern = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
    )]
    #[x_kube(validation = Rule::new("self != 'admin'").message("must not be 'admin', which is a port of every pod"))]
    pub name: String,
    /// Port of the client Service, unique in the cluster.
    #[schemars(range(min = 1, max = 65535))]
    #[x_kube(validation = Rule::new("self != 9883").message("must not be 9883, which is the port 'admin' of every pod"))]
    pub port: i32,
    pub protocol: Protocol,
    /// TLS settings of an `MQTTS` listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ListenerTls>,
    /// Most clients that one edge pod serves here.
    #[serde(default = "default_max_connections")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_connections: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    Mqtt,
    Mqtts,
}

/// The server's certificate and what is asked of the client's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.clientAuth != 'None') == has(self.clientCaSecretRef)")
    .message("`clientCaSecretRef` must be specified when `clientAuth` is 'Optional' or 'Required' and may not be specified when it is 'None'"))]
pub struct ListenerTls {
    /// Secret with the keys `tls.crt` (full chain) and `tls.key`; a new certificate is taken up without a restart.
    pub secret_ref: SecretRef,
    /// Whether clients show a certificate.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// Secret with the key `ca.crt`, by which client certificates are judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca_secret_ref: Option<SecretRef>,
    /// Oldest TLS version served.
    #[serde(default)]
    pub min_version: TlsVersion,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ClientAuth {
    #[default]
    None,
    Optional,
    Required,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TlsVersion {
    #[default]
    #[serde(rename = "1.2")]
    V1_2,
    #[serde(rename = "1.3")]
    V1_3,
}

fn default_max_connections() -> i32 {
    100_000
}

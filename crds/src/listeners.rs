use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::listener_limits::ListenerLimits;
use crate::pods::SecretRef;
use crate::schema;

/// A port on which clients are served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.protocol in ['MQTTS', 'WSS']) == has(self.tls)")
    .message("`tls` must be specified when `protocol` is 'MQTTS' or 'WSS' and may not be specified when it is 'MQTT' or 'WS'"))]
#[x_kube(validation = Rule::new("!has(self.webSocket) || self.protocol in ['WS', 'WSS']")
    .message("`webSocket` may not be specified unless `protocol` is 'WS' or 'WSS'"))]
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
    /// TLS settings of an `MQTTS` or `WSS` listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ListenerTls>,
    /// What a `WS` or `WSS` listener asks of a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_socket: Option<WebSocket>,
    /// Whether a balancer in front tells the clients' addresses by a PROXY header (version 1 or 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<ProxyProtocol>,
    /// Most clients that one edge pod serves here.
    #[serde(default = "default_max_connections")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_connections: i32,
    /// Seconds for which what was sent may stay unacknowledged before the client is closed; 0: as the kernel likes.
    #[serde(default = "default_tcp_user_timeout_seconds")]
    #[schemars(range(min = 0, max = 3600))]
    pub tcp_user_timeout_seconds: i32,
    /// Methods of MQTT 5's enhanced authentication; an empty list allows none. Without this field those that the password
    /// Secret has users for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1), extend("x-kubernetes-list-type" = "set"))]
    pub authentication_methods: Option<Vec<AuthenticationMethod>>,
    /// What its clients may cost, where it differs from `spec.limits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<ListenerLimits>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AuthenticationMethod {
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    Mqtt,
    Mqtts,
    Ws,
    Wss,
}

/// What is asked of a request for WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebSocket {
    /// Path at which WebSocket is served.
    #[serde(default = "default_path")]
    #[schemars(length(min = 1, max = 255), regex(pattern = r#"^/[!"$->@-~]*$"#))]
    pub path: String,
    /// Pages that may connect beside those of the host in the request; `*`: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::origins")]
    pub allowed_origins: Vec<String>,
}

/// Who tells the clients' addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.mode == 'Required') == (has(self.trusted) && size(self.trusted) > 0)")
    .message("`trusted` must hold a CIDR when `mode` is 'Required' and none when it is 'Disabled': whoever may name a client's address decides who is let in"))]
pub struct ProxyProtocol {
    /// `Required`: every connection begins with a header; it is never guessed.
    #[serde(default)]
    pub mode: ProxyProtocolMode,
    /// CIDRs that balancers connect from; anybody else is reset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::cidrs")]
    pub trusted: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProxyProtocolMode {
    #[default]
    Disabled,
    Required,
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

fn default_tcp_user_timeout_seconds() -> i32 {
    60
}

fn default_path() -> String {
    "/mqtt".into()
}

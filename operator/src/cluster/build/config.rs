//! The broker's configuration files, one for each tier, so that a setting of one restarts no pod of the other.

mod admission;

use std::collections::BTreeMap;

use herdgate_crds::{
    Anonymous, AuthenticationMethod, Drain, Limits, Protocol, ProxyProtocolMode, TlsVersion,
    WebSocket,
};
use ipnet::IpNet;
use k8s_openapi::api::core::v1::ConfigMap;
use serde::Serialize;

use super::{ADMIN_PORT, LINK_PORT, metadata, volumes};
use crate::cluster::names::Tier;
use crate::cluster::validate::{
    CLIENT_LIMITS, ClientCa, Enforcer, Listener, Login, ValidatedCluster,
};

/// Key of the ConfigMap and name of the file.
pub(super) const FILE: &str = "config.yaml";

#[derive(Debug, thiserror::Error)]
#[error("failed to write the broker's configuration: {0}")]
pub(crate) struct WriteError(#[from] serde_saphyr::ser::Error);

pub(super) fn config_map(cluster: &ValidatedCluster, tier: Tier, text: String) -> ConfigMap {
    ConfigMap {
        metadata: metadata(cluster, cluster.names.tier(tier), Some(tier)),
        data: Some(BTreeMap::from([(FILE.into(), text)])),
        ..ConfigMap::default()
    }
}

pub(super) fn edge(cluster: &ValidatedCluster) -> Result<String, WriteError> {
    let names = &cluster.names;
    let shards = (0..cluster.shard.replicas).map(|ordinal| names.shard_address(ordinal, LINK_PORT));
    let file = EdgeFile {
        cluster: &names.cluster,
        listeners: (cluster.listeners.iter())
            .map(|wanted| listener(wanted, cluster.limits))
            .collect(),
        authentication: authentication(&cluster.login),
        admission: admission::edge(&cluster.gate),
        edge: Edge {
            shards: shards.collect(),
            link_token_file: volumes::link_token(),
            drain: cluster.edge.drain,
        },
        admin: Admin::default(),
        log: Log::default(),
    };
    Ok(serde_saphyr::to_string(&file)?)
}

pub(super) fn shard(cluster: &ValidatedCluster) -> Result<String, WriteError> {
    let file = ShardFile {
        cluster: &cluster.names.cluster,
        admission: admission::shard(&cluster.gate.settings),
        shard: Shard {
            count: cluster.shard.replicas,
            link_address: format!("0.0.0.0:{LINK_PORT}"),
            link_token_file: volumes::link_token(),
            data_directory: super::shards::FOLDER,
            sys_interval_seconds: cluster.sys_interval_seconds,
            drain: cluster.shard.drain,
        },
        routing: Routing {
            isolated_shards: cluster.routing.isolated_shards,
        },
        limits: shard_limits(&cluster.limits),
        admin: Admin::default(),
        log: Log::default(),
    };
    Ok(serde_saphyr::to_string(&file)?)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EdgeFile<'a> {
    cluster: &'a str,
    listeners: Vec<ListenerSection<'a>>,
    authentication: Authentication<'a>,
    admission: admission::EdgeAdmission<'a>,
    edge: Edge,
    admin: Admin,
    log: Log,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShardFile<'a> {
    cluster: &'a str,
    admission: admission::ShardAdmission,
    shard: Shard,
    routing: Routing,
    limits: ShardLimits,
    admin: Admin,
    log: Log,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListenerSection<'a> {
    name: &'a str,
    address: String,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<Tls>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_socket: Option<&'a WebSocket>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_protocol: Option<ProxyProtocol<'a>>,
    max_connections: i32,
    connect_timeout_seconds: i32,
    max_packet_bytes: i32,
    max_client_id_bytes: i32,
    topic_alias_maximum: i32,
    publish_rate: i32,
    subscribe_rate: i32,
    unread_timeout_seconds: i32,
    max_keep_alive_seconds: i32,
    tcp_user_timeout_seconds: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication_methods: Option<&'a [AuthenticationMethod]>,
    /// What shards hold its clients to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    limits: BTreeMap<&'static str, i32>,
}

#[derive(Serialize)]
struct ProxyProtocol<'a> {
    mode: ProxyProtocolMode,
    trusted: &'a [IpNet],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tls {
    certificate_file: String,
    private_key_file: String,
    client_auth: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ca_file: Option<String>,
    min_version: TlsVersion,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Authentication<'a> {
    anonymous: Anonymous,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<Http<'a>>,
    client_id_pattern: &'a str,
    wrong_password_wait: GrowingWait,
    flapping: Flapping,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    url: &'a str,
    timeout_milliseconds: i32,
    concurrency: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_file: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GrowingWait {
    first_seconds: f64,
    longest_seconds: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Flapping {
    within_seconds: i32,
    free_ends: i32,
    #[serde(flatten)]
    wait: GrowingWait,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Edge {
    shards: Vec<String>,
    link_token_file: String,
    drain: Drain,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shard {
    count: i32,
    link_address: String,
    link_token_file: String,
    data_directory: &'static str,
    sys_interval_seconds: i32,
    drain: Drain,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Routing {
    isolated_shards: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShardLimits {
    max_queued_messages: i32,
    max_queued_bytes: i32,
    max_inflight: i32,
    receive_maximum: i32,
    max_topic_bytes: i32,
    max_topic_levels: i32,
    max_subscriptions: i32,
    max_session_expiry_seconds: i32,
    max_kept_sessions: i32,
    max_total_queued_bytes: i32,
    max_retained_messages: i32,
    max_retained_bytes: i32,
}

/// Open to the pod network: the kubelet's probes, the operator and Prometheus come from there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Admin {
    address: String,
    token_file: String,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            address: format!("0.0.0.0:{ADMIN_PORT}"),
            token_file: volumes::admin_token(),
        }
    }
}

#[derive(Serialize)]
struct Log {
    format: &'static str,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: "json" }
    }
}

fn listener(listener: &Listener, of_all: Limits) -> ListenerSection<'_> {
    let limits = edge_limits(listener, of_all);
    let tls = listener.tls.as_ref().map(|tls| Tls {
        certificate_file: volumes::certificate(&listener.name),
        private_key_file: volumes::private_key(&listener.name),
        client_auth: match tls.client {
            ClientCa::None => "None",
            ClientCa::Optional(_) => "Optional",
            ClientCa::Required(_) => "Required",
        },
        client_ca_file: tls
            .client
            .secret()
            .map(|_| volumes::client_ca(&listener.name)),
        min_version: tls.min_version,
    });
    ListenerSection {
        name: &listener.name,
        address: format!("0.0.0.0:{}", listener.container_port),
        protocol: match listener.protocol {
            Protocol::Mqtt => "mqtt",
            Protocol::Mqtts => "mqtts",
            Protocol::Ws => "ws",
            Protocol::Wss => "wss",
        },
        tls,
        web_socket: listener.web_socket.as_ref(),
        proxy_protocol: (!listener.balancers.is_empty()).then_some(ProxyProtocol {
            mode: ProxyProtocolMode::Required,
            trusted: &listener.balancers,
        }),
        max_connections: listener.max_connections,
        connect_timeout_seconds: limits.connect_timeout_seconds,
        max_packet_bytes: limits.max_packet_bytes,
        max_client_id_bytes: limits.max_client_id_bytes,
        topic_alias_maximum: limits.topic_alias_maximum,
        publish_rate: limits.publish_rate,
        subscribe_rate: limits.subscribe_rate,
        unread_timeout_seconds: limits.unread_timeout_seconds,
        max_keep_alive_seconds: limits.max_keep_alive_seconds,
        tcp_user_timeout_seconds: listener.tcp_user_timeout_seconds,
        authentication_methods: listener.authentication_methods.as_deref(),
        limits: own_limits(listener),
    }
}

/// What the edge enforces: the listener's own where it has any.
fn edge_limits(listener: &Listener, mut of_all: Limits) -> Limits {
    let mut own = listener.limits;
    for limit in CLIENT_LIMITS {
        if let (Enforcer::Edge, Some(value)) = (limit.by, *(limit.of_listener)(&mut own)) {
            *(limit.of_all)(&mut of_all) = value;
        }
    }
    of_all
}

/// What the edge passes on to shards.
fn own_limits(listener: &Listener) -> BTreeMap<&'static str, i32> {
    let mut own = listener.limits;
    CLIENT_LIMITS
        .iter()
        .filter(|limit| limit.by == Enforcer::Shard)
        .filter_map(|limit| Some((limit.field, (*(limit.of_listener)(&mut own))?)))
        .collect()
}

fn authentication(login: &Login) -> Authentication<'_> {
    let wait = |first_milliseconds: i32, longest_seconds| GrowingWait {
        first_seconds: f64::from(first_milliseconds) / 1_000.0,
        longest_seconds,
    };
    let (wrong, flapping) = (login.wrong_password_wait, login.flapping);
    Authentication {
        anonymous: login.anonymous,
        password_file: login.password_secret.is_some().then(volumes::passwords),
        http: login.http.as_ref().map(|http| Http {
            url: &http.url,
            timeout_milliseconds: http.timeout_milliseconds,
            concurrency: http.concurrency,
            ca_file: login.backend_ca().map(|_| volumes::backend_ca()),
            token_file: login.backend_token().map(|_| volumes::backend_token()),
        }),
        client_id_pattern: &login.client_id_pattern,
        wrong_password_wait: wait(wrong.first_milliseconds, wrong.longest_seconds),
        flapping: Flapping {
            within_seconds: flapping.within_seconds,
            free_ends: flapping.free_ends,
            wait: wait(flapping.first_milliseconds, flapping.longest_seconds),
        },
    }
}

fn shard_limits(limits: &Limits) -> ShardLimits {
    ShardLimits {
        max_queued_messages: limits.max_queued_messages,
        max_queued_bytes: limits.max_queued_bytes,
        max_inflight: limits.max_inflight,
        receive_maximum: limits.receive_maximum,
        max_topic_bytes: limits.max_topic_bytes,
        max_topic_levels: limits.max_topic_levels,
        max_subscriptions: limits.max_subscriptions,
        max_session_expiry_seconds: limits.max_session_expiry_seconds,
        max_kept_sessions: limits.max_kept_sessions,
        max_total_queued_bytes: limits.max_total_queued_bytes,
        max_retained_messages: limits.max_retained_messages,
        max_retained_bytes: limits.max_retained_bytes,
    }
}

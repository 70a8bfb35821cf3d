use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admission::Admission;
use crate::authentication::Authentication;
use crate::exposure::Exposure;
use crate::image::{Image, ImagePullSecret};
use crate::limits::Limits;
use crate::listeners::Listener;
use crate::status::MqttClusterStatus;
use crate::tiers::{Edge, Shards};

/// An MQTT cluster: a TLS edge and a sharded broker behind one hostname, reopened slice by slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "herdgate.io",
    version = "v1alpha1",
    kind = "MqttCluster",
    plural = "mqttclusters",
    namespaced,
    status = "MqttClusterStatus",
    derive = "PartialEq",
    shortname = "mqc",
    category = "herdgate",
    doc = "An MQTT cluster: a TLS edge and a sharded broker behind one hostname, reopened slice by slice.",
    scale(
        spec_replicas_path = ".spec.shards.replicas",
        status_replicas_path = ".status.shards.replicas",
        label_selector_path = ".status.shards.selector"
    ),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Shards", type_ = "string", json_path = ".status.shards.summary"),
    printcolumn(name = "Clients", type_ = "integer", json_path = ".status.clients"),
    printcolumn(name = "Admission", type_ = "string", json_path = ".status.admission.summary"),
    printcolumn(name = "Hostname", type_ = "string", json_path = ".spec.exposure.hostname"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#, priority = 1),
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("`metadata.name` must have at most 40 lower-case letters, digits and '-', and must begin with a letter"),
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.shards.replicas == 1 || self.routing.isolatedShards")
    .message("`shards.replicas` must be 1: shards cannot pass messages to each other yet (`routing.isolatedShards` lets tests run several)"))]
#[x_kube(validation = Rule::new("self.authentication.anonymous == 'Always' || has(self.authentication.passwordSecretRef) || has(self.authentication.http) || self.listeners.exists(l, has(l.tls) && l.tls.clientAuth != 'None')")
    .message("nobody could log in: specify `authentication.passwordSecretRef`, `authentication.http`, a listener with `tls.clientAuth`, or `authentication.anonymous: Always`"))]
#[x_kube(validation = Rule::new("self.listeners.all(l, !has(l.limits) || !has(l.limits.maxTopicBytes) || l.limits.maxTopicBytes <= self.limits.maxTopicBytes)")
    .message("`listeners[].limits.maxTopicBytes` must not be more than `limits.maxTopicBytes`"))]
#[x_kube(validation = Rule::new("self.listeners.all(l, !has(l.limits) || !has(l.limits.maxTopicLevels) || l.limits.maxTopicLevels <= self.limits.maxTopicLevels)")
    .message("`listeners[].limits.maxTopicLevels` must not be more than `limits.maxTopicLevels`"))]
#[x_kube(validation = Rule::new("self.listeners.all(l, !has(l.limits) || !has(l.limits.maxSubscriptions) || l.limits.maxSubscriptions <= self.limits.maxSubscriptions)")
    .message("`listeners[].limits.maxSubscriptions` must not be more than `limits.maxSubscriptions`"))]
#[x_kube(validation = Rule::new("self.listeners.all(l, !has(l.limits) || !has(l.limits.maxQueuedMessages) || l.limits.maxQueuedMessages <= self.limits.maxQueuedMessages)")
    .message("`listeners[].limits.maxQueuedMessages` must not be more than `limits.maxQueuedMessages`"))]
#[x_kube(validation = Rule::new("self.listeners.all(l, !has(l.limits) || !has(l.limits.maxQueuedBytes) || l.limits.maxQueuedBytes <= self.limits.maxQueuedBytes)")
    .message("`listeners[].limits.maxQueuedBytes` must not be more than `limits.maxQueuedBytes`"))]
#[x_kube(validation = Rule::new("self.listeners.all(l, !has(l.limits) || !has(l.limits.maxInflight) || l.limits.maxInflight <= self.limits.maxInflight)")
    .message("`listeners[].limits.maxInflight` must not be more than `limits.maxInflight`"))]
#[x_kube(validation = Rule::new("self.listeners.all(l, !has(l.limits) || !has(l.limits.receiveMaximum) || l.limits.receiveMaximum <= self.limits.receiveMaximum)")
    .message("`listeners[].limits.receiveMaximum` must not be more than `limits.receiveMaximum`"))]
pub struct MqttClusterSpec {
    #[serde(default)]
    pub image: Image,
    /// Secrets with which the image is pulled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub image_pull_secrets: Vec<ImagePullSecret>,
    #[serde(default)]
    pub edge: Edge,
    #[serde(default)]
    pub shards: Shards,
    /// Ports on which clients are served.
    #[schemars(
        length(min = 1, max = 8),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    #[x_kube(validation = Rule::new("self.all(l, self.exists_one(m, m.port == l.port))")
        .message("each `port` must be used once"))]
    pub listeners: Vec<Listener>,
    #[serde(default)]
    pub exposure: Exposure,
    #[serde(default)]
    pub admission: Admission,
    #[serde(default)]
    pub authentication: Authentication,
    #[serde(default)]
    pub routing: Routing,
    #[serde(default)]
    pub limits: Limits,
    /// Leaves everything as it is: nothing is applied or pruned, the status is still kept.
    #[serde(default)]
    pub paused: bool,
}

/// How messages find their subscribers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Routing {
    /// Lets several shards run that know nothing of each other's clients. For tests.
    #[serde(default)]
    pub isolated_shards: bool,
}

use std::collections::BTreeMap;

use herdgate_crds::{Exposure, ExposureType, ExternalDns, Protocol, TrafficPolicy};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{LINK_PORT, metadata};
use crate::cluster::names::Tier;
use crate::cluster::validate::{Listener, ValidatedCluster};

/// external-dns renamed its prefix with 0.22; older ones know the first only.
const HOSTNAME_ANNOTATIONS: [&str; 2] = [
    "external-dns.alpha.kubernetes.io/hostname",
    "external-dns.kubernetes.io/hostname",
];

/// A name for each shard, also before it is ready: edges must reach one that waits for them.
pub(super) fn shards(cluster: &ValidatedCluster) -> Service {
    Service {
        metadata: metadata(cluster, cluster.names.shards(), Some(Tier::Shard)),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".into()),
            publish_not_ready_addresses: Some(true),
            selector: Some(cluster.names.selector(Tier::Shard)),
            ports: Some(vec![ServicePort {
                name: Some("link".into()),
                port: i32::from(LINK_PORT),
                target_port: Some(IntOrString::String("link".into())),
                protocol: Some("TCP".into()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

pub(super) fn clients(cluster: &ValidatedCluster) -> Service {
    let exposure = &cluster.exposure;
    let mut metadata = metadata(cluster, cluster.names.clients(), Some(Tier::Edge));
    let annotations = annotations(exposure);
    metadata.annotations = (!annotations.is_empty()).then_some(annotations);
    let external = exposure.type_ != ExposureType::ClusterIp;
    Service {
        metadata,
        spec: Some(ServiceSpec {
            type_: Some(type_name(exposure.type_).into()),
            external_traffic_policy: external
                .then(|| policy_name(exposure.external_traffic_policy).into()),
            load_balancer_class: exposure.load_balancer_class.clone(),
            selector: Some(cluster.names.selector(Tier::Edge)),
            ports: Some(cluster.listeners.iter().map(port).collect()),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

fn port(listener: &Listener) -> ServicePort {
    ServicePort {
        name: Some(listener.name.clone()),
        port: i32::from(listener.port),
        target_port: Some(IntOrString::String(listener.name.clone())),
        app_protocol: Some(application(listener.protocol).into()),
        protocol: Some("TCP".into()),
        ..ServicePort::default()
    }
}

/// The names that IANA gave to 1883 and 8883, and those that Kubernetes knows for WebSocket.
fn application(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Mqtt => "mqtt",
        Protocol::Mqtts => "secure-mqtt",
        Protocol::Ws => "kubernetes.io/ws",
        Protocol::Wss => "kubernetes.io/wss",
    }
}

/// What the user wrote wins over what is derived.
fn annotations(exposure: &Exposure) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::new();
    if let (ExternalDns::Enabled, Some(hostname)) = (exposure.external_dns, &exposure.hostname) {
        annotations.extend(HOSTNAME_ANNOTATIONS.map(|key| (key.to_owned(), hostname.clone())));
    }
    annotations.extend(exposure.annotations.clone());
    annotations
}

fn type_name(exposure: ExposureType) -> &'static str {
    match exposure {
        ExposureType::LoadBalancer => "LoadBalancer",
        ExposureType::NodePort => "NodePort",
        ExposureType::ClusterIp => "ClusterIP",
    }
}

fn policy_name(policy: TrafficPolicy) -> &'static str {
    match policy {
        TrafficPolicy::Local => "Local",
        TrafficPolicy::Cluster => "Cluster",
    }
}

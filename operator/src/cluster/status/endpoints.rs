//! How clients reach the cluster, from the client Service.

use herdgate_crds::{Endpoint, ExposureType};
use k8s_openapi::api::core::v1::{Service, ServicePort};
use kube::ResourceExt as _;

use crate::cluster::validate::{Listener, ValidatedCluster};

/// Each address with each listener, in a fixed order.
pub(crate) fn endpoints(cluster: &ValidatedCluster, service: Option<&Service>) -> Vec<Endpoint> {
    let Some(service) = service else {
        return Vec::new();
    };
    let addresses = addresses(cluster, service);
    let each = addresses.iter().flat_map(|address| {
        cluster.listeners.iter().map(|listener| Endpoint {
            listener: listener.name.clone(),
            address: address.clone(),
            port: port(cluster, service, listener),
        })
    });
    each.collect()
}

/// The hostname is told once there is something behind it.
fn addresses(cluster: &ValidatedCluster, service: &Service) -> Vec<String> {
    let given = match cluster.exposure.type_ {
        ExposureType::LoadBalancer => balanced(service),
        ExposureType::ClusterIp => vec![format!(
            "{}.{}.svc",
            service.name_any(),
            cluster.names.namespace
        )],
        // nodes are no business of ours: whoever asks for node ports knows their addresses
        ExposureType::NodePort => Vec::new(),
    };
    let named = cluster
        .exposure
        .hostname
        .iter()
        .filter(|_| !given.is_empty() || cluster.exposure.type_ == ExposureType::NodePort);
    named.cloned().chain(given.iter().cloned()).collect()
}

pub(super) fn balanced(service: &Service) -> Vec<String> {
    let balancer = service
        .status
        .as_ref()
        .and_then(|status| status.load_balancer.as_ref());
    let ingress = balancer
        .into_iter()
        .flat_map(|balancer| balancer.ingress.iter().flatten());
    ingress
        .filter_map(|entry| entry.ip.clone().or_else(|| entry.hostname.clone()))
        .collect()
}

fn port(cluster: &ValidatedCluster, service: &Service, listener: &Listener) -> i32 {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_ref());
    let find = |ports: &Vec<ServicePort>| {
        ports
            .iter()
            .find(|port| port.name.as_ref() == Some(&listener.name))
            .cloned()
    };
    let node_port = ports.and_then(find).and_then(|port| port.node_port);
    match cluster.exposure.type_ {
        ExposureType::NodePort => node_port.unwrap_or_else(|| i32::from(listener.port)),
        ExposureType::LoadBalancer | ExposureType::ClusterIp => i32::from(listener.port),
    }
}

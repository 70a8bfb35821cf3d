use std::collections::BTreeSet;

use herdgate_crds::{
    AuthenticationMethod, ClientAuth, ListenerLimits, MqttClusterSpec, Protocol, ProxyProtocolMode,
    TlsVersion, WebSocket,
};
use ipnet::IpNet;

use super::{Problems, addresses, limits};
use crate::cluster::build::{ADMIN_PORT, ADMIN_PORT_NAME};

/// Ports below this need a right that the pods do not have.
const FIRST_UNPRIVILEGED: u16 = 1024;
/// Added to a privileged port within the pod: 443 becomes 8443.
const PRIVILEGED_SHIFT: u16 = 8000;

#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) name: String,
    /// Port of the client Service.
    pub(crate) port: u16,
    /// Port that the edge binds.
    pub(crate) container_port: u16,
    pub(crate) protocol: Protocol,
    pub(crate) tls: Option<ListenerTls>,
    pub(crate) web_socket: Option<WebSocket>,
    /// Where balancers with PROXY headers connect from; empty: none do.
    pub(crate) balancers: Vec<IpNet>,
    pub(crate) max_connections: i32,
    pub(crate) tcp_user_timeout_seconds: i32,
    /// `None`: those that the password file has users for.
    pub(crate) authentication_methods: Option<Vec<AuthenticationMethod>>,
    /// Of its clients; what it does not name is the cluster's.
    pub(crate) limits: ListenerLimits,
}

#[derive(Clone, Debug)]
pub(crate) struct ListenerTls {
    pub(crate) secret: String,
    pub(crate) client: ClientCa,
    pub(crate) min_version: TlsVersion,
}

/// Whether clients show certificates, and the Secret with the authority that judges them.
#[derive(Clone, Debug)]
pub(crate) enum ClientCa {
    None,
    Optional(String),
    Required(String),
}

impl ClientCa {
    pub(crate) fn secret(&self) -> Option<&String> {
        match self {
            Self::None => None,
            Self::Optional(secret) | Self::Required(secret) => Some(secret),
        }
    }
}

impl ListenerTls {
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.secret.clone()).chain(self.client.secret().cloned())
    }
}

pub(super) fn listeners(spec: &MqttClusterSpec, problems: &mut Problems) -> Vec<Listener> {
    if spec.listeners.is_empty() {
        problems.add("spec.listeners", "must not be empty");
    }
    let (mut names, mut ports) = (BTreeSet::from([ADMIN_PORT_NAME]), BTreeSet::new());
    let mut bound = BTreeSet::from([ADMIN_PORT]);
    let mut listeners = Vec::with_capacity(spec.listeners.len());
    for (index, wanted) in spec.listeners.iter().enumerate() {
        let field = format!("spec.listeners[{index}]");
        if !names.insert(wanted.name.as_str()) {
            problems.add(
                format!("{field}.name"),
                "must be used once, and must not be 'admin'",
            );
        }
        let own = wanted.limits.unwrap_or_default();
        limits::check_listener(&field, own, spec.limits, problems);
        let Some(listener) = listener(&field, wanted, problems) else {
            continue;
        };
        if !ports.insert(listener.port) {
            problems.add(format!("{field}.port"), "must be used once");
        } else if !bound.insert(listener.container_port) {
            let text = format!(
                "is served within the pod at {}, which is taken",
                listener.container_port
            );
            problems.add(format!("{field}.port"), text);
        }
        listeners.push(listener);
    }
    listeners
}

fn listener(
    field: &str,
    wanted: &herdgate_crds::Listener,
    problems: &mut Problems,
) -> Option<Listener> {
    problems.range(
        &format!("{field}.maxConnections"),
        wanted.max_connections,
        1..=10_000_000,
    );
    problems.range(
        &format!("{field}.tcpUserTimeoutSeconds"),
        wanted.tcp_user_timeout_seconds,
        0..=3600,
    );
    let methods = wanted.authentication_methods.as_deref();
    if methods.is_some_and(|methods| methods.len() > 1) {
        let text = "must name each method once";
        problems.add(format!("{field}.authenticationMethods"), text);
    }
    let tls = tls(field, wanted, problems);
    let web_socket = web_socket(field, wanted, problems);
    let balancers = balancers(field, wanted, problems);
    let Some(port) = u16::try_from(wanted.port).ok().filter(|port| *port > 0) else {
        problems.add(format!("{field}.port"), "must be from 1 to 65535");
        return None;
    };
    let container_port = if port < FIRST_UNPRIVILEGED {
        port + PRIVILEGED_SHIFT
    } else {
        port
    };
    let name = wanted.name.clone();
    Some(Listener {
        name,
        port,
        container_port,
        protocol: wanted.protocol,
        tls,
        web_socket,
        balancers,
        max_connections: wanted.max_connections,
        tcp_user_timeout_seconds: wanted.tcp_user_timeout_seconds,
        authentication_methods: wanted.authentication_methods.clone(),
        limits: wanted.limits.unwrap_or_default(),
    })
}

fn web_socket(
    field: &str,
    wanted: &herdgate_crds::Listener,
    problems: &mut Problems,
) -> Option<WebSocket> {
    let web_socket = wanted.web_socket.clone()?;
    if !matches!(wanted.protocol, Protocol::Ws | Protocol::Wss) {
        let text = "may not be specified unless `protocol` is 'WS' or 'WSS'";
        problems.add(format!("{field}.webSocket"), text);
    }
    if !web_socket.path.starts_with('/') {
        problems.add(format!("{field}.webSocket.path"), "must begin with '/'");
    }
    Some(web_socket)
}

fn balancers(field: &str, wanted: &herdgate_crds::Listener, problems: &mut Problems) -> Vec<IpNet> {
    let Some(proxy) = &wanted.proxy_protocol else {
        return Vec::new();
    };
    let field = format!("{field}.proxyProtocol.trusted");
    if (proxy.mode == ProxyProtocolMode::Required) == proxy.trusted.is_empty() {
        let text = "must hold a CIDR when `mode` is 'Required' and none when it is 'Disabled': whoever may \
                    name a client's address decides who is let in";
        problems.add(&field, text);
    }
    addresses::cidrs(&field, &proxy.trusted, problems)
}

fn tls(
    field: &str,
    wanted: &herdgate_crds::Listener,
    problems: &mut Problems,
) -> Option<ListenerTls> {
    if matches!(wanted.protocol, Protocol::Mqtts | Protocol::Wss) != wanted.tls.is_some() {
        let text = "must be specified when `protocol` is 'MQTTS' or 'WSS' and may not be specified when it is \
                    'MQTT' or 'WS'";
        problems.add(format!("{field}.tls"), text);
    }
    let tls = wanted.tls.as_ref()?;
    let authority = tls
        .client_ca_secret_ref
        .as_ref()
        .map(|secret| secret.name.clone());
    let client = match (tls.client_auth, authority) {
        (ClientAuth::None, None) => ClientCa::None,
        (ClientAuth::Optional, Some(secret)) => ClientCa::Optional(secret),
        (ClientAuth::Required, Some(secret)) => ClientCa::Required(secret),
        (ClientAuth::None, Some(_)) | (ClientAuth::Optional | ClientAuth::Required, None) => {
            let text = "must be specified when `clientAuth` is 'Optional' or 'Required' and may not be \
                        specified when it is 'None'";
            problems.add(format!("{field}.tls.clientCaSecretRef"), text);
            ClientCa::None
        }
    };
    Some(ListenerTls {
        secret: tls.secret_ref.name.clone(),
        client,
        min_version: tls.min_version,
    })
}

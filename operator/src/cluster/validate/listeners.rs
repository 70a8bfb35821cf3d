use std::collections::BTreeSet;

use herdgate_crds::{ClientAuth, MqttClusterSpec, Protocol, TlsVersion};

use super::Problems;
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
    pub(crate) tls: Option<ListenerTls>,
    pub(crate) max_connections: i32,
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
    let tls = tls(field, wanted, problems);
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
        tls,
        max_connections: wanted.max_connections,
    })
}

fn tls(
    field: &str,
    wanted: &herdgate_crds::Listener,
    problems: &mut Problems,
) -> Option<ListenerTls> {
    if (wanted.protocol == Protocol::Mqtts) != wanted.tls.is_some() {
        let text = "must be specified when `protocol` is 'MQTTS' and may not be specified when it is 'MQTT'";
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

//! What is mounted where. One projected volume holds every file of the configuration: what changes in a Secret or
//! ConfigMap appears in the running pod, all files of one change at once, and restarts nothing.

use k8s_openapi::api::core::v1::{
    ConfigMapProjection, KeyToPath, ProjectedVolumeSource, SecretProjection, Volume, VolumeMount,
    VolumeProjection,
};

use super::config::FILE;
use crate::cluster::names::Tier;
use crate::cluster::validate::{Listener, ListenerTls, ValidatedCluster};

const FOLDER: &str = "/etc/herdgate";
const VOLUME: &str = "settings";
/// Read by the group that `fsGroup` names, and by nobody else.
const MODE: i32 = 0o440;

pub(crate) const TOKEN_KEY: &str = "token";
const PASSWORDS_KEY: &str = "passwords";
const BACKEND_CA: &str = "login/ca.crt";
const BACKEND_TOKEN: &str = "login/token";

pub(super) fn config_file() -> String {
    format!("{FOLDER}/{FILE}")
}

pub(super) fn link_token() -> String {
    format!("{FOLDER}/link/token")
}

pub(super) fn admin_token() -> String {
    format!("{FOLDER}/admin/token")
}

pub(super) fn passwords() -> String {
    format!("{FOLDER}/passwords")
}

pub(super) fn backend_ca() -> String {
    format!("{FOLDER}/{BACKEND_CA}")
}

pub(super) fn backend_token() -> String {
    format!("{FOLDER}/{BACKEND_TOKEN}")
}

pub(super) fn certificate(listener: &str) -> String {
    format!("{FOLDER}/listeners/{listener}/tls.crt")
}

pub(super) fn private_key(listener: &str) -> String {
    format!("{FOLDER}/listeners/{listener}/tls.key")
}

pub(super) fn client_ca(listener: &str) -> String {
    format!("{FOLDER}/listeners/{listener}/ca.crt")
}

pub(super) fn mount() -> VolumeMount {
    VolumeMount {
        name: VOLUME.into(),
        mount_path: FOLDER.into(),
        read_only: Some(true),
        ..VolumeMount::default()
    }
}

pub(super) fn settings(cluster: &ValidatedCluster, tier: Tier) -> Volume {
    let mut sources = vec![
        config(cluster, tier),
        secret(&cluster.names.link_secret(), &[(TOKEN_KEY, "link/token")]),
        secret(&cluster.names.admin_secret(), &[(TOKEN_KEY, "admin/token")]),
    ];
    if tier == Tier::Edge {
        sources.extend(cluster.listeners.iter().flat_map(listener));
        let passwords = cluster.login.password_secret.iter();
        sources.extend(passwords.map(|name| secret(name, &[(PASSWORDS_KEY, PASSWORDS_KEY)])));
        let backend_ca = cluster.login.backend_ca().into_iter();
        sources.extend(backend_ca.map(|name| secret(name, &[("ca.crt", BACKEND_CA)])));
        let backend_token = cluster.login.backend_token().into_iter();
        sources.extend(backend_token.map(|name| secret(name, &[(TOKEN_KEY, BACKEND_TOKEN)])));
    }
    Volume {
        name: VOLUME.into(),
        projected: Some(ProjectedVolumeSource {
            default_mode: Some(MODE),
            sources: Some(sources),
        }),
        ..Volume::default()
    }
}

fn config(cluster: &ValidatedCluster, tier: Tier) -> VolumeProjection {
    VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: cluster.names.tier(tier),
            items: Some(vec![item(FILE, FILE)]),
            optional: None,
        }),
        ..VolumeProjection::default()
    }
}

fn listener(listener: &Listener) -> Vec<VolumeProjection> {
    listener
        .tls
        .as_ref()
        .map_or_else(Vec::new, |tls| of_tls(&listener.name, tls))
}

fn of_tls(listener: &str, tls: &ListenerTls) -> Vec<VolumeProjection> {
    let path = |file: &str| format!("listeners/{listener}/{file}");
    let mut sources = vec![secret(
        &tls.secret,
        &[("tls.crt", &path("tls.crt")), ("tls.key", &path("tls.key"))],
    )];
    sources.extend(
        tls.client
            .secret()
            .map(|name| secret(name, &[("ca.crt", &path("ca.crt"))])),
    );
    sources
}

fn secret(name: &str, items: &[(&str, &str)]) -> VolumeProjection {
    VolumeProjection {
        secret: Some(SecretProjection {
            name: name.into(),
            items: Some(items.iter().map(|(key, path)| item(key, path)).collect()),
            optional: None,
        }),
        ..VolumeProjection::default()
    }
}

fn item(key: &str, path: &str) -> KeyToPath {
    KeyToPath {
        key: key.into(),
        path: path.into(),
        mode: None,
    }
}

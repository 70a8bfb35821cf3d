//! Client certificates of a small authority, the first of them expired.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rcgen::{KeyUsagePurpose, date_time_ymd};
use serde_json::{Value, json};

/// Whom the certificates name; client ids stand below it.
const USER: &str = "gw";
/// Years in which each ends.
const UNTIL: [i32; 3] = [2021, 4000, 4000];

/// The authority's file, and the list as the swarm reads it.
pub(crate) fn write(folder: &Path) -> anyhow::Result<(PathBuf, Value)> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
        .distinguished_name
        .push(DnType::CommonName, "incidents");
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)
        .context("failed to make an authority")?;
    let ca_file = folder.join("clients-ca.crt");
    std::fs::write(&ca_file, ca.pem())?;
    let mut list = Vec::new();
    for (at, until) in UNTIL.into_iter().enumerate() {
        let mut params = CertificateParams::new([USER.to_owned()])?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, USER);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate()?;
        let certificate = params
            .signed_by(&key, &ca)
            .context("failed to sign a certificate")?;
        let (certificate_file, key_file) = (
            folder.join(format!("gateway-{at}.crt")),
            folder.join(format!("gateway-{at}.key")),
        );
        std::fs::write(&certificate_file, certificate.pem())?;
        std::fs::write(&key_file, key.serialize_pem())?;
        list.push(json!({"certificateFile": certificate_file, "privateKeyFile": key_file}));
    }
    Ok((ca_file, list.into()))
}

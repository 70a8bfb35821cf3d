//! Certificates on both sides, as clients see them.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use herdgate_tests::certs::{Algorithm, Authority, Identity, Validity};
use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::mqtt::{Client, Connect};
use herdgate_tests::setup::{ALICE, SERVER_NAMES, Setup};
use herdgate_tests::skip::skip;
use herdgate_tests::tls;
use herdgate_tests::wait::{PATIENT, throughout, until};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{AlertDescription, ClientConfig};

const SPLIT: Topology = Topology::Split { edges: 1 };
/// Certificates are looked at every few seconds.
const RELOAD_WITHIN: Duration = Duration::from_mins(1);

#[test]
fn both_versions_and_both_kinds_of_keys_are_served_with_the_full_chain() {
    for algorithm in [Algorithm::Ecdsa, Algorithm::Rsa] {
        let setup = Setup::new();
        setup.install_server(&setup.authority.server(algorithm, SERVER_NAMES));
        let Some(cluster) = Cluster::start(&setup, SPLIT) else {
            return;
        };
        // the client trusts the root alone: without the intermediate it would refuse
        for version in [&tls::TLS12, &tls::TLS13] {
            let config = tls::client(&setup.authority.pem(), None, &[version]);
            let mut client = Client::tls(cluster.listener("mqtts"), &config).unwrap();
            client.login(&Connect::v3("alice").user(ALICE.0, ALICE.1));
        }
    }
}

#[test]
fn an_old_version_can_be_refused() {
    if stand_in_wanted() {
        return skip("the stand-in serves both versions");
    }
    let setup = Setup::new().set("/listeners/0/tls/minVersion", "1.3");
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let config = |version| tls::client(&setup.authority.pem(), None, &[version]);
    assert!(Client::tls(cluster.listener("mqtts"), &config(&tls::TLS12)).is_err());
    Client::tls(cluster.listener("mqtts"), &config(&tls::TLS13)).unwrap();
}

/// A cluster whose TLS listener demands a client certificate.
fn demanding() -> Setup {
    let setup = Setup::new();
    let ca = setup.path("ca.crt").display().to_string();
    setup
        .set("/listeners/0/tls/clientAuth", "Required")
        .set("/listeners/0/tls/clientCaFile", ca)
}

#[test]
fn an_expired_certificate_is_told_so_and_the_next_one_works() {
    if stand_in_wanted() {
        return skip("the stand-in has no client certificates");
    }
    let setup = demanding();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let expired = setup.authority.client("gw-7", Validity::Expired);
    let valid = setup.authority.client("gw-7", Validity::Valid);
    for version in [&tls::TLS12, &tls::TLS13] {
        let config = tls::client(&setup.authority.pem(), Some(&expired), &[version]);
        let alert = alert_after_connect(&cluster, &config);
        assert_eq!(alert, AlertDescription::CertificateExpired, "{version:?}");
        let config = tls::client(&setup.authority.pem(), Some(&valid), &[version]);
        Client::tls(cluster.listener("mqtts"), &config)
            .unwrap()
            .login(&Connect::v3("gw-7"));
    }
}

#[test]
fn a_certificate_of_strangers_and_none_are_told_so() {
    if stand_in_wanted() {
        return skip("the stand-in has no client certificates");
    }
    let setup = demanding();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let stranger = Authority::new("Strangers").client("gw-7", Validity::Valid);
    for version in [&tls::TLS12, &tls::TLS13] {
        let config = tls::client(&setup.authority.pem(), Some(&stranger), &[version]);
        assert_eq!(
            alert_after_connect(&cluster, &config),
            AlertDescription::UnknownCA,
            "{version:?}"
        );
        let config = tls::client(&setup.authority.pem(), None, &[version]);
        let alert = alert_after_connect(&cluster, &config);
        let told = [
            AlertDescription::CertificateRequired,
            AlertDescription::HandshakeFailure,
            AlertDescription::BadCertificate,
        ];
        assert!(told.contains(&alert), "{version:?}: {alert:?}");
    }
}

/// The alert by which the server ends a connection, whenever it comes. CONNECT is sent as soon as possible, as gateways
/// do: bytes that the server never reads must not turn its close into a reset that eats the alert.
fn alert_after_connect(cluster: &Cluster<'_>, config: &Arc<ClientConfig>) -> AlertDescription {
    let outcome = Client::tls(cluster.listener("mqtts"), config)
        .and_then(|mut client| {
            client.send(&Connect::v3("gw-7").encode())?;
            client.read()
        })
        .expect_err("the server refuses");
    let tls_error = outcome
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls_error {
        Some(rustls::Error::AlertReceived(alert)) => *alert,
        _ => panic!("no alert, but {outcome:?}"),
    }
}

#[test]
fn garbage_instead_of_tls_is_closed_and_nobody_else_minds() {
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let config = tls::plain_client(&setup.authority.pem());
    let mut bystander = Client::tls(cluster.listener("mqtts"), &config).unwrap();
    bystander.login(&Connect::v3("alice").user(ALICE.0, ALICE.1));
    let oversized_record = [&[22, 3, 1, 0xFF, 0xFF][..], &[0; 600]].concat();
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &Connect::v3("plain").encode(),
        &oversized_record,
    ] {
        let mut stream = TcpStream::connect(cluster.listener("mqtts")).unwrap();
        stream.set_read_timeout(Some(PATIENT)).unwrap();
        stream.write_all(garbage).unwrap();
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => assert!(
                answer.first().is_none_or(|first| *first == 21),
                "only an alert: {answer:?}"
            ),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}"),
        }
    }
    bystander.send(&[0xC0, 0]).unwrap();
    bystander.read().unwrap();
}

#[test]
fn certificates_reload_through_kubernetes_symlinks_and_bad_files_keep_the_old() {
    if stand_in_wanted() {
        return skip("mosquitto reloads on a signal only");
    }
    let setup = Setup::new();
    let mounted = Mounted::new(setup.path("mounted"));
    mounted.swap(&setup.authority.server(Algorithm::Ecdsa, SERVER_NAMES));
    let file = |name: &str| setup.path("mounted").join(name).display().to_string();
    let (certificate, key) = (file("tls.crt"), file("tls.key"));
    let setup = setup
        .set("/listeners/0/tls/certificateFile", certificate)
        .set("/listeners/0/tls/privateKeyFile", key);
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let config = tls::plain_client(&setup.authority.pem());
    let served = || {
        Client::tls(cluster.listener("mqtts"), &config)
            .unwrap()
            .server_certificate()
    };
    let mut early = Client::tls(cluster.listener("mqtts"), &config).unwrap();
    early.login(&Connect::v3("alice").user(ALICE.0, ALICE.1));

    let second = setup.authority.server(Algorithm::Rsa, SERVER_NAMES);
    mounted.swap(&second);
    until(
        "new connections get the new certificate",
        RELOAD_WITHIN,
        || (served() == leaf(&second)).then_some(()),
    );

    // a certificate of one key and the key of another: neither is taken up
    let third = setup.authority.server(Algorithm::Ecdsa, SERVER_NAMES);
    let reloads_failed = || {
        cluster.edges[0]
            .admin
            .metric("herdgate_tls_reload_failures_total")
    };
    let before = reloads_failed();
    mounted.swap(&Identity {
        chain: third.chain.clone(),
        key: second.key.clone(),
    });
    until("the failed reload is counted", RELOAD_WITHIN, || {
        (reloads_failed() > before).then_some(())
    });
    throughout("the old certificate stays", Duration::from_secs(1), || {
        served() == leaf(&second)
    });

    mounted.swap(&third);
    until("the next good one is taken up", RELOAD_WITHIN, || {
        (served() == leaf(&third)).then_some(())
    });
    early.send(&[0xC0, 0]).unwrap();
    early.read().expect("older connections live on");
}

fn leaf(identity: &Identity) -> Vec<u8> {
    CertificateDer::from_pem_slice(identity.chain.as_bytes())
        .unwrap()
        .to_vec()
}

/// A folder as the kubelet mounts a Secret: the files are links through `..data`, which is swapped at once.
struct Mounted {
    folder: PathBuf,
}

impl Mounted {
    fn new(folder: PathBuf) -> Self {
        fs::create_dir(&folder).unwrap();
        for name in ["tls.crt", "tls.key"] {
            symlink(format!("..data/{name}"), folder.join(name)).unwrap();
        }
        Self { folder }
    }

    fn swap(&self, identity: &Identity) {
        let folder = &self.folder;
        let version = tempfile::Builder::new()
            .prefix("..v")
            .tempdir_in(folder)
            .unwrap()
            .keep();
        fs::write(version.join("tls.crt"), &identity.chain).unwrap();
        fs::write(version.join("tls.key"), &identity.key).unwrap();
        let next = folder.join("..data_tmp");
        symlink(version.file_name().unwrap(), &next).unwrap();
        fs::rename(next, folder.join("..data")).unwrap();
    }
}

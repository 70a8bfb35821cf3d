//! Real files, real handshakes.

mod pki;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, date_time_ymd};
use rustls::{
    AlertDescription, HandshakeKind, ProtocolVersion, ServerConfig, SupportedProtocolVersion,
    version,
};
use rustls_pki_types::CertificateDer;

use self::pki::{Issuer, Pki, authority, ecdsa, handshake, params};
use super::*;
use crate::config::{Alpn, ClientAuth, Tls, TlsVersion};
use crate::metrics::{ListenerLabels, Metrics};

const DEADLINE: Duration = Duration::from_secs(20);

const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
const OLD: &[&SupportedProtocolVersion] = &[&version::TLS12];

fn config(settings: &Tls) -> Arc<ServerConfig> {
    load(settings).expect("loads").config
}

#[test]
fn rsa_and_ecdsa_in_both_versions_with_the_full_chain() {
    let pki = Pki::new();
    let settings = pki.settings("tls");
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_RSA_SHA256] {
        pki.server("tls", algorithm, 2100);
        for (versions, spoken) in [
            (BOTH, ProtocolVersion::TLSv1_3),
            (OLD, ProtocolVersion::TLSv1_2),
        ] {
            let done = handshake(&config(&settings), &pki.client_config(versions, None))
                .expect("handshake");
            assert_eq!(
                (done.version, done.chain.len(), done.principal),
                (spoken, 2, None)
            );
        }
    }
}

#[test]
fn the_oldest_version_is_kept() {
    let pki = Pki::new();
    let settings = Tls {
        min_version: TlsVersion::V13,
        ..pki.settings("tls")
    };
    assert!(handshake(&config(&settings), &pki.client_config(BOTH, None)).is_ok());
    let (server, client) =
        *handshake(&config(&settings), &pki.client_config(OLD, None)).expect_err("too old");
    assert!(
        matches!(server, Some(rustls::Error::PeerIncompatible(_))),
        "{server:?}"
    );
    assert!(
        matches!(
            client,
            Some(rustls::Error::AlertReceived(
                AlertDescription::ProtocolVersion
            ))
        ),
        "{client:?}"
    );
}

#[test]
fn sessions_are_not_resumed() {
    let pki = Pki::new();
    let server = config(&pki.settings("tls"));
    for versions in [BOTH, OLD] {
        let client = pki.client_config(versions, None);
        for _ in 0..2 {
            assert_eq!(
                handshake(&server, &client).expect("handshake").kind,
                HandshakeKind::Full
            );
        }
    }
}

/// The same listener with client certificates welcome, and with them required.
fn with_client_auth(pki: &Pki) -> [Arc<ServerConfig>; 2] {
    let ca_file = pki.write("ca.crt", &pki.root.pem());
    let settings = pki.settings("tls");
    [
        ClientAuth::Optional {
            ca_file: ca_file.clone(),
        },
        ClientAuth::Required { ca_file },
    ]
    .map(|client_auth| {
        config(&Tls {
            client_auth,
            ..settings.clone()
        })
    })
}

#[test]
fn a_good_client_certificate_comes_in() {
    let pki = Pki::new();
    let [optional, required] = with_client_auth(&pki);
    let good = pki.client(&params("gw-4711"));
    for versions in [BOTH, OLD] {
        let with = |identity| pki.client_config(versions, identity);
        for server in [&optional, &required] {
            let done = handshake(server, &with(Some(&good))).expect("good");
            assert_eq!(done.principal.as_deref(), Some("gw-4711"));
        }
        assert_eq!(
            handshake(&optional, &with(None))
                .expect("none needed")
                .principal,
            None
        );
        let (server, client) = *handshake(&required, &with(None)).expect_err("none shown");
        assert_eq!(server, Some(rustls::Error::NoCertificatesPresented));
        assert!(
            matches!(client, Some(rustls::Error::AlertReceived(_))),
            "{client:?}"
        );
    }
}

#[test]
fn a_bad_client_certificate_hears_why() {
    let pki = Pki::new();
    let mut old = params("gw-4711");
    old.not_before = date_time_ymd(2001, 1, 1);
    old.not_after = date_time_ymd(2002, 1, 1);
    let stranger = Issuer::self_signed(authority("stranger"), ecdsa()).expect("stranger");
    let cases = [
        (pki.client(&old), AlertDescription::CertificateExpired),
        (
            Pki::client_of(&stranger, &params("gw-4711")),
            AlertDescription::UnknownCA,
        ),
    ];
    for server in &with_client_auth(&pki) {
        for versions in [BOTH, OLD] {
            for (who, alert) in &cases {
                let (server, client) =
                    *handshake(server, &pki.client_config(versions, Some(who))).expect_err("bad");
                assert!(
                    matches!(server, Some(rustls::Error::InvalidCertificate(_))),
                    "{server:?}"
                );
                assert_eq!(client, Some(rustls::Error::AlertReceived(*alert)));
            }
        }
    }
}

#[test]
fn a_certificate_names_its_principal() {
    let pki = Pki::new();
    let named = |params: CertificateParams| {
        principal(pki.client(&params).chain.first().expect("leaf")).map(|name| name.to_string())
    };
    let nameless = |sans: &[&str]| {
        let mut params =
            CertificateParams::new(sans.iter().map(|&san| san.to_owned()).collect::<Vec<_>>())
                .expect("params");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
    };
    assert_eq!(named(params("gw-4711")).as_deref(), Some("gw-4711"));
    assert_eq!(
        named(nameless(&["10.0.0.1", "a.example", "b.example"])).as_deref(),
        Some("a.example")
    );
    assert_eq!(named(nameless(&[])), None);
    assert_eq!(named(params("gw\n4711")), None);
    assert_eq!(principal(&CertificateDer::from(vec![1, 2, 3])), None);
}

#[test]
fn what_is_wrong_with_files_is_told_with_their_fields() {
    let pki = Pki::new();
    let good = pki.settings("tls");
    let other = pki.settings("other");
    let junk = pki.write("junk", "junk");
    let broken = pki.write(
        "broken",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let torn = pki.write("torn", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    let bad_key = pki.write(
        "bad.key",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    );
    let missing = pki.path("missing");
    let told = |settings: &Tls| {
        let errors = load(settings).expect_err("bad");
        errors
            .iter()
            .map(|error| format!("{}: {}", error.field, error.why))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let certificate = |file: &Path| Tls {
        certificate_file: file.to_owned(),
        ..good.clone()
    };
    let key = |file: &Path| Tls {
        private_key_file: file.to_owned(),
        ..good.clone()
    };
    let ca = |file: &Path| Tls {
        client_auth: ClientAuth::Required {
            ca_file: file.to_owned(),
        },
        ..good.clone()
    };
    let all = Tls {
        client_auth: ClientAuth::Optional {
            ca_file: junk.clone(),
        },
        private_key_file: missing.clone(),
        ..certificate(&junk)
    };
    let cases = [
        certificate(&missing),
        certificate(&junk),
        certificate(&broken),
        certificate(&torn),
        certificate(&good.private_key_file),
        key(&missing),
        key(&junk),
        key(&bad_key),
        key(&other.private_key_file),
        key(&good.certificate_file),
        ca(&missing),
        ca(&junk),
        ca(&broken),
        all,
    ];
    insta::assert_snapshot!(cases.iter().map(told).collect::<Vec<_>>().join("\n--\n"));
}

#[test]
fn new_files_are_taken_through_the_data_link_and_bad_ones_are_not() {
    let pki = Pki::new();
    for (version, year) in [("..v1", 2098), ("..v2", 2099), ("..v3", 2100)] {
        pki.server(version, &PKCS_ECDSA_P256_SHA256, year);
    }
    pki.write("..v3/tls.key", "junk");
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, pki.path(name)).expect("link");
    };
    link("..v1", "..data");
    link("..data/tls.crt", "tls.crt");
    link("..data/tls.key", "tls.key");
    let settings = Tls {
        certificate_file: pki.path("tls.crt"),
        private_key_file: pki.path("tls.key"),
        client_auth: ClientAuth::None,
        min_version: TlsVersion::V12,
        alpn: Alpn::None,
    };
    let metrics = Metrics::new();
    let tls = ServerTls::start("mqtts", &settings, &metrics).expect("starts");
    let labels = ListenerLabels::new("mqtts");
    let ends = || metrics.tls.not_after.get_or_create(&labels).get();
    let shown = || {
        handshake(&tls.current(), &pki.client_config(BOTH, None))
            .expect("handshake")
            .chain
            .remove(0)
    };
    let (first, first_ends) = (shown(), ends());
    let swap = |version: &str| {
        link(version, "..data_tmp");
        std::fs::rename(pki.path("..data_tmp"), pki.path("..data")).expect("swap");
        tls.poke();
    };
    swap("..v2");
    eventually("the new certificate is shown", || {
        metrics.tls.reloads.get_or_create(&labels).get() == 1
    });
    let second = shown();
    assert_ne!(first, second);
    assert!(ends() > first_ends);
    swap("..v3");
    eventually("the bad file is noticed", || {
        metrics.tls.reload_failures.get_or_create(&labels).get() == 1
    });
    assert_eq!(shown(), second);
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "still not: {what}");
        std::thread::yield_now();
    }
}

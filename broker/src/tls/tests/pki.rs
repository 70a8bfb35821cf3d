//! An authority with its certificates as files, and handshakes without sockets.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, SignatureAlgorithm, date_time_ymd,
};
use rustls::client::Resumption;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore, ServerConfig,
    ServerConnection, SupportedProtocolVersion,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tempfile::TempDir;

use crate::config::{Alpn, ClientAuth, Tls, TlsVersion};
use crate::tls::principal;

const HOST: &str = "mqtt.example.com";

pub(super) type Issuer = CertifiedIssuer<'static, KeyPair>;

/// A root, a server certificate under an intermediate, and client certificates, as files.
pub(super) struct Pki {
    dir: TempDir,
    pub(super) root: Issuer,
    intermediate: Issuer,
}

pub(super) fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("params");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

pub(super) fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

pub(super) fn key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).expect("key")
}

pub(super) fn ecdsa() -> KeyPair {
    key(&PKCS_ECDSA_P256_SHA256)
}

impl Pki {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().expect("dir");
        let root = Issuer::self_signed(authority("root"), ecdsa()).expect("root");
        let intermediate =
            Issuer::signed_by(authority("intermediate"), ecdsa(), &root).expect("intermediate");
        Self {
            dir,
            root,
            intermediate,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).expect("write");
        self.path(name)
    }

    /// Chain and key of a server certificate, in `folder`.
    pub(super) fn server(
        &self,
        folder: &str,
        algorithm: &'static SignatureAlgorithm,
        year_it_ends: i32,
    ) {
        let key = key(algorithm);
        let mut params = CertificateParams::new(vec![HOST.to_owned()]).expect("params");
        params.not_after = date_time_ymd(year_it_ends, 1, 1);
        let leaf = params.signed_by(&key, &self.intermediate).expect("leaf");
        std::fs::create_dir_all(self.path(folder)).expect("folder");
        self.write(
            &format!("{folder}/tls.crt"),
            &format!("{}{}", leaf.pem(), self.intermediate.pem()),
        );
        self.write(&format!("{folder}/tls.key"), &key.serialize_pem());
    }

    pub(super) fn settings(&self, folder: &str) -> Tls {
        self.server(folder, &PKCS_ECDSA_P256_SHA256, 2100);
        Tls {
            certificate_file: self.path(folder).join("tls.crt"),
            private_key_file: self.path(folder).join("tls.key"),
            client_auth: ClientAuth::None,
            min_version: TlsVersion::V12,
            alpn: Alpn::None,
        }
    }

    pub(super) fn client(&self, params: &CertificateParams) -> ClientIdentity {
        Self::client_of(&self.root, params)
    }

    pub(super) fn client_of(issuer: &Issuer, params: &CertificateParams) -> ClientIdentity {
        let key = ecdsa();
        let certificate = params.signed_by(&key, issuer).expect("client");
        ClientIdentity {
            chain: vec![certificate.der().clone()],
            key: key.serialize_pem(),
        }
    }

    pub(super) fn client_config(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        identity: Option<&ClientIdentity>,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der().clone()).expect("root");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("key");
                builder
                    .with_client_auth_cert(identity.chain.clone(), key)
                    .expect("identity")
            }
        };
        config.resumption = Resumption::in_memory_sessions(8);
        Arc::new(config)
    }
}

pub(super) struct ClientIdentity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    key: String,
}

/// Both ends of a handshake that went through.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) version: ProtocolVersion,
    pub(super) kind: HandshakeKind,
    pub(super) principal: Option<String>,
    /// Certificates that the server showed.
    pub(super) chain: Vec<CertificateDer<'static>>,
}

/// What the server found wrong, and what the client heard of it.
pub(super) type Failed = Box<(Option<rustls::Error>, Option<rustls::Error>)>;

/// Moves bytes between both until the handshake is over.
pub(super) fn handshake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
) -> Result<Done, Failed> {
    let mut server = ServerConnection::new(Arc::clone(server)).expect("server");
    let mut client = ClientConnection::new(
        Arc::clone(client),
        ServerName::try_from(HOST).expect("name"),
    )
    .expect("client");
    for _ in 0..16 {
        let to_server = pass(
            |bytes| client.write_tls(bytes),
            |mut bytes| server.read_tls(&mut bytes),
        );
        let server_error = if to_server {
            server.process_new_packets().err()
        } else {
            None
        };
        let to_client = pass(
            |bytes| server.write_tls(bytes),
            |mut bytes| client.read_tls(&mut bytes),
        );
        let client_error = if to_client {
            client.process_new_packets().err()
        } else {
            None
        };
        if server_error.is_some() || client_error.is_some() {
            return Err(Box::new((server_error, client_error)));
        }
    }
    assert!(
        !server.is_handshaking() && !client.is_handshaking(),
        "the handshake got stuck"
    );
    Ok(Done {
        version: server.protocol_version().expect("version"),
        kind: server.handshake_kind().expect("kind"),
        principal: server
            .peer_certificates()
            .and_then(|chain| principal(chain.first()?))
            .map(|name| name.to_string()),
        chain: client
            .peer_certificates()
            .expect("chain")
            .iter()
            .map(|certificate| certificate.clone().into_owned())
            .collect(),
    })
}

fn pass(
    write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<usize>,
    mut read: impl FnMut(&[u8]) -> std::io::Result<usize>,
) -> bool {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("write");
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let taken = read(rest).expect("read");
        rest = &rest[taken..];
    }
    !bytes.is_empty()
}

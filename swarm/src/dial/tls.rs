//! TLS as a gateway speaks it: the server proves its name, the gateway tries its certificates in turn.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::TlsConnector;

use crate::gateway::Loss;
use crate::scenario::{CertificateFiles, TlsTarget};

/// What the whole fleet shares: one configuration per certificate and the name to prove.
#[derive(Debug)]
pub(crate) struct Tls {
    configs: Vec<Arc<ClientConfig>>,
    server_name: ServerName<'static>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("failed to read certificates from {path}")]
    Certificates {
        path: PathBuf,
        source: rustls_pki_types::pem::Error,
    },
    #[error("failed to find a certificate in {path}")]
    Empty { path: PathBuf },
    #[error("failed to read the private key from {path}")]
    Key {
        path: PathBuf,
        source: rustls_pki_types::pem::Error,
    },
    #[error("failed to trust the certificates of {path}")]
    Roots {
        path: PathBuf,
        source: rustls::Error,
    },
    #[error("failed to build a verifier from {path}")]
    Verifier {
        path: PathBuf,
        source: rustls::server::VerifierBuilderError,
    },
    #[error("failed to use {certificate} with its private key")]
    Pair {
        certificate: PathBuf,
        source: rustls::Error,
    },
    #[error("failed to use {name} as a server name")]
    ServerName {
        name: String,
        source: rustls_pki_types::InvalidDnsNameError,
    },
}

impl Tls {
    pub(crate) fn load(
        target: &TlsTarget,
        certificates: &[CertificateFiles],
    ) -> Result<Self, TlsError> {
        let verifier = verifier(&target.ca_file)?;
        let mut configs = certificates
            .iter()
            .map(|files| config(Arc::clone(&verifier), Some(files), target.resumption))
            .collect::<Result<Vec<_>, _>>()?;
        if configs.is_empty() {
            configs.push(config(verifier, None, target.resumption)?);
        }
        let server_name = ServerName::try_from(target.server_name.clone()).map_err(|source| {
            TlsError::ServerName {
                name: target.server_name.clone(),
                source,
            }
        })?;
        Ok(Self {
            configs,
            server_name,
        })
    }

    /// The connector that shows the certificate of this number.
    pub(crate) fn connector(&self, certificate: u8) -> TlsConnector {
        let index = usize::from(certificate) % self.configs.len();
        TlsConnector::from(Arc::clone(&self.configs[index]))
    }

    /// All of them, each with the name to prove.
    pub(crate) fn connectors(&self) -> Vec<(TlsConnector, ServerName<'static>)> {
        self.configs
            .iter()
            .map(|config| (TlsConnector::from(Arc::clone(config)), self.server_name()))
            .collect()
    }

    pub(crate) fn server_name(&self) -> ServerName<'static> {
        self.server_name.clone()
    }
}

fn verifier(ca_file: &Path) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca_file)? {
        roots.add(certificate).map_err(|source| TlsError::Roots {
            path: ca_file.into(),
            source,
        })?;
    }
    let verifier = WebPkiServerVerifier::builder(Arc::new(roots))
        .build()
        .map_err(|source| TlsError::Verifier {
            path: ca_file.into(),
            source,
        })?;
    Ok(verifier)
}

fn config(
    verifier: Arc<dyn ServerCertVerifier>,
    files: Option<&CertificateFiles>,
    resumption: bool,
) -> Result<Arc<ClientConfig>, TlsError> {
    // the verifier checks names and chains as rustls does by itself; given so, the fleet shares one copy of the roots
    let builder = ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match files {
        None => builder.with_no_client_auth(),
        Some(files) => {
            let key = PrivateKeyDer::from_pem_file(&files.private_key).map_err(|source| {
                TlsError::Key {
                    path: files.private_key.clone(),
                    source,
                }
            })?;
            builder
                .with_client_auth_cert(certificates(&files.certificate)?, key)
                .map_err(|source| TlsError::Pair {
                    certificate: files.certificate.clone(),
                    source,
                })?
        }
    };
    if !resumption {
        config.resumption = Resumption::disabled();
    }
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let error = |source| TlsError::Certificates {
        path: path.into(),
        source,
    };
    let found = CertificateDer::pem_file_iter(path)
        .map_err(error)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(error)?;
    if found.is_empty() {
        Err(TlsError::Empty { path: path.into() })
    } else {
        Ok(found)
    }
}

/// What an error of a stream says about its end; `heard` is whether the server ever said anything.
pub(crate) fn classify(error: &io::Error, heard: bool) -> Loss {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::AlertReceived(_)) => Loss::Alert,
        Some(rustls::Error::InvalidCertificate(_)) => Loss::Distrusted,
        Some(_) => Loss::Garbled,
        None if heard => Loss::Closed,
        None => Loss::BeforeTls,
    }
}

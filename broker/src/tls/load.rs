//! From files to a TLS configuration: all of them together, or every reason why not.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::pem::{FileError, PemFile, TlsFileError};
use crate::config::{Alpn, ClientAuth, Tls, TlsVersion};

/// What the files of a listener amount to.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Arc<ServerConfig>,
    /// Unix seconds at which the server's certificate ends.
    pub not_after: i64,
}

/// Reads and checks every file that the settings name.
pub fn load(settings: &Tls) -> Result<Loaded, Vec<TlsFileError>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut errors = Vec::new();
    let mut keep = |error| errors.push(error);
    let key = certified_key(settings, &provider, &mut keep);
    let verifier = client_verifier(&settings.client_auth, &provider)
        .map_err(&mut keep)
        .ok();
    let (Some((key, not_after)), Some(verifier)) = (key, verifier) else {
        return Err(errors);
    };
    let certificate = PemFile {
        field: CERTIFICATE,
        path: &settings.certificate_file,
    };
    match server_config(settings, provider, verifier, key) {
        Ok(config) => Ok(Loaded {
            config: Arc::new(config),
            not_after,
        }),
        Err(error) => Err(vec![certificate.error(FileError::Tls(error.to_string()))]),
    }
}

const CERTIFICATE: &str = "certificateFile";
const PRIVATE_KEY: &str = "privateKeyFile";
const CLIENT_CA: &str = "clientCaFile";

fn certified_key(
    settings: &Tls,
    provider: &CryptoProvider,
    keep: &mut impl FnMut(TlsFileError),
) -> Option<(CertifiedKey, i64)> {
    let certificate_file = PemFile {
        field: CERTIFICATE,
        path: &settings.certificate_file,
    };
    let key_file = PemFile {
        field: PRIVATE_KEY,
        path: &settings.private_key_file,
    };
    let chain = certificate_file.certificates().map_err(&mut *keep).ok();
    let key = key_file.private_key().and_then(|der| {
        provider
            .key_provider
            .load_private_key(der)
            .map_err(|error| key_file.error(FileError::Key(error)))
    });
    let key = key.map_err(&mut *keep).ok();
    let (chain, key) = (chain?, key?);
    let not_after = chain.first().and_then(not_after)?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Some((certified, not_after)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            keep(key_file.error(FileError::KeyMismatch));
            None
        }
        Err(error) => {
            keep(certificate_file.error(FileError::Tls(error.to_string())));
            None
        }
    }
}

fn not_after(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// The authorities in a file, `field` being the key that names it.
pub fn authorities(field: &'static str, path: &Path) -> Result<RootCertStore, TlsFileError> {
    roots(&PemFile { field, path })
}

fn roots(file: &PemFile<'_>) -> Result<RootCertStore, TlsFileError> {
    let mut roots = RootCertStore::empty();
    for (at, certificate) in file.certificates()?.into_iter().enumerate() {
        roots.add(certificate).map_err(|why| {
            file.error(FileError::Authority {
                number: at + 1,
                why,
            })
        })?;
    }
    Ok(roots)
}

fn client_verifier(
    auth: &ClientAuth,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsFileError> {
    let (ca_file, required) = match auth {
        ClientAuth::None => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientAuth::Optional { ca_file } => (ca_file, false),
        ClientAuth::Required { ca_file } => (ca_file, true),
    };
    let file = PemFile {
        field: CLIENT_CA,
        path: ca_file,
    };
    let roots = Arc::new(roots(&file)?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
    let builder = if required {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    builder
        .build()
        .map_err(|error| file.error(FileError::Tls(error.to_string())))
}

/// Sessions are never resumed: a resumed one would skip the check of the client's certificate, and a ticket of one edge
/// means nothing to the next.
fn server_config(
    settings: &Tls,
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ClientCertVerifier>,
    key: CertifiedKey,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions(settings.min_version))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = match settings.alpn {
        Alpn::None => Vec::new(),
        Alpn::Http1 => vec![b"http/1.1".to_vec()],
    };
    Ok(config)
}

static BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];
static NEWEST: [&SupportedProtocolVersion; 1] = [&version::TLS13];

fn versions(oldest: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match oldest {
        TlsVersion::V12 => &BOTH,
        TlsVersion::V13 => &NEWEST,
    }
}

//! By which authorities the backend's certificate is known.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use crate::config::HttpBackend;
use crate::tls::{TlsFileError, authorities};

#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    #[error(transparent)]
    File(#[from] TlsFileError),
    #[error(
        "failed to find an authority on this system for a url with https; allowed: caFile, with the backend's"
    )]
    NoneOnSystem,
    #[error("failed to set up TLS for the backend")]
    Tls(#[source] rustls::Error),
}

/// Whether the files of the settings can be used.
pub fn check(settings: &HttpBackend) -> Result<(), RootsError> {
    config(settings).map(|_| ())
}

/// With nobody trusted when the URL is without TLS.
pub(super) fn config(settings: &HttpBackend) -> Result<ClientConfig, RootsError> {
    let roots = match (&settings.ca_file, settings.url.is_tls()) {
        (_, false) => RootCertStore::empty(),
        (Some(file), true) => of_file(file)?,
        (None, true) => of_system()?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(RootsError::Tls)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn of_file(file: &Path) -> Result<RootCertStore, RootsError> {
    Ok(authorities("authentication.http.caFile", file)?)
}

/// One that cannot be read is no reason to go without the others.
fn of_system() -> Result<RootCertStore, RootsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        return Err(RootsError::NoneOnSystem);
    }
    Ok(roots)
}

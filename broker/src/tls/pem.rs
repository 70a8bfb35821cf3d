//! PEM files, and what may be wrong with them.

use std::io;
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::config::read_file;

/// A chain or a bundle of authorities is far smaller.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// One file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to take {field} {path}")]
pub struct TlsFileError {
    /// The key of the configuration, such as `certificateFile`.
    pub field: &'static str,
    pub path: PathBuf,
    #[source]
    pub why: FileError,
}

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("the file is not PEM: it has {0}")]
    Pem(&'static str),
    #[error("there is no certificate in it; allowed: PEM with at least one CERTIFICATE")]
    NoCertificate,
    #[error("certificate {number} of the file cannot be read")]
    Certificate { number: usize },
    #[error(
        "there is no private key in it; allowed: PEM with a PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY, not encrypted"
    )]
    NoKey,
    #[error("the key cannot be used: {0}; allowed: RSA and ECDSA")]
    Key(rustls::Error),
    #[error("the key is not the key of the first certificate in certificateFile")]
    KeyMismatch,
    #[error("certificate {number} of the file cannot be an authority: {why}")]
    Authority { number: usize, why: rustls::Error },
    #[error("TLS refuses it: {0}")]
    Tls(String),
}

/// A file of the configuration, on its way to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct PemFile<'a> {
    pub(super) field: &'static str,
    pub(super) path: &'a Path,
}

impl PemFile<'_> {
    pub(super) fn error(&self, why: FileError) -> TlsFileError {
        TlsFileError {
            field: self.field,
            path: self.path.to_owned(),
            why,
        }
    }

    /// All certificates, in order, each one readable.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
        self.read_certificates().map_err(|why| self.error(why))
    }

    fn read_certificates(&self) -> Result<Vec<CertificateDer<'static>>, FileError> {
        let bytes = read_file(self.path, MAX_FILE_BYTES)?;
        let certificates = CertificateDer::pem_slice_iter(&bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(pem_error)?;
        if certificates.is_empty() {
            return Err(FileError::NoCertificate);
        }
        match certificates
            .iter()
            .position(|certificate| X509Certificate::from_der(certificate).is_err())
        {
            Some(at) => Err(FileError::Certificate { number: at + 1 }),
            None => Ok(certificates),
        }
    }

    pub(super) fn private_key(&self) -> Result<PrivateKeyDer<'static>, TlsFileError> {
        let bytes =
            read_file(self.path, MAX_FILE_BYTES).map_err(|error| self.error(error.into()))?;
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
            pem::Error::NoItemsFound => self.error(FileError::NoKey),
            error => self.error(pem_error(error)),
        })
    }
}

fn pem_error(error: pem::Error) -> FileError {
    match error {
        pem::Error::Io(error) => FileError::Read(error),
        pem::Error::MissingSectionEnd { .. } => FileError::Pem("a BEGIN line without its END line"),
        pem::Error::IllegalSectionStart { .. } => FileError::Pem("a damaged BEGIN line"),
        pem::Error::Base64Decode(_) => FileError::Pem("damaged base64"),
        _ => FileError::Pem("damage"),
    }
}

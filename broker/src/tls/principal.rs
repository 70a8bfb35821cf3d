//! Who a client certificate names.

use std::sync::Arc;

use rustls_pki_types::CertificateDer;

/// The subject's common name, else the first DNS name, of a certificate that TLS has verified.
pub fn principal(_certificate: &CertificateDer<'_>) -> Option<Arc<str>> {
    None
}

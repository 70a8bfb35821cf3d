//! Who a client certificate names.

use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, GeneralName, ParsedExtension, X509Certificate};

/// Longer names are nobody's.
const MAX_BYTES: usize = 1024;

/// The subject's common name, else the first DNS name, of a certificate that TLS has verified.
pub fn principal(certificate: &CertificateDer<'_>) -> Option<Arc<str>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let common_name = certificate
        .subject()
        .iter_common_name()
        .find_map(|name| name.as_str().ok())
        .filter(|name| !name.is_empty());
    let name = match common_name {
        Some(name) => name,
        None => dns_name(&certificate)?,
    };
    let fits = (1..=MAX_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    fits.then(|| Arc::from(name))
}

fn dns_name<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a str> {
    certificate.extensions().iter().find_map(|extension| {
        let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else {
            return None;
        };
        names.general_names.iter().find_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        })
    })
}

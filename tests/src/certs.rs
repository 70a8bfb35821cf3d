//! Certificates made on the spot: a root, an intermediate, servers and clients, valid and not.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, date_time_ymd,
};

/// A key and the certificates that lead from it to a root, as PEM.
pub struct Identity {
    /// Leaf first, without the root.
    pub chain: String,
    pub key: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Ecdsa,
    Rsa,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    Valid,
    Expired,
}

/// A root and an intermediate that signs everything, so that only a full chain leads to the root.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let root =
            CertifiedIssuer::self_signed(ca_params(name), KeyPair::generate().unwrap()).unwrap();
        let middle = ca_params(&format!("{name} intermediate"));
        let intermediate =
            CertifiedIssuer::signed_by(middle, KeyPair::generate().unwrap(), &root).unwrap();
        Self { root, intermediate }
    }

    /// The root alone: what a peer trusts.
    pub fn pem(&self) -> String {
        self.root.pem()
    }

    pub fn server(&self, algorithm: Algorithm, names: &[&str]) -> Identity {
        let mut params =
            CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())
                .unwrap();
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params, algorithm, Validity::Valid)
    }

    pub fn client(&self, common_name: &str, validity: Validity) -> Identity {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params, Algorithm::Ecdsa, validity)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        algorithm: Algorithm,
        validity: Validity,
    ) -> Identity {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(
            if validity == Validity::Valid {
                2120
            } else {
                2021
            },
            1,
            1,
        );
        let key = match algorithm {
            Algorithm::Ecdsa => KeyPair::generate(),
            Algorithm::Rsa => KeyPair::generate_for(&PKCS_RSA_SHA256),
        }
        .unwrap();
        let leaf = params.signed_by(&key, &self.intermediate).unwrap();
        Identity {
            chain: format!("{}{}", leaf.pem(), self.intermediate.pem()),
            key: key.serialize_pem(),
        }
    }
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

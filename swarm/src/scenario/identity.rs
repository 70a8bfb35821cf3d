//! Who the gateways of a scenario say they are.

use serde_json::Value;

use super::fields::{Fields, Problems};
use super::{CertificateFiles, Identity};
use crate::name::Pattern;

pub(super) fn read(value: Option<&Value>, problems: &mut Problems) -> Option<Identity> {
    let mut fields = Fields::new(value, "identity", problems);
    let client_id = pattern(&mut fields, "clientId", problems);
    if client_id.is_none() && fields.get("clientId").is_none() {
        problems.add("identity.clientId", "is missing");
    }
    let user_name = pattern(&mut fields, "userName", problems);
    let password = password(&mut fields, problems);
    if password.is_some() && user_name.is_none() {
        problems.add("identity.password", "needs identity.userName");
    }
    let listed = fields.list("certificates", problems);
    if listed.len() > usize::from(u8::MAX) {
        problems.add("identity.certificates", "at most 255 are allowed");
    }
    let certificates = listed
        .into_iter()
        .filter_map(|(path, value)| certificate(value, &path, problems))
        .collect();
    let clean_session = fields.flag("cleanSession", true, problems);
    fields.finish(problems);
    Some(Identity {
        clean_session,
        client_id: client_id?,
        user_name,
        password,
        certificates,
    })
}

/// A pattern, or a file whose first line is everybody's password as it stands.
fn password(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Pattern> {
    let given = pattern(fields, "password", problems);
    let Some(file) = fields.text("passwordFile", problems) else {
        return given;
    };
    if given.is_some() {
        problems.add(
            "identity.passwordFile",
            "and identity.password exclude each other",
        );
        return given;
    }
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(Pattern::literal(text.lines().next().unwrap_or_default())),
        Err(error) => {
            problems.add("identity.passwordFile", format_args!("{file}: {error}"));
            None
        }
    }
}

fn certificate(value: &Value, path: &str, problems: &mut Problems) -> Option<CertificateFiles> {
    let mut fields = Fields::new(Some(value), path, problems);
    let certificate = fields.required("certificateFile", problems);
    let private_key = fields.required("privateKeyFile", problems);
    fields.finish(problems);
    Some(CertificateFiles {
        certificate: certificate?.into(),
        private_key: private_key?.into(),
    })
}

pub(super) fn pattern(
    fields: &mut Fields<'_>,
    key: &'static str,
    problems: &mut Problems,
) -> Option<Pattern> {
    let text = fields.text(key, problems)?;
    Pattern::parse(&text)
        .map_err(|error| problems.add(fields.path(key), error))
        .ok()
}

//! mosquitto, as Debian has it.

use std::path::PathBuf;

use super::{Place, Plan};

pub(super) const DURABILITY: &str = "memory: persistence is off";

/// Queues without a bound, so that it drops nothing that others keep; writes as soon as it has something.
const COMMON: &str = "user root
persistence false
max_queued_messages 0
set_tcp_nodelay true
log_type error
log_type warning
";

/// What all listeners share.
pub(super) fn common(place: &Place<'_>) -> String {
    let login = match &place.wishes.passwords {
        Some(file) => format!("allow_anonymous false\npassword_file {}\n", file.display()),
        None => "allow_anonymous true\n".to_owned(),
    };
    format!("{COMMON}{login}")
}

pub(super) fn plan(binary: PathBuf, place: &mut Place<'_>) -> anyhow::Result<Plan> {
    let (plain, tls) = (place.ports.take()?, place.ports.take()?);
    let config = format!(
        "{}listener {plain} 127.0.0.1\nlistener {tls} 127.0.0.1\ncertfile {}\nkeyfile {}\n",
        common(place),
        place.tls.certificate.display(),
        place.tls.key.display(),
    ) + &client_ca(place);
    Ok(Plan {
        files: vec![("mosquitto.conf", config)],
        commands: vec![(binary, vec!["-c".to_owned(), place.path("mosquitto.conf")])],
        plain,
        tls: Some(tls),
        admin: None,
        durability: DURABILITY,
    })
}

fn client_ca(place: &Place<'_>) -> String {
    let wanted = place.wishes.client_ca.as_ref();
    wanted.map_or_else(String::new, |file| {
        format!("cafile {}\nrequire_certificate true\n", file.display())
    })
}

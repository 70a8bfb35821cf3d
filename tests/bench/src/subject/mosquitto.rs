//! mosquitto, as Debian has it.

use std::path::PathBuf;

use super::{Place, Plan};

pub(super) const DURABILITY: &str = "memory: persistence is off";

/// Queues without a bound, so that it drops nothing that others keep; writes as soon as it has something.
pub(super) const COMMON: &str = "user root
allow_anonymous true
persistence false
max_queued_messages 0
set_tcp_nodelay true
log_type error
log_type warning
";

pub(super) fn plan(binary: PathBuf, place: &mut Place<'_>) -> anyhow::Result<Plan> {
    let (plain, tls) = (place.ports.take()?, place.ports.take()?);
    let config = format!(
        "{COMMON}listener {plain} 127.0.0.1\nlistener {tls} 127.0.0.1\ncertfile {}\nkeyfile {}\n",
        place.tls.certificate.display(),
        place.tls.key.display(),
    );
    Ok(Plan {
        files: vec![("mosquitto.conf", config)],
        commands: vec![(binary, vec!["-c".to_owned(), place.path("mosquitto.conf")])],
        plain,
        tls: Some(tls),
        durability: DURABILITY,
    })
}

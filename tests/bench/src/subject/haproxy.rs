//! haproxy before mosquitto: what many run today. Both processes count.

use std::path::PathBuf;

use super::{Place, Plan, mosquitto};

/// With two descriptors each they fit into 20,000.
const MOST_CLIENTS: u32 = 9_500;

pub(super) fn plan(
    haproxy: PathBuf,
    mosquitto: PathBuf,
    place: &mut Place<'_>,
) -> anyhow::Result<Plan> {
    let (plain, tls, behind) = (
        place.ports.take()?,
        place.ports.take()?,
        place.ports.take()?,
    );
    let client_ca = place.wishes.client_ca.as_ref();
    let client_ca = client_ca.map_or_else(String::new, |file| {
        format!(" ca-file {} verify required", file.display())
    });
    let proxy = format!(
        "global
  maxconn {MOST_CLIENTS}
  nbthread 1
defaults
  mode tcp
  timeout connect 30s
  timeout client 1h
  timeout server 1h
frontend mqtt
  bind 127.0.0.1:{plain}
  default_backend broker
frontend mqtts
  bind 127.0.0.1:{tls} ssl crt {}{client_ca}
  default_backend broker
backend broker
  server broker 127.0.0.1:{behind}
",
        place.tls.both.display(),
    );
    let broker = format!("{}listener {behind} 127.0.0.1\n", mosquitto::common(place));
    Ok(Plan {
        files: vec![("mosquitto.conf", broker), ("haproxy.cfg", proxy)],
        commands: vec![
            (
                mosquitto,
                vec!["-c".to_owned(), place.path("mosquitto.conf")],
            ),
            (
                haproxy,
                vec!["-db".to_owned(), "-f".to_owned(), place.path("haproxy.cfg")],
            ),
        ],
        plain,
        tls: Some(tls),
        admin: None,
        durability: mosquitto::DURABILITY,
    })
}

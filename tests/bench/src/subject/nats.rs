//! NATS with its MQTT listener.

use std::path::PathBuf;

use super::{Place, Plan};

pub(super) fn plan(binary: PathBuf, place: &mut Place<'_>) -> anyhow::Result<Plan> {
    let (plain, own) = (place.ports.take()?, place.ports.take()?);
    let config = format!(
        "server_name: bench
listen: 127.0.0.1:{own}
jetstream {{ store_dir: \"{}\" }}
mqtt {{ listen: \"127.0.0.1:{plain}\" }}
",
        place.path("jetstream"),
    );
    Ok(Plan {
        files: vec![("nats.conf", config)],
        commands: vec![(binary, vec!["-c".to_owned(), place.path("nats.conf")])],
        plain,
        tls: None,
        admin: None,
        durability: "disk: sessions and QoS 1 messages are in JetStream, which MQTT needs there",
    })
}

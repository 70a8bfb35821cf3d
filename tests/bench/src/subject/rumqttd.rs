//! rumqttd.

use std::path::PathBuf;

use super::{Place, Plan};

pub(super) fn plan(binary: PathBuf, place: &mut Place<'_>) -> anyhow::Result<Plan> {
    let plain = place.ports.take()?;
    let config = format!(
        "id = 0

[router]
id = 0
max_connections = 20000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10

[v4.1]
name = \"v4-1\"
listen = \"127.0.0.1:{plain}\"
next_connection_delay_ms = 0
    [v4.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = 20480
    max_inflight_count = 100
    dynamic_filters = true
"
    );
    Ok(Plan {
        files: vec![("rumqttd.toml", config)],
        commands: vec![(
            binary,
            vec![
                "--quiet".to_owned(),
                "-c".to_owned(),
                place.path("rumqttd.toml"),
            ],
        )],
        plain,
        tls: None,
        admin: None,
        durability: "memory",
    })
}

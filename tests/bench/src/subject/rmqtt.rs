//! rmqtt's daemon with its default plugins.

use std::path::PathBuf;

use super::{Place, Plan};

pub(super) fn plan(binary: PathBuf, place: &mut Place<'_>) -> anyhow::Result<Plan> {
    let (plain, rpc) = (place.ports.take()?, place.ports.take()?);
    let config = format!(
        "node.id = 1
rpc.server_addr = \"127.0.0.1:{rpc}\"
log.to = \"console\"
log.level = \"warn\"
log.dir = \"{folder}\"
log.file = \"rmqtt.log\"
plugins.dir = \"{folder}\"
listener.tcp.external.addr = \"127.0.0.1:{plain}\"
listener.tcp.external.allow_anonymous = true
listener.tcp.external.max_connections = 20000
listener.tcp.external.max_handshaking_limit = 2000
listener.tcp.external.max_packet_size = \"1m\"
listener.tcp.external.backlog = 1024
listener.tcp.external.max_qos_allowed = 2
listener.tcp.external.max_mqueue_len = 1000
",
        folder = place.folder.display(),
    );
    Ok(Plan {
        files: vec![("rmqtt.toml", config)],
        commands: vec![(binary, vec!["-f".to_owned(), place.path("rmqtt.toml")])],
        plain,
        tls: None,
        admin: None,
        durability: "memory",
    })
}

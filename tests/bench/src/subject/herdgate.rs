//! Ours, in one process or as edge and shard.

use std::path::Path;

use super::{Place, Plan};
use crate::load::tls::ServerFiles;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topology {
    Standalone,
    Split,
}

const DURABILITY: &str =
    "memory: QoS 1 is acked when every worker with subscribers has the message";

pub(super) fn plan(
    topology: Topology,
    binary: &Path,
    place: &mut Place<'_>,
) -> anyhow::Result<Plan> {
    let (plain, tls, link) = (
        place.ports.take()?,
        place.ports.take()?,
        place.ports.take()?,
    );
    let listeners = listeners(place.tls, plain, tls);
    let edge = format!(
        "edge: {{workers: 1, id: bench, shards: ['127.0.0.1:{link}'], linkTokenFile: {}}}\n",
        place.path("token")
    );
    let shard = format!(
        "shard: {{workers: 1, linkAddress: '127.0.0.1:{link}', linkTokenFile: {}}}\n",
        place.path("token")
    );
    let mut config = |parts: &[&str]| -> anyhow::Result<String> {
        let admin = place.ports.take()?;
        Ok(format!(
            "admission: {{mode: Open}}\n{}admin: {{address: '127.0.0.1:{admin}'}}\nlog: {{level: warn}}\n",
            parts.concat(),
        ))
    };
    let anyone = "authentication: {anonymous: Always, clientIdPattern: '*'}\n";
    let files = match topology {
        Topology::Standalone => vec![(
            "standalone.yaml",
            config(&[
                &listeners,
                anyone,
                "edge: {workers: 1}\nshard: {workers: 1}\n",
            ])?,
        )],
        Topology::Split => vec![
            ("shard.yaml", config(&[&shard])?),
            ("edge.yaml", config(&[&listeners, anyone, &edge])?),
        ],
    };
    let commands = files
        .iter()
        .map(|(name, _)| {
            let role = name.trim_end_matches(".yaml").to_owned();
            let arguments = vec![role, "-c".to_owned(), place.path(name)];
            (binary.to_owned(), arguments)
        })
        .collect();
    let token = ("token", "only for this run".to_owned());
    Ok(Plan {
        files: files.into_iter().chain([token]).collect(),
        commands,
        plain,
        tls: Some(tls),
        durability: DURABILITY,
    })
}

fn listeners(files: &ServerFiles, plain: u16, tls: u16) -> String {
    format!(
        "listeners:
  - {{name: mqtt, address: '127.0.0.1:{plain}', protocol: mqtt}}
  - name: mqtts
    address: 127.0.0.1:{tls}
    protocol: mqtts
    tls: {{certificateFile: {}, privateKeyFile: {}}}
",
        files.certificate.display(),
        files.key.display(),
    )
}

//! Ours, in one process or as edge and shard.

use std::path::Path;

use super::{Place, Plan};
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
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
    let listeners = listeners(place, plain, tls);
    let wishes = place.wishes;
    let mut admin = None;
    let edge = format!(
        "edge: {{workers: 1, id: bench, shards: ['127.0.0.1:{link}'], linkTokenFile: {}}}\n",
        place.path("token")
    );
    let shard = format!(
        "shard: {{workers: 1, linkAddress: '127.0.0.1:{link}', linkTokenFile: {}}}\n",
        place.path("token")
    );
    let mut config = |parts: &[&str]| -> anyhow::Result<String> {
        let port = place.ports.take()?;
        // edges say what their shards say, too: the last one is asked
        admin = Some(port);
        Ok(format!(
            "{}{}admin: {{address: '127.0.0.1:{port}'}}\nlog: {{level: warn}}\n",
            wishes.admission(),
            parts.concat(),
        ))
    };
    let anyone = wishes.authentication();
    let anyone = anyone.as_str();
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
        admin,
        durability: DURABILITY,
    })
}

fn listeners(place: &Place<'_>, plain: u16, tls: u16) -> String {
    let files = place.tls;
    let client_ca = place.wishes.client_ca.as_ref();
    let client_ca = client_ca.map_or_else(String::new, |file| {
        format!(", clientAuth: Required, clientCaFile: {}", file.display())
    });
    format!(
        "listeners:
  - {{name: mqtt, address: '127.0.0.1:{plain}', protocol: mqtt}}
  - name: mqtts
    address: 127.0.0.1:{tls}
    protocol: mqtts
    tls: {{certificateFile: {}, privateKeyFile: {}{client_ca}}}
",
        files.certificate.display(),
        files.key.display(),
    )
}

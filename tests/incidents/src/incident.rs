//! Incidents: files beside this crate, read and checked.

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::fault::Step;

/// All there are, in the order of the table.
const FILES: [(&str, &str); 11] = [
    ("founding", include_str!("../incidents/founding.yaml")),
    ("backlog", include_str!("../incidents/backlog.yaml")),
    ("stuck", include_str!("../incidents/stuck.yaml")),
    ("auth-down", include_str!("../incidents/auth-down.yaml")),
    ("nat", include_str!("../incidents/nat.yaml")),
    ("snat", include_str!("../incidents/snat.yaml")),
    ("flap", include_str!("../incidents/flap.yaml")),
    ("twice", include_str!("../incidents/twice.yaml")),
    ("hog", include_str!("../incidents/hog.yaml")),
    ("cloud", include_str!("../incidents/cloud.yaml")),
    ("ring", include_str!("../incidents/ring.yaml")),
];

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Incident {
    #[serde(skip)]
    pub(crate) name: String,
    /// What happened, for the table.
    pub(crate) about: String,
    /// How clients prove who they are.
    pub(crate) login: Login,
    /// The fleet, as the swarm reads it; target and identity are filled in.
    pub(crate) swarm: Value,
    /// What goes wrong on the way back, in this order.
    #[serde(default)]
    pub(crate) faults: Vec<Step>,
    /// Of ours with the gate.
    #[serde(default)]
    pub(crate) expect: Expect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Login {
    /// PBKDF2-SHA512 of so many rounds.
    Password { rounds: u32 },
    /// An HTTP backend that answers after so long; a peer without such a thing checks passwords of one round.
    Http { milliseconds: u64 },
    /// Three client certificates, the first expired.
    Certificates,
}

/// The most that is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Expect {
    pub(crate) cpu_over_ideal: Option<f64>,
    pub(crate) time_over_ideal: Option<f64>,
    pub(crate) wasted_handshakes_per_gateway: Option<f64>,
    /// Beside those of a crash in mid-ramp.
    pub(crate) drops: Option<u64>,
    /// max(2 × idle, 20 ms).
    pub(crate) probe_is_unmoved: bool,
}

impl Incident {
    pub(crate) fn gateways(&self) -> u32 {
        let ranges = self.swarm["ranges"].as_array();
        let of = |range: &Value| range["gateways"].as_u64().unwrap_or(1);
        let sum = ranges.map_or(0, |ranges| ranges.iter().map(of).sum::<u64>());
        u32::try_from(sum).unwrap_or(u32::MAX)
    }

    /// The fleet is cut off rather than its broker restarted.
    pub(crate) fn is_cut(&self) -> bool {
        self.swarm["restart"]["cut"] == Value::Bool(true)
    }
}

/// Those of these names; all without any.
pub(crate) fn chosen(names: &[String]) -> anyhow::Result<Vec<Incident>> {
    if let Some(unknown) = names
        .iter()
        .find(|name| FILES.iter().all(|(known, _)| known != name))
    {
        let known: Vec<_> = FILES.iter().map(|(name, _)| *name).collect();
        bail!("failed to find '{unknown}': known are {}", known.join(", "));
    }
    FILES
        .iter()
        .filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name))
        .map(|(name, text)| parse(name, text))
        .collect()
}

fn parse(name: &str, text: &str) -> anyhow::Result<Incident> {
    let incident: Incident =
        serde_saphyr::from_str(text).with_context(|| format!("failed to read {name}.yaml"))?;
    Ok(Incident {
        name: name.to_owned(),
        ..incident
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_an_incident() {
        let all = chosen(&[]).unwrap();
        let sizes: Vec<_> = all.iter().map(Incident::gateways).collect();
        assert_eq!(
            sizes,
            [
                7000, 2000, 7400, 7000, 7000, 7000, 7100, 7000, 7000, 7000, 7000
            ]
        );
        assert!(all[2].is_cut() && !all[0].is_cut());
    }

    #[test]
    fn unknown_names_and_keys_are_told() {
        assert!(
            chosen(&["foundling".into()])
                .unwrap_err()
                .to_string()
                .contains("founding")
        );
        let text = "about: x\nlogin: {password: {rounds: 1}}\nswarm: {}\nsurprise: 1\n";
        let error = format!("{:#}", parse("x", text).unwrap_err());
        assert!(error.contains("surprise"), "{error}");
    }
}

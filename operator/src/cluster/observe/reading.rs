use herdgate_admission::progress::{ClientAddresses, Phase};
use serde::Deserialize;

/// What a pod tells at `/status`. Fields that a later broker leaves out read as nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Reading {
    pub(crate) role: Role,
    pub(crate) mode: String,
    pub(crate) reopening: u64,
    pub(crate) phase: Phase,
    pub(crate) paused: bool,
    pub(crate) stalled: bool,
    pub(crate) level: u32,
    pub(crate) slices: u32,
    pub(crate) entering: u32,
    pub(crate) settling: u32,
    pub(crate) held: u32,
    pub(crate) connected: u32,
    pub(crate) limiting_signal: Option<String>,
    pub(crate) client_addresses: ClientAddresses,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    #[default]
    Edge,
    Shard,
    Standalone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there_and_ignores_what_it_does_not_know() {
        let text = r#"{"role":"shard","mode":"Staged","level":7,"slices":256,"settling":3,"limitingSignal":null,"new":1}"#;
        let reading: Reading = serde_json::from_str(text).unwrap();
        assert_eq!(
            (reading.role, reading.level, reading.settling, reading.held),
            (Role::Shard, 7, 3, 0)
        );
    }
}

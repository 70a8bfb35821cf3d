//! Who plays: the peer, ours without a gate, ours with it.

use clap::ValueEnum;
use herdgate_bench::subject::{Kind, Mode, Topology};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contender {
    /// haproxy and mosquitto.
    Peer,
    /// mosquitto with its own TLS: where haproxy has not enough descriptors.
    Mosquitto,
    Open,
    Staged,
}

impl Contender {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Peer => "haproxy+mosquitto",
            Self::Mosquitto => "mosquitto",
            Self::Open => "Open",
            Self::Staged => "Staged",
        }
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Peer => Kind::Haproxy,
            Self::Mosquitto => Kind::Mosquitto,
            Self::Open | Self::Staged => Kind::Herdgate {
                topology: Topology::Standalone,
                parent: false,
                mode: self.mode(),
            },
        }
    }

    pub(crate) fn mode(self) -> Mode {
        if self == Self::Staged {
            Mode::Staged
        } else {
            Mode::Open
        }
    }

    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Open | Self::Staged)
    }
}

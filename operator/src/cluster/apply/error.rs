use crate::calls::CallError;
use crate::cluster::build::WriteError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error("{kind} '{name}' belongs to somebody else; rename the cluster or delete it")]
    NotOurs { kind: &'static str, name: String },
    #[error("{kind} '{name}' of a deleted cluster by the same name is still there")]
    StillThere { kind: &'static str, name: String },
    #[error("{kind} '{name}' is there, but was not seen yet")]
    NotSeenYet { kind: &'static str, name: String },
    #[error("{kind} '{name}' does not stay as it is written; something else changes it")]
    NotKept { kind: &'static str, name: String },
    #[error("{kind} '{name}' was refused: {source}")]
    Refused {
        kind: &'static str,
        name: String,
        source: CallError,
    },
    #[error("{kind} '{name}': {source}")]
    Call {
        kind: &'static str,
        name: String,
        source: CallError,
    },
    #[error("failed to write {kind} as JSON: {source}")]
    Json {
        kind: &'static str,
        source: serde_json::Error,
    },
    #[error(transparent)]
    Build(#[from] WriteError),
}

impl ApplyError {
    pub(crate) fn category(&self) -> &'static str {
        match self {
            Self::NotOurs { .. } => "not_ours",
            Self::StillThere { .. } => "still_there",
            Self::NotSeenYet { .. } => "not_seen_yet",
            Self::NotKept { .. } => "not_kept",
            Self::Refused { .. } => "refused",
            Self::Call { .. } => "api",
            Self::Json { .. } | Self::Build(_) => "build",
        }
    }

    pub(crate) fn is_permanent(&self) -> bool {
        !matches!(
            self,
            Self::Call { .. }
                | Self::StillThere { .. }
                | Self::NotSeenYet { .. }
                | Self::NotKept { .. }
        )
    }

    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::NotOurs { .. } => "NameTaken",
            Self::StillThere { .. } => "WaitingForDeletion",
            Self::NotSeenYet { .. } => "WaitingForCaches",
            Self::NotKept { .. } => "ChildNotKept",
            Self::Refused { .. } => "ChildRefused",
            Self::Call { .. } => "ApiUnavailable",
            Self::Json { .. } | Self::Build(_) => "BuildFailed",
        }
    }
}

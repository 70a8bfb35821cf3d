//! One `MqttCluster`: read, think, write, look, tell.
//!
//! The order of a pass: dereference (reads) → validate (pure) → build (pure) → apply → prune → observe → status.

mod apply;
mod build;
mod caches;
mod context;
mod dereference;
mod error;
mod failing;
mod hash;
mod memory;
mod names;
mod observe;
mod pods;
mod quantity;
mod reconcile;
mod reopening;
mod status;
mod tell;
mod validate;
mod work;

pub(crate) use caches::Caches;
pub(crate) use context::{Context, Scope};
pub(crate) use reconcile::{on_error, reconcile};

/// Label by which children and pods are watched.
pub(crate) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "herdgate-operator");
/// Label of children and pods: the cluster they belong to.
pub(crate) const CLUSTER_LABEL: &str = "herdgate.io/cluster";

//! Names of conditions. They are part of the API: scripts wait for them.

/// Every part of the cluster runs and serves.
pub const READY: &str = "Ready";
/// Work towards the wanted state goes on (abnormal when true, as kstatus wants it).
pub const RECONCILING: &str = "Reconciling";
/// Nothing will move until somebody changes something (abnormal when true).
pub const STALLED: &str = "Stalled";
/// Children carry the wanted settings and their pods run with them.
pub const CONFIG_APPLIED: &str = "ConfigApplied";
/// All slices are open.
pub const ADMISSION_OPEN: &str = "AdmissionOpen";

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
/// Edges see the addresses of clients, not those of a balancer in front of them.
pub const CLIENT_ADDRESS_TRUSTED: &str = "ClientAddressTrusted";
/// Of a Reopening: it is over, and this is its whole record.
pub const COMPLETE: &str = "Complete";

//! When clients' addresses are not taken for their own.

/// What a census of authenticated clients must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustTuning {
    /// Clients. Fewer tell nothing: a laboratory behind one router is no fleet.
    pub enough_clients: u32,
    /// Addresses. A balancer connects from so many at most; more distinct peers are clients or carriers.
    pub few_peers: u32,
    /// Percent of the clients, nearly all: when so many come from a few peers or from within, none is trusted,
    pub distrust_percent: u32,
    /// and all are again when less than this do, which is no more than the other; the gap keeps it from changing with
    /// every census.
    pub trust_again_percent: u32,
}

impl Default for TrustTuning {
    fn default() -> Self {
        Self {
            enough_clients: 256,
            few_peers: 64,
            distrust_percent: 95,
            trust_again_percent: 80,
        }
    }
}

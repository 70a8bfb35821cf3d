//! Addresses that pass the gate whatever the level: integrations, probes, operators.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::addresses::AddressMap;

/// `alwaysAllow`: its addresses are never held, but counted.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    addresses: AddressMap,
}

impl AllowList {
    pub fn new(nets: &[IpNet]) -> Self {
        // One owner cannot overlap with another, so there is nothing to refuse.
        Self {
            addresses: AddressMap::new(std::iter::once(nets)).unwrap_or_default(),
        }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        self.addresses.owner(address).is_some()
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_what_it_lists() {
        let list = AllowList::new(&[
            "127.0.0.0/8".parse().unwrap(),
            "127.1.0.0/16".parse().unwrap(),
        ]);
        assert!(list.contains("127.1.2.3".parse().unwrap()));
        assert!(list.contains("::ffff:127.9.9.9".parse().unwrap()));
        assert!(!list.contains("128.0.0.1".parse().unwrap()));
        assert!(!AllowList::default().contains("127.0.0.1".parse().unwrap()));
    }
}

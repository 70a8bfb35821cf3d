//! Who it is that comes, and whether it may wait at the door.

use std::net::IpAddr;
use std::time::Duration;

use herdgate_admission::edge::EdgeView;
use herdgate_admission::hold::NO_SLICE;
use herdgate_admission::last_class::Comer;
use herdgate_admission::slicing::Where;

use super::{Gate, Waiting, Who};
use crate::edge::shared::Shared;

impl Gate {
    /// Who it is that comes from this address; `None`: it passes whatever it did, or the client id tells.
    pub(in crate::edge) fn comer(&self, shared: &Shared, address: IpAddr) -> Option<Comer> {
        let view = self.view.borrow();
        let counts = !view.holds_nobody() && !shared.always_allow.contains(address);
        let slice = counts.then(|| view.table.slice_of(address).slice());
        slice.flatten().map(|_| Comer::Address(address))
    }

    pub(in crate::edge) fn comer_of_client(&self, client_id: &str) -> Option<Comer> {
        let counts = !self.view.borrow().holds_nobody();
        counts.then(|| Comer::client(client_id))
    }

    /// Whether the address is one client's, as far as anybody knows, and may be kept out.
    pub(in crate::edge) fn tells(&self, address: IpAddr) -> bool {
        let view = self.view.borrow();
        !view.holds_nobody() && view.table.slice_of(address).slice().is_some()
    }

    /// Whether whoever waits for this shard gives its place back, after having waited for [`Gate::aim`].
    pub(in crate::edge) fn is_late(&self, shard: u32) -> bool {
        self.view.borrow().is_late(shard)
    }
}

/// An address that does not tell any more waits until its time is up; then its client comes again and is asked.
pub(super) fn slice_of(waiting: Option<&Waiting>, view: &EdgeView, now: Duration) -> u32 {
    let slice = match waiting.map(|waiting| &waiting.who) {
        Some(Who::Address(address)) => slice_of_address(view, *address, now).slice(),
        Some(Who::Client(id)) => Some(view.table.slice_of_client(id)),
        None => None,
    };
    slice.unwrap_or(NO_SLICE)
}

/// None that opens, for an address whose client waited in vain for a shard that is not well yet.
pub(super) fn slice_of_address(view: &EdgeView, address: IpAddr, now: Duration) -> Where {
    if view.keeps_out(address, now) {
        Where::Slice(NO_SLICE)
    } else {
        view.table.slice_of(address)
    }
}

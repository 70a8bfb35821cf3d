//! Letting in and resetting whoever is due, as views, places and time go by.

use herdgate_admission::edge::EdgeView;
use herdgate_admission::hold::{Hold, SWEEP_EVERY};
use tokio::sync::watch;
use tokio::time::sleep;

use super::comers::slice_of;
use super::{Gate, SocketId};
use crate::edge::shared::Shared;

impl Gate {
    /// Lets in and resets whoever is due, as views, places and time go by. Runs as long as the worker.
    pub(in crate::edge) async fn run(&self, shared: &Shared, mut views: watch::Receiver<EdgeView>) {
        loop {
            self.adopt(&views.borrow_and_update().clone());
            self.sweep(shared);
            let anybody_waits = !self.waiting.borrow().is_empty();
            tokio::select! {
                changed = views.changed() => if changed.is_err() { return },
                () = self.given_back.notified() => {}
                () = sleep(SWEEP_EVERY), if anybody_waits => {}
            }
        }
    }

    fn adopt(&self, new: &EdgeView) {
        let mut view = self.view.borrow_mut();
        let same = view.reopening == new.reopening
            && view.table.table_hash() == new.table.table_hash()
            && view.loosened == new.loosened;
        let now = self.clock.now();
        for hold in [&self.hold, &self.clients] {
            let mut hold = hold.borrow_mut();
            if same {
                hold.open_to(new.level);
            } else {
                let waiting = self.waiting.borrow();
                hold.recut(new.level, |id| slice_of(waiting.get(&id), new, now));
            }
            hold.set_patience(new.patience);
        }
        *view = new.clone();
    }

    fn sweep(&self, shared: &Shared) {
        // In turn, so that neither keeps the places from the other.
        let clients_first = !self.clients_first.replace(!self.clients_first.get());
        let both = [&self.hold, &self.clients];
        for hold in if clients_first {
            [both[1], both[0]]
        } else {
            both
        } {
            self.sweep_one(shared, &mut hold.borrow_mut());
        }
    }

    fn sweep_one(&self, shared: &Shared, hold: &mut Hold<SocketId>) {
        let now = self.clock.now();
        let usual = self.view.borrow().usual_time_to_connack;
        let mut waiting = self.waiting.borrow_mut();
        for id in hold.expire(usual, now) {
            // Dropping the sender tells the socket's task.
            waiting.remove(&id);
        }
        for (id, place) in hold.promote(&shared.places, usual, now) {
            if let Some(held) = waiting.remove(&id) {
                // A task that has ended meanwhile gives the place back by not taking it.
                let _ = held.promoted.send(place);
            }
        }
    }
}

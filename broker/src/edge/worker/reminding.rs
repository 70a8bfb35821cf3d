//! What happens at a worker's connections when their time has come.

use std::rc::Rc;

use tokio::time::{MissedTickBehavior, interval};

use super::Worker;
use crate::edge::keepalive::GRAIN;

impl Worker {
    pub(super) async fn watch_keep_alives(self: Rc<Self>) {
        let mut ticks = interval(GRAIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let now = self.clock.now();
            let reminded = self.alarms.borrow_mut().due(now);
            for stream in reminded {
                if let Some(conn) = self.conns.borrow().get(&stream) {
                    conn.remind();
                }
            }
            let due = self.wheel.borrow_mut().due(now);
            for stream in due {
                let conn = self.conns.borrow().get(&stream).cloned();
                let Some((conn, deadline)) =
                    conn.and_then(|conn| conn.deadline().map(|at| (conn, at)))
                else {
                    continue;
                };
                if deadline <= now {
                    conn.look_for_life();
                }
                self.wheel
                    .borrow_mut()
                    .insert(stream, deadline.max(now + 4 * GRAIN));
            }
        }
    }
}

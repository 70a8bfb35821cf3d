//! The task of one gateway: does what its state machine says.

use std::rc::Rc;

use bytes::BytesMut;

use super::{Shared, connection};
use crate::dial::{Source, Voice};
use crate::gateway::{Action, Event, Gateway, Milestone};

/// One gateway with its connection to the fleet.
pub(super) struct Agent {
    pub(super) shared: Rc<Shared>,
    pub(super) voice: Voice,
    pub(super) source: Source,
    /// Bytes that are still to be written; empty and without memory when the gateway is idle.
    pub(super) outbox: BytesMut,
    /// Bytes may still lie in TLS's own buffer.
    pub(super) unflushed: bool,
    /// The connection is to be closed.
    pub(super) hung_up: bool,
    gateway: Gateway,
    number: u32,
    /// The certificate to dial with next.
    dial: Option<u8>,
    /// Holds one of the bring-up's places until it is back for the first time.
    holds_place: bool,
}

impl Agent {
    pub(super) fn new(shared: Rc<Shared>, number: u32, range: u16, index: u32) -> Self {
        let scenario = Rc::clone(&shared.scenario);
        let described = &scenario.ranges[usize::from(range)];
        let source = Source::new(described.source(index), scenario.target.proxy);
        let gateway = Gateway::parked(number, described.flaps_after);
        Self {
            voice: Voice::new(scenario, number, range),
            shared,
            source,
            outbox: BytesMut::new(),
            unflushed: false,
            hung_up: false,
            gateway,
            number,
            dial: None,
            holds_place: true,
        }
    }

    pub(super) async fn live(mut self) {
        match self.shared.places.acquire().await {
            Ok(place) => place.forget(),
            Err(_) => return, // the fleet is gone
        }
        self.react(Event::Call);
        loop {
            if let Some(certificate) = self.dial.take() {
                connection::run(&mut self, certificate).await;
                self.outbox = BytesMut::new();
                self.unflushed = false;
            } else {
                tokio::time::sleep(self.until_due()).await;
                self.react(Event::Due);
            }
        }
    }

    /// How long until the gateway wants `Event::Due`.
    pub(super) fn until_due(&self) -> std::time::Duration {
        /// A gateway without a deadline is looked at once in a while.
        const IDLE: std::time::Duration = std::time::Duration::from_hours(1);
        let deadline = self.gateway.deadline(&self.shared.scenario.habits);
        deadline.map_or(IDLE, |at| at.saturating_sub(self.shared.now()))
    }

    /// Tells the gateway and does what it wants, but for dialling and closing, which are noted.
    pub(super) fn react(&mut self, event: Event) {
        let now = self.shared.now();
        let mut actions = Vec::new();
        self.gateway
            .handle(now, event, &self.shared.scenario.habits, &mut actions);
        for action in actions {
            match action {
                Action::Mark(milestone) => self.mark(now, milestone),
                Action::HangUp => self.hung_up = true,
                Action::Dial { certificate } => self.dial = Some(certificate),
                Action::Send(say) => {
                    // a scenario's topics and names always fit; a packet that does not is never answered and times out
                    if let Err(error) = self.voice.say(say, &mut self.outbox) {
                        tracing::error!(%error, gateway = self.number, "cannot encode a packet");
                    }
                }
            }
        }
    }

    fn mark(&mut self, now: std::time::Duration, milestone: Milestone) {
        self.shared
            .tally
            .borrow_mut()
            .mark(now, self.number, milestone);
        // who never settles is no longer on its way once it was in
        let arrived = matches!(milestone, Milestone::Back | Milestone::Flapped);
        if arrived && std::mem::take(&mut self.holds_place) {
            self.shared.places.add_permits(1);
        }
    }
}

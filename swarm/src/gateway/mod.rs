//! One gateway as they are in the field: no sockets and no clock, events in and actions out.
//!
//! It dials, says CONNECT, sends one SUBSCRIBE per topic and waits for each SUBACK, publishes one message to a topic
//! of its own and waits until it comes back. Only then it is *back*. Whatever fails, it starts again from the dial.

mod dice;
mod events;
mod habits;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use events::{Action, Event, Failure, Heard, Loss, Milestone, Say, Stage};
pub(crate) use habits::{Habits, Telemetry};

use dice::Dice;

/// Where a gateway is on its way; times are since the swarm's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not connected; `until` is when it dials, `None` while it waits to be called.
    Away {
        until: Option<Duration>,
    },
    /// From `connect()` to the CONNACK: one patience covers TCP, TLS and the answer to CONNECT.
    Dialing {
        since: Duration,
        greeted: bool,
    },
    /// Waiting for the SUBACK of topic `next`.
    Subscribing {
        next: u16,
        since: Duration,
    },
    /// Waiting for its own message.
    Proving {
        since: Duration,
    },
    Settled(Settled),
}

/// Back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Settled {
    last_sent: Duration,
    /// When the unanswered PINGREQ went out.
    ping_sent: Option<Duration>,
    telemetry_due: Option<Duration>,
}

impl Settled {
    /// When it looks after its connection.
    fn check_due(&self, habits: &Habits) -> Option<Duration> {
        match self.ping_sent {
            Some(sent) => Some(sent + habits.step_timeout),
            None => habits.keep_alive.map(|every| self.last_sent + every),
        }
    }
}

/// The state of one gateway between two events.
#[derive(Debug)]
pub(crate) struct Gateway {
    phase: Phase,
    certificate: u8,
    packet_id: u16,
    /// Packet id of its own message.
    own_id: u16,
    mark: u64,
    /// Never settles: hangs up after so many SUBACKs.
    flaps_after: Option<u16>,
    dice: Dice,
}

impl Gateway {
    /// Not called yet; `seed` makes its choices its own.
    pub(crate) fn parked(seed: u32, flaps_after: Option<u16>) -> Self {
        Self {
            phase: Phase::Away { until: None },
            certificate: 0,
            packet_id: 0,
            own_id: 0,
            mark: 0,
            flaps_after,
            dice: Dice::new(seed),
        }
    }

    /// When the gateway next wants [`Event::Due`]; `None` while it waits to be called.
    pub(crate) fn deadline(&self, habits: &Habits) -> Option<Duration> {
        match self.phase {
            Phase::Away { until } => until,
            Phase::Dialing { since, .. } => Some(since + habits.patience),
            Phase::Subscribing { since, .. } | Phase::Proving { since } => {
                Some(since + habits.step_timeout)
            }
            Phase::Settled(settled) => [settled.check_due(habits), settled.telemetry_due]
                .into_iter()
                .flatten()
                .min(),
        }
    }

    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Settled(_))
    }

    /// Takes one event and appends what is to be done, in order.
    pub(crate) fn handle(
        &mut self,
        now: Duration,
        event: Event,
        habits: &Habits,
        actions: &mut Vec<Action>,
    ) {
        match event {
            Event::Call => self.dial(now, actions),
            Event::Due => self.due(now, habits, actions),
            Event::TcpUp => actions.push(Action::Mark(Milestone::TcpUp)),
            Event::Secured => actions.push(Action::Mark(Milestone::Handshake {
                certificate: self.certificate,
            })),
            Event::Confirmed => actions.push(Action::Mark(Milestone::HandshakeConfirmed)),
            Event::Ready => self.greet(actions),
            Event::Heard(heard) => self.hear(now, heard, habits, actions),
            Event::Lost(loss) => self.lost(now, loss, habits, actions),
        }
    }

    fn dial(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if !matches!(self.phase, Phase::Away { .. }) {
            return;
        }
        self.phase = Phase::Dialing {
            since: now,
            greeted: false,
        };
        actions.push(Action::Mark(Milestone::Attempt {
            certificate: self.certificate,
        }));
        actions.push(Action::Dial {
            certificate: self.certificate,
        });
    }

    fn greet(&mut self, actions: &mut Vec<Action>) {
        if let Phase::Dialing { greeted, .. } = &mut self.phase {
            *greeted = true;
            actions.push(Action::Send(Say::Connect));
        }
    }

    fn due(&mut self, now: Duration, habits: &Habits, actions: &mut Vec<Action>) {
        if self.deadline(habits).is_none_or(|at| now < at) {
            return;
        }
        let stage = match self.phase {
            Phase::Away { .. } => return self.dial(now, actions),
            Phase::Settled(settled) if settled.check_due(habits).is_none_or(|at| now < at) => {
                return self.tell(now, settled, habits, actions);
            }
            Phase::Settled(settled) if settled.ping_sent.is_none() => {
                self.phase = Phase::Settled(Settled {
                    last_sent: now,
                    ping_sent: Some(now),
                    ..settled
                });
                return actions.push(Action::Send(Say::Ping));
            }
            Phase::Dialing { greeted: false, .. } => Stage::Dial,
            Phase::Dialing { greeted: true, .. } => Stage::ConnAck,
            Phase::Subscribing { .. } => Stage::SubAck,
            Phase::Proving { .. } => Stage::OwnMessage,
            Phase::Settled(_) => Stage::Pong,
        };
        self.give_up(now, Failure::Timeout(stage), habits, actions);
    }

    /// Telemetry goes out, and the next is due an interval later.
    fn tell(
        &mut self,
        now: Duration,
        settled: Settled,
        habits: &Habits,
        actions: &mut Vec<Action>,
    ) {
        let Some(telemetry) = habits.telemetry else {
            return;
        };
        let id = telemetry.acknowledged.then(|| self.next_id());
        self.phase = Phase::Settled(Settled {
            last_sent: now,
            telemetry_due: Some(now + telemetry.every),
            ..settled
        });
        actions.push(Action::Send(Say::Telemetry { id }));
        actions.push(Action::Mark(Milestone::TelemetrySent));
    }

    fn next_id(&mut self) -> u16 {
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        self.packet_id
    }

    fn hear(&mut self, now: Duration, heard: Heard, habits: &Habits, actions: &mut Vec<Action>) {
        match (self.phase, heard) {
            (Phase::Away { .. }, _) => {}
            (_, Heard::Disconnect) => self.give_up(now, Failure::Closed, habits, actions),
            (Phase::Dialing { greeted: true, .. }, Heard::ConnAck { code: 0 }) => {
                actions.push(Action::Mark(Milestone::ConnAck));
                self.subscribe(now, 0, habits, actions);
            }
            (Phase::Dialing { greeted: true, .. }, Heard::ConnAck { code }) => {
                self.denied(now, code, habits, actions);
            }
            (Phase::Subscribing { next, .. }, Heard::SubAck { id, granted })
                if id == self.packet_id =>
            {
                if granted {
                    self.subscribe(now, next + 1, habits, actions);
                } else {
                    self.give_up(now, Failure::SubscribeRefused, habits, actions);
                }
            }
            (Phase::Dialing { .. }, _) => self.give_up(now, Failure::Protocol, habits, actions),
            (_, Heard::Message { id, mark }) => self.message(now, id, mark, habits, actions),
            (Phase::Settled(settled), Heard::Pong) => {
                self.phase = Phase::Settled(Settled {
                    ping_sent: None,
                    ..settled
                });
            }
            (Phase::Settled(_), Heard::PubAck { id }) if id != self.own_id => {
                actions.push(Action::Mark(Milestone::TelemetryAcknowledged));
            }
            _ => {}
        }
    }

    /// Asks for topic `next`, or proves itself once all topics are granted.
    fn subscribe(&mut self, now: Duration, next: u16, habits: &Habits, actions: &mut Vec<Action>) {
        if self.flaps_after.is_some_and(|after| next >= after) {
            return self.flap(now, habits, actions);
        }
        let id = self.next_id();
        if next < habits.topics {
            self.phase = Phase::Subscribing { next, since: now };
            actions.push(Action::Send(Say::Subscribe { id, topic: next }));
        } else {
            self.mark += 1;
            self.own_id = id;
            self.phase = Phase::Proving { since: now };
            actions.push(Action::Send(Say::Publish {
                id,
                mark: self.mark,
            }));
        }
    }

    fn message(
        &mut self,
        now: Duration,
        id: Option<u16>,
        mark: Option<u64>,
        habits: &Habits,
        actions: &mut Vec<Action>,
    ) {
        if let Some(id) = id {
            actions.push(Action::Send(Say::PubAck { id }));
        }
        if mark.is_none() {
            actions.push(Action::Mark(Milestone::Message));
        }
        if matches!(self.phase, Phase::Proving { .. }) && mark == Some(self.mark) {
            let dice = &mut self.dice;
            let first = habits
                .telemetry
                .map(|telemetry| now + dice.part_of(telemetry.every));
            self.phase = Phase::Settled(Settled {
                last_sent: now,
                ping_sent: None,
                telemetry_due: first,
            });
            self.certificate = 0;
            actions.push(Action::Mark(Milestone::Back));
        }
    }

    /// A CONNACK that says no: another certificate may be the answer.
    fn denied(&mut self, now: Duration, code: u8, habits: &Habits, actions: &mut Vec<Action>) {
        if busy(code) {
            return self.give_up(now, Failure::Denied(code), habits, actions);
        }
        actions.push(Action::Mark(Milestone::Failed(Failure::Denied(code))));
        actions.push(Action::HangUp);
        self.next_certificate(now, habits, actions);
    }

    fn lost(&mut self, now: Duration, loss: Loss, habits: &Habits, actions: &mut Vec<Action>) {
        let failure = match (self.phase, loss) {
            (Phase::Away { .. }, _) => return,
            (_, Loss::Refused) => Failure::Refused,
            (_, Loss::BeforeTls) => Failure::ResetBeforeTls,
            (_, Loss::Distrusted) => Failure::Distrusted,
            (_, Loss::Garbled) => Failure::Protocol,
            (_, Loss::Cut) => Failure::Cut,
            (Phase::Dialing { .. }, Loss::Alert) => {
                actions.push(Action::Mark(Milestone::Failed(Failure::Alert)));
                actions.push(Action::HangUp);
                return self.next_certificate(now, habits, actions);
            }
            (_, Loss::Alert | Loss::Closed) => Failure::Closed,
        };
        self.give_up(now, failure, habits, actions);
    }

    /// The next certificate is tried at once; after the last one the gateway waits and starts with its first.
    fn next_certificate(&mut self, now: Duration, habits: &Habits, actions: &mut Vec<Action>) {
        self.phase = Phase::Away { until: Some(now) };
        if self.certificate + 1 < habits.certificates {
            self.certificate += 1;
            self.dial(now, actions);
        } else {
            self.certificate = 0;
            self.away(now, habits);
        }
    }

    /// Hangs up as soon as it is in, and comes again.
    fn flap(&mut self, now: Duration, habits: &Habits, actions: &mut Vec<Action>) {
        actions.push(Action::Mark(Milestone::Flapped));
        actions.push(Action::HangUp);
        self.away(now, habits);
    }

    fn away(&mut self, now: Duration, habits: &Habits) {
        let wait = habits.retry + self.dice.part_of(habits.retry_jitter);
        self.phase = Phase::Away {
            until: Some(now + wait),
        };
    }

    fn give_up(
        &mut self,
        now: Duration,
        failure: Failure,
        habits: &Habits,
        actions: &mut Vec<Action>,
    ) {
        actions.push(Action::Mark(if self.is_settled() {
            Milestone::Dropped(failure)
        } else {
            Milestone::Failed(failure)
        }));
        actions.push(Action::HangUp);
        self.away(now, habits);
    }
}

/// A CONNACK code that asks to come again later: 3.1.1 *server unavailable*; MQTT 5 *server unavailable*, *server
/// busy*, *quota exceeded* and *connection rate exceeded*.
const fn busy(code: u8) -> bool {
    matches!(code, 0x03 | 0x88 | 0x89 | 0x97 | 0x9F)
}

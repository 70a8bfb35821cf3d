use super::*;

const SECOND: Duration = Duration::from_secs(1);

const ACCEPTED: Event = Event::Heard(Heard::ConnAck { code: 0 });

fn suback(id: u16) -> Event {
    Event::Heard(Heard::SubAck { id, granted: true })
}

fn message(id: Option<u16>, mark: Option<u64>) -> Event {
    Event::Heard(Heard::Message { id, mark })
}

struct Bench {
    gateway: Gateway,
    habits: Habits,
}

impl Bench {
    fn new(topics: u16, certificates: u8) -> Self {
        Self {
            gateway: Gateway::parked(0, None),
            habits: Habits {
                certificates,
                topics,
                ..Habits::default()
            },
        }
    }

    fn at(&mut self, seconds: f64, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.gateway.handle(
            Duration::from_secs_f64(seconds),
            event,
            &self.habits,
            &mut actions,
        );
        actions
    }

    fn deadline(&self) -> Option<Duration> {
        self.gateway.deadline(&self.habits)
    }

    /// Brings the gateway back at the given time.
    fn settle(&mut self, seconds: f64) {
        self.at(seconds, Event::Call);
        self.at(seconds, Event::Ready);
        self.at(seconds, ACCEPTED);
        for _ in 0..self.habits.topics {
            let id = self.gateway.packet_id;
            self.at(seconds, suback(id));
        }
        let mark = Some(self.gateway.mark);
        self.at(seconds, message(None, mark));
        assert!(self.gateway.is_settled());
    }
}

#[test]
fn a_gateway_is_back_after_every_suback_and_its_own_message() {
    let mut bench = Bench::new(2, 0);
    assert_eq!(
        bench.deadline(),
        None,
        "a parked gateway waits to be called"
    );
    assert_eq!(
        bench.at(1.0, Event::Call),
        [
            Action::Mark(Milestone::Attempt { certificate: 0 }),
            Action::Dial { certificate: 0 }
        ]
    );
    bench.at(1.1, Event::TcpUp);
    bench.at(1.2, Event::Secured);
    assert_eq!(bench.at(1.2, Event::Ready), [Action::Send(Say::Connect)]);
    assert_eq!(
        bench.deadline(),
        Some(6 * SECOND),
        "patience counts from connect()"
    );
    assert_eq!(
        bench.at(2.0, ACCEPTED),
        [
            Action::Mark(Milestone::ConnAck),
            Action::Send(Say::Subscribe { id: 1, topic: 0 })
        ]
    );
    assert_eq!(
        bench.at(2.1, suback(1)),
        [Action::Send(Say::Subscribe { id: 2, topic: 1 })]
    );
    assert_eq!(
        bench.at(2.2, suback(2)),
        [Action::Send(Say::Publish { id: 3, mark: 1 })]
    );
    assert_eq!(
        bench.at(2.3, message(Some(9), Some(1))),
        [
            Action::Send(Say::PubAck { id: 9 }),
            Action::Mark(Milestone::Back)
        ]
    );
    assert!(bench.gateway.is_settled());
}

#[test]
fn somebody_elses_message_and_a_wrong_suback_prove_nothing() {
    let mut bench = Bench::new(1, 0);
    bench.at(0.0, Event::Call);
    bench.at(0.0, Event::Ready);
    bench.at(0.0, ACCEPTED);
    assert_eq!(bench.at(0.1, suback(7)), []);
    bench.at(0.1, suback(1));
    assert_eq!(
        bench.at(0.2, message(Some(4), None)),
        [
            Action::Send(Say::PubAck { id: 4 }),
            Action::Mark(Milestone::Message)
        ]
    );
    assert_eq!(bench.at(0.2, message(None, Some(99))), []);
    assert!(!bench.gateway.is_settled());
}

#[test]
fn an_alert_tries_the_next_certificate_at_once_and_the_last_one_waits() {
    let mut bench = Bench::new(1, 3);
    bench.at(0.0, Event::Call);
    for certificate in 1..3 {
        assert_eq!(
            bench.at(0.1, Event::Lost(Loss::Alert)),
            [
                Action::Mark(Milestone::Failed(Failure::Alert)),
                Action::HangUp,
                Action::Mark(Milestone::Attempt { certificate }),
                Action::Dial { certificate }
            ]
        );
    }
    bench.at(0.3, Event::Lost(Loss::Alert));
    assert_eq!(bench.deadline(), Some(Duration::from_millis(1300)));
    assert_eq!(
        bench.at(1.3, Event::Due)[1],
        Action::Dial { certificate: 0 }
    );
}

#[test]
fn a_denied_connack_tries_the_next_certificate() {
    let mut bench = Bench::new(1, 2);
    bench.at(0.0, Event::Call);
    bench.at(0.0, Event::Ready);
    let actions = bench.at(0.1, Event::Heard(Heard::ConnAck { code: 5 }));
    assert_eq!(actions.last(), Some(&Action::Dial { certificate: 1 }));
}

#[test]
fn a_busy_server_is_not_the_certificates_fault() {
    let mut bench = Bench::new(1, 2);
    bench.at(0.0, Event::Call);
    bench.at(0.0, Event::Ready);
    bench.at(0.5, Event::Heard(Heard::ConnAck { code: 3 }));
    assert_eq!(
        bench.at(1.5, Event::Due)[1],
        Action::Dial { certificate: 0 }
    );
}

#[test]
fn a_reset_before_tls_keeps_the_certificate_and_waits_for_the_retry() {
    let mut bench = Bench::new(1, 3);
    bench.at(0.0, Event::Call);
    bench.at(0.1, Event::Lost(Loss::Alert));
    bench.at(0.2, Event::TcpUp);
    assert_eq!(
        bench.at(0.5, Event::Lost(Loss::BeforeTls)),
        [
            Action::Mark(Milestone::Failed(Failure::ResetBeforeTls)),
            Action::HangUp
        ]
    );
    assert_eq!(bench.at(1.0, Event::Due), [], "not before its time");
    assert_eq!(
        bench.at(1.5, Event::Due)[1],
        Action::Dial { certificate: 1 }
    );
}

#[test]
fn patience_ends_each_step_and_names_it() {
    let mut bench = Bench::new(1, 0);
    bench.at(0.0, Event::Call);
    let timeout = |stage| Action::Mark(Milestone::Failed(Failure::Timeout(stage)));
    assert_eq!(bench.at(5.0, Event::Due)[0], timeout(Stage::Dial));
    bench.at(6.0, Event::Due);
    bench.at(6.0, Event::Ready);
    assert_eq!(bench.at(11.0, Event::Due)[0], timeout(Stage::ConnAck));
    bench.at(12.0, Event::Due);
    bench.at(12.0, Event::Ready);
    bench.at(13.0, ACCEPTED);
    assert_eq!(bench.at(17.9, Event::Due), []);
    assert_eq!(bench.at(18.0, Event::Due)[0], timeout(Stage::SubAck));
    bench.at(19.0, Event::Due);
    bench.at(19.0, Event::Ready);
    bench.at(19.0, ACCEPTED);
    let id = bench.gateway.packet_id;
    bench.at(20.0, suback(id));
    assert_eq!(bench.at(25.0, Event::Due)[0], timeout(Stage::OwnMessage));
}

#[test]
fn a_settled_gateway_pings_and_notices_silence() {
    let mut bench = Bench::new(1, 0);
    bench.settle(0.0);
    assert_eq!(bench.deadline(), Some(30 * SECOND));
    assert_eq!(bench.at(30.0, Event::Due), [Action::Send(Say::Ping)]);
    bench.at(30.1, Event::Heard(Heard::Pong));
    assert_eq!(bench.deadline(), Some(60 * SECOND));
    bench.at(60.0, Event::Due);
    assert_eq!(
        bench.at(65.0, Event::Due),
        [
            Action::Mark(Milestone::Dropped(Failure::Timeout(Stage::Pong))),
            Action::HangUp
        ]
    );
    assert_eq!(bench.deadline(), Some(66 * SECOND));
}

#[test]
fn a_drop_is_counted_once_and_starts_the_retry() {
    let mut bench = Bench::new(1, 3);
    bench.settle(0.0);
    assert_eq!(
        bench.at(10.0, Event::Lost(Loss::Closed)),
        [
            Action::Mark(Milestone::Dropped(Failure::Closed)),
            Action::HangUp
        ]
    );
    assert_eq!(bench.at(10.1, Event::Lost(Loss::Closed)), []);
    assert_eq!(bench.deadline(), Some(11 * SECOND));
}

#[test]
fn no_keep_alive_never_pings() {
    let mut bench = Bench::new(1, 0);
    bench.habits.keep_alive = None;
    bench.settle(0.0);
    assert_eq!(bench.deadline(), None);
}

#[test]
fn a_second_proof_needs_a_new_message() {
    let mut bench = Bench::new(1, 0);
    bench.settle(0.0);
    bench.at(1.0, Event::Lost(Loss::Closed));
    bench.at(2.0, Event::Due);
    bench.at(2.0, Event::Ready);
    bench.at(2.0, ACCEPTED);
    let id = bench.gateway.packet_id;
    bench.at(2.0, suback(id));
    bench.at(2.0, message(None, Some(1)));
    assert!(
        !bench.gateway.is_settled(),
        "a message of the time before is not proof"
    );
    bench.at(2.0, message(None, Some(2)));
    assert!(bench.gateway.is_settled());
}

#[test]
fn telemetry_comes_at_its_interval_and_counts_as_a_sign_of_life() {
    let mut bench = Bench::new(1, 0);
    bench.habits.telemetry = Some(Telemetry {
        every: 10 * SECOND,
        acknowledged: true,
    });
    bench.settle(100.0);
    let first = bench.deadline().unwrap();
    assert!((100 * SECOND..=110 * SECOND).contains(&first), "{first:?}");
    let actions = bench.at(first.as_secs_f64(), Event::Due);
    let [
        Action::Send(Say::Telemetry { id: Some(id) }),
        Action::Mark(Milestone::TelemetrySent),
    ] = actions[..]
    else {
        panic!("no telemetry: {actions:?}");
    };
    assert_eq!(bench.deadline(), Some(first + 10 * SECOND));
    let later = first.as_secs_f64() + 1.0;
    assert_eq!(
        bench.at(later, Event::Heard(Heard::PubAck { id })),
        [Action::Mark(Milestone::TelemetryAcknowledged)]
    );
    let own = bench.gateway.own_id;
    assert_eq!(
        bench.at(later, Event::Heard(Heard::PubAck { id: own })),
        [],
        "its own message is no telemetry"
    );
}

#[test]
fn a_flapping_gateway_hangs_up_after_its_subacks_and_comes_again() {
    let mut bench = Bench::new(5, 0);
    bench.gateway = Gateway::parked(0, Some(1));
    bench.at(0.0, Event::Call);
    bench.at(0.0, Event::Ready);
    bench.at(0.1, ACCEPTED);
    assert_eq!(
        bench.at(0.2, suback(1)),
        [Action::Mark(Milestone::Flapped), Action::HangUp]
    );
    assert_eq!(bench.deadline(), Some(Duration::from_millis(1200)));
}

#[test]
fn jitter_comes_on_top_of_the_retry() {
    let mut bench = Bench::new(1, 0);
    bench.habits.retry_jitter = 4 * SECOND;
    bench.at(0.0, Event::Call);
    bench.at(0.0, Event::Lost(Loss::Refused));
    let until = bench.deadline().unwrap();
    assert!(until > SECOND && until <= 5 * SECOND, "{until:?}");
}

#[test]
fn a_cut_is_a_drop_like_any_other() {
    let mut bench = Bench::new(1, 0);
    bench.settle(0.0);
    assert_eq!(
        bench.at(9.0, Event::Lost(Loss::Cut))[0],
        Action::Mark(Milestone::Dropped(Failure::Cut))
    );
}

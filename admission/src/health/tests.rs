use super::*;

fn of(samples: u64, millis: u64) -> Signal {
    let mut signal = Signal::default();
    (0..samples).for_each(|_| signal.times.record(Duration::from_millis(millis)));
    signal
}

fn queue(millis: u64) -> Window {
    Window {
        queue_wait: of(ENOUGH_TIMES, millis),
        ..Window::default()
    }
}

fn verdicts(windows: impl IntoIterator<Item = Window>) -> Vec<Verdict> {
    let mut judge = HealthJudge::default();
    windows
        .into_iter()
        .map(|window| judge.judge(&window))
        .collect()
}

#[test]
fn two_windows_in_a_row_make_it_bad_and_three_good_ones_end_it() {
    use Verdict::{Bad, Good};
    let waits = [30, 10, 30, 30, 10, 10, 30, 10, 10, 10, 30];
    let expected = [Good, Good, Good, Bad, Bad, Bad, Bad, Bad, Bad, Good, Good];
    assert_eq!(verdicts(waits.map(queue)), expected);
}

#[test]
fn hard_falls_back_to_bad_before_it_is_good() {
    use Verdict::{Bad, Good, Hard};
    let waits = [300, 300, 30, 30, 30, 10, 10, 10];
    assert_eq!(
        verdicts(waits.map(queue)),
        [Good, Hard, Hard, Hard, Bad, Bad, Bad, Good]
    );
    assert_eq!(verdicts([30, 300, 300].map(queue)), [Good, Bad, Hard]);
}

#[test]
fn few_samples_condemn_nobody_but_the_oldest_waiter_does() {
    let few = || Window {
        queue_wait: of(ENOUGH_TIMES - 1, 900),
        ..Window::default()
    };
    assert_eq!(verdicts([few(), few(), few()]), [Verdict::Good; 3]);
    let waiting = |millis| Window {
        queue_wait: Signal {
            oldest: Some(Duration::from_millis(millis)),
            ..Signal::default()
        },
        ..Window::default()
    };
    assert_eq!(verdicts([waiting(20), waiting(20)])[1], Verdict::Good);
    assert_eq!(verdicts([waiting(21), waiting(21)])[1], Verdict::Bad);
    assert_eq!(verdicts([waiting(201), waiting(201)])[1], Verdict::Hard);
}

#[test]
fn a_few_slow_ones_among_many_do_no_harm() {
    let mostly_fast = || {
        let mut window = Window {
            queue_wait: of(96, 1),
            ..Window::default()
        };
        window.queue_wait.merge(&of(4, 5_000));
        window
    };
    assert_eq!(verdicts([mostly_fast(), mostly_fast()])[1], Verdict::Good);
}

#[test]
fn every_signal_has_its_lines_and_its_name() {
    let window = |name: &str, millis| {
        let signal = of(ENOUGH_TIMES, millis);
        match name {
            "queue_wait" => Window {
                queue_wait: signal,
                ..Window::default()
            },
            "runtime_lag" => Window {
                runtime_lag: signal,
                ..Window::default()
            },
            _ => Window {
                suback: signal,
                ..Window::default()
            },
        }
    };
    for (name, good, bad, hard) in [
        ("queue_wait", 20, 21, 201),
        ("runtime_lag", 100, 101, 1_001),
        ("suback", 100, 101, 1_001),
    ] {
        for (millis, verdict) in [
            (good, Verdict::Good),
            (bad, Verdict::Bad),
            (hard, Verdict::Hard),
        ] {
            let mut judge = HealthJudge::default();
            judge.judge(&window(name, millis));
            assert_eq!(
                judge.judge(&window(name, millis)),
                verdict,
                "{name} {millis}"
            );
            assert_eq!(judge.signal(), (verdict != Verdict::Good).then_some(name));
        }
    }
}

#[test]
fn the_signal_is_named_as_long_as_the_verdict_holds() {
    let mut judge = HealthJudge::default();
    [30, 30, 1].map(queue).iter().for_each(|window| {
        judge.judge(window);
    });
    assert_eq!(judge.signal(), Some("queue_wait"));
    [1, 1].map(queue).iter().for_each(|window| {
        judge.judge(window);
    });
    assert_eq!((judge.verdict(), judge.signal()), (Verdict::Good, None));
}

#[test]
fn the_worst_signal_is_named() {
    let window = Window {
        runtime_lag: of(ENOUGH_TIMES, 2_000),
        ..queue(30)
    };
    let mut judge = HealthJudge::default();
    judge.judge(&window);
    assert_eq!(judge.judge(&window), Verdict::Hard);
    assert_eq!(judge.signal(), Some("runtime_lag"));
}

#[test]
fn windows_of_several_workers_add_up() {
    let mut window = Window {
        suback: of(10, 200),
        ..Window::default()
    };
    window.merge(&Window {
        suback: of(10, 200),
        ..Window::default()
    });
    assert_eq!(verdicts([window.clone(), window])[1], Verdict::Bad);
}

fn allowance(throttled: u64, refused: u64, memory: u64) -> Window {
    let of = |part| PerMille::of(part, 1_000);
    Window {
        allowance: Allowance {
            throttling: of(throttled)
                .zip(of(refused))
                .map(|(periods, refused)| Throttling { periods, refused }),
            memory: of(memory),
        },
        ..Window::default()
    }
}

fn judged(windows: impl IntoIterator<Item = Window>) -> (Verdict, Option<&'static str>) {
    let mut judge = HealthJudge::default();
    for window in windows {
        judge.judge(&window);
    }
    (judge.verdict(), judge.signal())
}

#[test]
fn limits_of_the_process_have_their_lines_and_their_names() {
    use Verdict::{Bad, Good, Hard};
    for (window, expected) in vec![
        (allowance(100, 0, 0), (Good, None)),
        (allowance(101, 0, 0), (Good, Some("cpu_throttling"))),
        (allowance(1_000, 950, 0), (Good, Some("cpu_throttling"))),
        (allowance(1_000, 951, 0), (Bad, Some("cpu_throttling"))),
        (allowance(1_000, 1_000, 0), (Bad, Some("cpu_throttling"))),
        (allowance(0, 0, 850), (Good, None)),
        (allowance(0, 0, 851), (Bad, Some("memory"))),
        (allowance(0, 0, 950), (Bad, Some("memory"))),
        (allowance(0, 0, 951), (Hard, Some("memory"))),
        (allowance(1_000, 1_000, 951), (Hard, Some("memory"))),
        (Window::default(), (Good, None)),
    ] {
        let twice = [window.clone(), window.clone()];
        assert_eq!(judged(twice), expected, "{:?}", window.allowance);
    }
}

#[test]
fn throttling_is_named_after_two_windows_and_until_three_without() {
    let mut judge = HealthJudge::default();
    let mut named = |throttled| {
        judge.judge(&allowance(throttled, 0, 0));
        judge.signal().is_some()
    };
    let seen = [500, 0, 500, 500, 0, 500, 0, 0, 0].map(&mut named);
    assert_eq!(
        seen,
        [false, false, false, true, true, true, true, true, false]
    );
}

#[test]
fn what_is_late_at_the_cpu_limit_is_named_by_its_cause() {
    let late = |throttled| Window {
        allowance: allowance(throttled, 500, 0).allowance,
        ..queue(300)
    };
    assert_eq!(
        judged([late(500), late(500)]),
        (Verdict::Hard, Some("cpu_throttling"))
    );
    assert_eq!(
        judged([late(50), late(50)]),
        (Verdict::Hard, Some("queue_wait"))
    );
}

#[test]
fn of_nothing_there_are_no_parts() {
    assert_eq!(PerMille::of(1, 0), None);
    assert_eq!(PerMille::of(3, 2), PerMille::of(1, 1));
    assert_eq!(PerMille::of(u64::MAX, u64::MAX), PerMille::of(1, 1));
}

#[test]
fn other_lines_and_windows_are_gone_by() {
    use Verdict::{Bad, Good, Hard};
    let line = |bad, hard| Line {
        bad: Duration::from_millis(bad),
        hard: Duration::from_millis(hard),
    };
    let tuning = HealthTuning {
        windows: Windows { bad: 1, good: 2 },
        queue_wait: line(50, 60),
        runtime_lag: line(5, 6),
        suback: line(7, 8),
        throttled_percent: 50,
        starved_percent: 60,
        bad_memory_percent: 20,
        hard_memory_percent: 30,
    };
    let judged = |windows: Vec<Window>| -> Vec<Verdict> {
        let mut judge = HealthJudge::new(tuning);
        windows.iter().map(|window| judge.judge(window)).collect()
    };
    let queue_waits = [50, 51, 50, 50, 61].map(queue).to_vec();
    assert_eq!(judged(queue_waits), [Good, Bad, Bad, Good, Hard]);
    let lags = [5, 6, 7].map(|millis| Window {
        runtime_lag: of(ENOUGH_TIMES, millis),
        ..Window::default()
    });
    assert_eq!(judged(lags.to_vec()), [Good, Bad, Hard]);
    let subacks = [7, 8, 9].map(|millis| Window {
        suback: of(ENOUGH_TIMES, millis),
        ..Window::default()
    });
    assert_eq!(judged(subacks.to_vec()), [Good, Bad, Hard]);
    let memory = [200, 201, 301].map(|used| Window {
        allowance: Allowance {
            memory: PerMille::of(used, 1_000),
            ..Allowance::default()
        },
        ..Window::default()
    });
    assert_eq!(judged(memory.to_vec()), [Good, Bad, Hard]);
    let throttled = |periods, refused| Window {
        allowance: Allowance {
            throttling: PerMille::of(periods, 1_000)
                .zip(PerMille::of(refused, 1_000))
                .map(|(periods, refused)| Throttling { periods, refused }),
            ..Allowance::default()
        },
        ..Window::default()
    };
    assert_eq!(
        judged([600, 601].map(|refused| throttled(0, refused)).to_vec()),
        [Good, Bad]
    );
    for (periods, signal) in [(500, None), (501, Some("cpu_throttling"))] {
        let mut judge = HealthJudge::new(tuning);
        judge.judge(&throttled(periods, 0));
        assert_eq!(judge.signal(), signal);
    }
}

use super::*;

const GROWTH: GrowingWait = GrowingWait {
    first: s(1),
    longest: s(60),
};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn place(last: u8) -> Place {
    Place::of(IpAddr::from([198, 18, 0, last]))
}

fn table() -> FailureTable {
    FailureTable::new(GROWTH)
}

/// A wrong password that is looked at.
fn fail(table: &mut FailureTable, now: Duration, place: Place, name: u64) -> Duration {
    table.begin(now, place, NameHash(name)).expect("looked at");
    table.failed(now, place, NameHash(name), now).0
}

fn login(table: &mut FailureTable, now: Duration, place: Place, name: u64) {
    table.begin(now, place, NameHash(name)).expect("looked at");
    table.succeeded(now, place, NameHash(name));
}

#[test]
fn each_failure_doubles_the_wait_and_a_success_ends_it() {
    let mut table = table();
    let mut now = s(0);
    for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(fail(&mut table, now, place(1), 7), s(wait));
        let early = now + s(wait - 1) + ms(999);
        assert_eq!(
            table.begin(early, place(1), NameHash(7)),
            Err((Because::User, ms(1)))
        );
        now += s(wait);
    }
    login(&mut table, now, place(1), 7);
    assert_eq!(fail(&mut table, now, place(1), 7), s(1));
}

#[test]
fn from_elsewhere_the_user_and_from_here_the_others_come_in() {
    let mut table = table();
    fail(&mut table, s(0), place(1), 7);
    login(&mut table, s(0), place(2), 7);
    login(&mut table, s(0), place(1), 8);
    assert!(table.begin(s(0), place(1), NameHash(7)).is_err());
}

#[test]
fn after_a_failure_one_at_a_time_is_looked_at() {
    let mut table = table();
    fail(&mut table, s(0), place(1), 7);
    assert!(table.begin(s(1), place(1), NameHash(7)).is_ok());
    assert_eq!(
        table.begin(s(1), place(1), NameHash(7)),
        Err((Because::User, BEHIND_ANOTHER))
    );
    table.abandoned(s(1), place(1), NameHash(7));
    assert!(table.begin(s(1), place(1), NameHash(7)).is_ok());
}

#[test]
fn those_who_came_together_fail_once_and_the_rest_of_them_is_stale() {
    let mut table = table();
    for _ in 0..5 {
        assert!(table.begin(s(1), place(1), NameHash(7)).is_ok());
    }
    assert!(!table.is_stale(s(2), place(1), NameHash(7), s(1)));
    assert_eq!(table.failed(s(2), place(1), NameHash(7), s(1)).0, s(1));
    assert!(table.is_stale(s(2), place(1), NameHash(7), s(1)));
    assert_eq!(
        table.failed(ms(2500), place(1), NameHash(7), s(1)).0,
        ms(500)
    );
    assert_eq!(fail(&mut table, s(3), place(1), 7), s(2));
}

#[test]
fn who_tries_names_meets_a_wait_for_the_address() {
    let mut table = table();
    let looked_at = (0..100)
        .filter(|name| {
            let name = NameHash(*name);
            let open = table.begin(s(0), place(1), name).is_ok();
            if open {
                table.failed(s(0), place(1), name, s(0));
            }
            open
        })
        .count();
    assert_eq!(looked_at, FREE_NAMES as usize + 1);
    assert_eq!(
        table.begin(s(0), place(1), NameHash(1000)),
        Err((Because::Address, s(1)))
    );
    // one at a time, each for twice the wait
    assert!(table.begin(s(1), place(1), NameHash(1000)).is_ok());
    assert_eq!(
        table.begin(s(1), place(1), NameHash(1001)),
        Err((Because::Address, BEHIND_ANOTHER))
    );
    table.failed(s(1), place(1), NameHash(1000), s(1));
    assert_eq!(
        table.begin(s(1), place(1), NameHash(1001)),
        Err((Because::Address, s(2)))
    );
    assert!(table.begin(s(1), place(2), NameHash(1001)).is_ok());
}

#[test]
fn one_wrong_gateway_for_ever_never_costs_its_neighbours_anything() {
    let mut table = FailureTable::new(GrowingWait {
        longest: s(1),
        ..GROWTH
    });
    for second in 0..1000 {
        fail(&mut table, s(second), place(1), 7);
        assert_eq!(table.begin(s(second), place(1), NameHash(8)), Ok(()));
        table.abandoned(s(second), place(1), NameHash(8));
    }
}

#[test]
fn wrong_names_now_and_then_fade() {
    let mut table = table();
    for time in 0..1000 {
        fail(&mut table, s(60 * time), place(1), time);
    }
}

#[test]
fn an_address_of_many_may_have_many_that_fail() {
    let mut table = table();
    // a tenth of those behind a carrier's address have wrong passwords, from the first second on
    for name in 0..5000 {
        if name % 10 == 0 {
            fail(&mut table, s(1), place(1), name);
        } else {
            login(&mut table, s(1), place(1), name);
        }
    }
}

#[test]
fn a_success_reopens_a_crowded_address() {
    let mut table = table();
    for name in 0..=u64::from(FREE_NAMES) {
        fail(&mut table, s(0), place(1), name);
    }
    assert!(table.begin(s(0), place(1), NameHash(100)).is_err());
    login(&mut table, s(1), place(1), 100);
    login(&mut table, s(1), place(1), 101);
}

#[test]
fn a_network_of_ipv6_is_one_place() {
    let of = |text: &str| Place::of(text.parse().unwrap());
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    assert_eq!(of("::ffff:198.18.0.1"), of("198.18.0.1"));
    assert_ne!(of("198.18.0.1"), of("198.18.0.2"));
}

#[test]
fn what_was_long_ago_is_forgotten() {
    let mut table = table();
    for now in [s(0), LIFETIME, 2 * LIFETIME] {
        assert_eq!(fail(&mut table, now, place(1), 7), s(1));
    }
}

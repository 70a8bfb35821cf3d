use super::*;

#[test]
fn table() {
    let f = Herd::founding;
    let ms = Duration::from_millis;
    let us = Duration::from_micros;
    let rows: Vec<(&str, Herd)> = vec![
        ("founding", f()),
        ("two edges", Herd { edges: 2, ..f() }),
        (
            "login 1.7",
            Herd {
                login: us(1700),
                ..f()
            },
        ),
        (
            "20000, login 0.2",
            Herd {
                clients: 20_000,
                login: us(200),
                ..f()
            },
        ),
        (
            "sub x5, login 0.1",
            Herd {
                subscribe: us(125),
                login: us(100),
                ..f()
            },
        ),
        (
            "rtt 100",
            Herd {
                round_trip: ms(100),
                ..f()
            },
        ),
        (
            "rtt 2",
            Herd {
                round_trip: ms(2),
                ..f()
            },
        ),
        (
            "slow",
            Herd {
                slow: Some((ms(30_000), ms(50_000), 3)),
                ..f()
            },
        ),
        (
            "login 50, 2000",
            Herd {
                login: ms(50),
                clients: 2000,
                ..f()
            },
        ),
        (
            "700",
            Herd {
                clients: 700,
                ..f()
            },
        ),
        (
            "patience 2",
            Herd {
                patience: ms(2000),
                ..f()
            },
        ),
        (
            "patience 20",
            Herd {
                patience: ms(20_000),
                ..f()
            },
        ),
    ];
    for (name, herd) in rows {
        let start = std::time::Instant::now();
        println!(
            "{name}: ideal {:?} {:?} cpu {:?}",
            herd.ideal(),
            herd.run(5),
            start.elapsed()
        );
    }
    for (name, herd) in [
        ("founding", f()),
        (
            "login 1.7",
            Herd {
                login: us(1700),
                ..f()
            },
        ),
    ] {
        let herd = Herd {
            mode: Mode::Open,
            ..herd
        };
        println!("open {name}: {:?}", herd.run(5));
    }
}

//! Real sockets against a server of a few lines.

mod certificates;
mod fake;

use tempfile::TempDir;
use tokio::task::LocalSet;

use super::*;
use certificates::SERVER_NAME;
use fake::Fake;

const GATEWAYS: u32 = 20;
const PATIENCE: Duration = Duration::from_secs(20);

/// A fleet in a hurry: 20 gateways in two ranges, 3 topics each.
fn scenario(folder: &TempDir, target: SocketAddr, more: &[&str]) -> Rc<Scenario> {
    let text = format!(
        "target: {{address: '{target}', protocol: mqtt}}
ranges:
  - {{name: north, gateways: 10, sources: [127.77.0.0/24]}}
  - {{name: south, gateways: 10, sources: [127.77.1.0/24]}}
identity: {{clientId: 'gw-{{n}}'}}
topics: {{count: 3}}
timing: {{retrySeconds: 0.05}}
bringUp: {{concurrent: 7, timeoutSeconds: 20}}
"
    );
    let path = folder.path().join("scenario.yaml");
    std::fs::write(&path, text).unwrap();
    let more: Vec<_> = more.iter().map(|&more| more.to_owned()).collect();
    Rc::new(crate::scenario::load(&path, &more).unwrap())
}

fn tls(folder: &TempDir, server_name: &str) -> String {
    let ca = folder.path().join("ca.crt");
    format!(
        "target={{address: 'ADDRESS', protocol: mqtts, serverName: {server_name}, caFile: '{}'}}",
        ca.display()
    )
}

fn certificate(folder: &TempDir, name: &str) -> String {
    let file = |end| {
        folder
            .path()
            .join(format!("{name}.{end}"))
            .display()
            .to_string()
    };
    format!(
        "{{certificateFile: '{}', privateKeyFile: '{}'}}",
        file("crt"),
        file("key")
    )
}

fn nobody(_: &Snapshot<'_>) {}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test);
}

async fn up(scenario: Rc<Scenario>) -> Fleet {
    let fleet = Fleet::start(scenario).await.unwrap();
    fleet.bring_up(&mut nobody).await.unwrap();
    fleet
}

#[test]
fn a_fleet_comes_back_after_a_restart() {
    run(async {
        let (folder, fake) = (TempDir::new().unwrap(), Rc::new(Fake::default()));
        let fleet = up(scenario(&folder, fake.serve().await, &[])).await;
        assert_eq!(fleet.report().counts.attempts, u64::from(GATEWAYS));
        fake.resets.set(5);
        fake.restart();
        fleet.await_restart(PATIENCE, &mut nobody).await.unwrap();
        let quiet = Duration::from_millis(200);
        assert!(fleet.reopened(PATIENCE, quiet, &mut nobody).await.unwrap());
        let report = fleet.report();
        assert_eq!(
            (report.back, report.kept, report.counts.drops),
            (GATEWAYS, 0, 0)
        );
        assert_eq!(
            (report.counts.attempts, report.counts.reset_before_tls),
            (25, 5)
        );
        assert_eq!(
            report
                .ranges
                .iter()
                .map(|range| range.settled)
                .collect::<Vec<_>>(),
            [10, 10]
        );
    });
}

#[test]
fn an_expired_certificate_leads_to_the_next_one() {
    run(async {
        let folder = TempDir::new().unwrap();
        let config = certificates::write(folder.path(), true);
        let fake = Rc::new(Fake::with_tls(config));
        let address = fake.serve().await;
        let tls = tls(&folder, SERVER_NAME).replace("ADDRESS", &address.to_string());
        let files = ["expired", "valid", "valid"]
            .map(|name| certificate(&folder, name))
            .join(", ");
        let identity = format!("identity.certificates=[{files}]");
        let fleet = up(scenario(&folder, address, &[&tls, &identity])).await;
        let report = fleet.report();
        assert_eq!(report.counts.certificate_tries, [20, 20]);
        assert_eq!(report.counts.tls_alerts, 20);
        assert_eq!(
            report.counts.handshakes_confirmed, 20,
            "{:?}",
            report.counts
        );
        assert_eq!(fake.handshakes.get(), 20);
    });
}

#[test]
fn a_server_that_cannot_prove_its_name_is_not_talked_to() {
    run(async {
        let folder = TempDir::new().unwrap();
        let config = certificates::write(folder.path(), false);
        let fake = Rc::new(Fake::with_tls(config));
        let address = fake.serve().await;
        let tls = tls(&folder, "mqtt.other.herdgate.test").replace("ADDRESS", &address.to_string());
        let scenario = scenario(&folder, address, &[&tls, "bringUp.timeoutSeconds=1"]);
        let fleet = Fleet::start(scenario).await.unwrap();
        let error = fleet.bring_up(&mut nobody).await.unwrap_err();
        assert!(
            matches!(
                error,
                FleetError::BringUp {
                    settled: 0,
                    gateways: GATEWAYS,
                    ..
                }
            ),
            "{error}"
        );
        let counts = fleet.report().counts;
        assert!(counts.distrusted >= 7, "{counts:?}");
        assert_eq!((counts.handshakes, counts.connacks), (0, 0));
    });
}

#[test]
fn a_mute_server_is_given_up_after_the_patience() {
    run(async {
        let (folder, fake) = (TempDir::new().unwrap(), Rc::new(Fake::default()));
        let address = fake.serve().await;
        fake.mute.set(true);
        let more = [
            "timing.patienceSeconds=0.2",
            "bringUp={concurrent: 20, timeoutSeconds: 1}",
        ];
        let fleet = Fleet::start(scenario(&folder, address, &more))
            .await
            .unwrap();
        fleet.bring_up(&mut nobody).await.unwrap_err();
        let counts = fleet.report().counts;
        assert!(counts.timeouts.connack >= 20, "{counts:?}");
        assert!(counts.attempts > 20, "they try again: {counts:?}");
    });
}

#[test]
fn a_busy_server_is_asked_again() {
    run(async {
        let (folder, fake) = (TempDir::new().unwrap(), Rc::new(Fake::default()));
        fake.denials.set(4);
        fake.denial.set(3);
        let fleet = up(scenario(&folder, fake.serve().await, &[])).await;
        let counts = fleet.report().counts;
        assert_eq!((counts.attempts, counts.denied.get(&3)), (24, Some(&4)));
    });
}

#[test]
fn an_address_of_somebody_else_is_named_before_anybody_dials() {
    run(async {
        let folder = TempDir::new().unwrap();
        let target = "127.0.0.1:9".parse().unwrap();
        let scenario = scenario(&folder, target, &["ranges[1].sources=[192.0.2.0/24]"]);
        let error = Fleet::start(scenario).await.unwrap_err();
        assert!(matches!(error, FleetError::Source { .. }), "{error}");
        assert!(error.to_string().contains("south"), "{error}");
    });
}

#[test]
fn a_probe_and_telemetry_are_counted() {
    run(async {
        let (folder, fake) = (TempDir::new().unwrap(), Rc::new(Fake::default()));
        let more = [
            "telemetry={intervalSeconds: 0.1, qos: 1}",
            "probe={clientId: probe, source: 127.9.9.9, intervalSeconds: 0.005, idleSeconds: 0.3}",
            "expect={probeP99Milliseconds: 0, drops: 0}",
        ];
        let fleet = up(scenario(&folder, fake.serve().await, &more)).await;
        fleet.restarted();
        fake.restart();
        let quiet = Duration::from_millis(500);
        assert!(fleet.reopened(PATIENCE, quiet, &mut nobody).await.unwrap());
        fleet.finish().await.unwrap();
        let report = fleet.report();
        let probe = report.probe.as_ref().unwrap();
        assert!(probe.idle.samples > 5 && probe.idle.p99_ms.is_some());
        assert_eq!(probe.drops, 0, "the restart itself is none");
        assert!(report.counts.telemetry_sent >= 20, "{:?}", report.counts);
        assert!(report.counts.telemetry_acknowledged > 0);
        assert_eq!(report.bring_up.unwrap().concurrent, 7);
        let [unmet] = &report.unmet[..] else {
            panic!("not one: {:?}", report.unmet);
        };
        assert!(unmet.starts_with("expect.probeP99: "), "{unmet}");
    });
}

#[test]
fn who_is_cut_off_comes_again_while_the_server_knows_nothing() {
    run(async {
        let (folder, fake) = (TempDir::new().unwrap(), Rc::new(Fake::default()));
        let fleet = up(scenario(&folder, fake.serve().await, &[])).await;
        fleet.cut();
        let back = fleet.reopened(PATIENCE, Duration::ZERO, &mut nobody).await;
        assert!(back.unwrap());
        let report = fleet.report();
        assert_eq!((report.back, report.counts.drops), (GATEWAYS, 0));
        assert_eq!(fake.open.get(), 2 * GATEWAYS, "the old ones linger");
    });
}

#[test]
fn addresses_may_be_told_rather_than_bound() {
    run(async {
        let (folder, fake) = (TempDir::new().unwrap(), Rc::new(Fake::default()));
        fake.behind_a_balancer.set(true);
        let more = [
            "target.proxyProtocol=v2",
            "ranges[1].sources=[203.0.113.0/24]",
        ];
        up(scenario(&folder, fake.serve().await, &more)).await;
        let told = fake.told.borrow();
        assert_eq!(told.len(), GATEWAYS as usize);
        let documented = |source: &&std::net::IpAddr| source.to_string().starts_with("203.0.113.");
        assert_eq!(told.iter().filter(documented).count(), 10);
    });
}

#[test]
fn nobody_waits_for_gateways_that_flap() {
    run(async {
        let (folder, fake) = (TempDir::new().unwrap(), Rc::new(Fake::default()));
        let more = ["ranges[1].flapsAfter=1"];
        let fleet = up(scenario(&folder, fake.serve().await, &more)).await;
        let report = fleet.report();
        assert_eq!(report.gateways, 10);
        assert!(report.counts.flaps > 0);
    });
}

//! Our own gateways, as those in the field: certificates tried in turn.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use herdgate_tests::certs::{Identity, Validity};
use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::setup::Setup;
use herdgate_tests::skip;
use herdgate_tests::swarm::{Herd, USER};
use herdgate_tests::wait::PATIENT;
use serde_json::{Value, json};

const SPLIT: Topology = Topology::Split { edges: 1 };

#[test]
fn gateways_try_their_next_certificate_when_the_first_is_expired() {
    if stand_in_wanted() {
        return skip::skip("the stand-in has no client certificates");
    }
    let setup = Setup::new();
    let ca = setup.path("ca.crt").display().to_string();
    let setup = setup
        .set("/listeners/0/tls/clientAuth", "Required")
        .set("/listeners/0/tls/clientCaFile", ca);
    let identities = [Validity::Expired, Validity::Valid, Validity::Valid]
        .map(|validity| setup.authority.client(USER, validity));
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let files: Vec<Value> = identities
        .iter()
        .enumerate()
        .map(|(number, identity)| write(&setup, number, identity))
        .collect();
    let identity = json!({"clientId": format!("{USER}-{{n}}"), "certificates": files});
    for protocol in ["3.1.1", "5"] {
        let herd = Herd::new(&setup, 30, &cluster.listener("mqtts").to_string())
            .set("/identity", identity.clone())
            .set("/protocol", protocol);
        let Some(herd) = herd.start(&format!("herd-{protocol}")) else {
            return;
        };
        let report = herd.finish(PATIENT * 2);
        let tries = &report["counts"]["certificateTries"];
        // the second one works, so that nobody needs the third
        assert!(
            tries[0].as_u64() >= Some(30) && tries[1].as_u64() >= Some(30),
            "{report}"
        );
        assert!(tries[2].as_u64().unwrap_or(0) == 0, "{report}");
        assert!(
            report["counts"]["tlsAlerts"].as_u64() >= Some(30),
            "each was told why: {report}"
        );
    }
}

fn write(setup: &Setup, number: usize, identity: &Identity) -> Value {
    let certificate = setup.write(&format!("gateway-{number}.crt"), &identity.chain);
    let key = setup.write(&format!("gateway-{number}.key"), &identity.key);
    json!({"certificateFile": certificate.display().to_string(), "privateKeyFile": key.display().to_string()})
}

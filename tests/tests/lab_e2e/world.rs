//! The releases under test, their namespaces, certificates and clients.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use herdgate_tests::certs::{Algorithm, Authority, Identity};
use herdgate_tests::lab::edges::{Pods, address};
use herdgate_tests::lab::kubernetes::ROLLOUT;
use herdgate_tests::lab::probe;
use herdgate_tests::lab::rbac::{Grant, grants};
use herdgate_tests::lab::{Lab, audit, step};
use herdgate_tests::mqtt::{Client, Connect};
use herdgate_tests::setup::ALICE;
use herdgate_tests::tls;
use herdgate_tests::wait::{PATIENT, until};
use serde_json::{Value, json};

pub(crate) const HOSTNAME: &str = "mqtt.lab.herdgate.test";
pub(crate) const CLUSTER: &str = "herd";
pub(crate) const PORT: u16 = 8883;

/// In the order in which they open; everything else comes last.
pub(crate) const RANGES: [(&str, &str); 3] = [
    ("north", "198.18.128.0/20"),
    ("east", "198.18.144.0/20"),
    ("south", "198.18.160.0/20"),
];
/// An address of the last range in which no gateway of the herd lives.
pub(crate) const CLOSED_SOURCE: [u8; 4] = [198, 18, 160, 9];
/// With three named ranges and the rest, each has a quarter of the slices.
pub(crate) const SLICES: u64 = 256;
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Two at a time, each settling for a quarter of a second at least: the ramp lasts long enough to be seen.
const SETTLE_LIMIT: u32 = 2;
const ENTERING_LIMIT: u32 = 4;

pub(crate) struct World<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) namespace: String,
    /// The operator's release: a name of its own, for rights are cluster-wide and somebody may run one already.
    pub(crate) operator: String,
    pub(crate) operator_namespace: String,
    pub(crate) authority: Authority,
    /// All that was asked of the API server since the story began.
    pub(crate) asked: RefCell<Option<audit::Follower>>,
    /// What the operator may do, as it was installed.
    pub(crate) granted: RefCell<BTreeSet<Grant>>,
    pub(crate) ca_file: PathBuf,
}

impl<'a> World<'a> {
    pub(crate) fn new(lab: &'a Lab) -> Self {
        let authority = Authority::new("Lab root");
        let ca_file = lab.folder.path().join("ca.crt");
        fs::write(&ca_file, authority.pem()).unwrap();
        let id = std::process::id();
        Self {
            lab,
            namespace: format!("herdgate-test-{id}"),
            operator: format!("herdgate-test-{id}"),
            operator_namespace: format!("herdgate-test-{id}-operator"),
            authority,
            asked: RefCell::new(lab.audit.as_ref().map(audit::AuditLog::follow)),
            granted: RefCell::default(),
            ca_file,
        }
    }

    /// The resource definitions and the operator, in a namespace that demands the restricted Pod Security.
    pub(crate) fn install_operator(&self) {
        self.make_namespace(&self.operator_namespace);
        self.install_definitions();
        self.upgrade_operator();
        let selector = format!("app.kubernetes.io/instance={}", self.operator);
        let path = "/apis/rbac.authorization.k8s.io/v1";
        let roles = [
            format!(
                "{path}/clusterroles?labelSelector={}",
                selector.replace('=', "%3D")
            ),
            format!("{path}/namespaces/{}/roles", self.operator_namespace),
        ];
        let roles: Vec<Value> = roles
            .iter()
            .flat_map(|path| self.lab.kubernetes.list(path))
            // the aggregated roles are for people
            .filter(|role| !has_aggregation_label(role))
            .collect();
        self.granted.borrow_mut().extend(grants(&roles));
    }

    /// They outlive their release, and the next one must be the same.
    fn install_definitions(&self) {
        let definition = self.lab.kubernetes.get(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/mqttclusters.herdgate.io",
        );
        let owner = definition.as_ref().and_then(|definition| {
            definition["metadata"]["annotations"]["meta.helm.sh/release-namespace"].as_str()
        });
        let namespace = owner.unwrap_or("default");
        self.helm_upgrade("herdgate-crds", "herdgate-crds", namespace, &json!({}));
    }

    pub(crate) fn upgrade_operator(&self) {
        let mut values = json!({"image": self.image("herdgate-operator")});
        if !self.lab.is_our_own() {
            values["watchNamespaces"] = json!([self.namespace]);
        }
        self.helm_upgrade(
            &self.operator,
            "herdgate",
            &self.operator_namespace,
            &values,
        );
    }

    /// Certificate and users, before the cluster that names them.
    pub(crate) fn prepare_cluster_namespace(&self) {
        self.make_namespace(&self.namespace);
        self.install_certificate(&self.server_identity());
        let passwords = include_str!("../../fixtures/passwords");
        self.apply_secret(
            "passwords",
            "Opaque",
            &json!({"passwords": passwords, "password": ALICE.1}),
        );
        self.apply_secret(
            "authority",
            "Opaque",
            &json!({"ca.crt": self.authority.pem()}),
        );
    }

    pub(crate) fn server_identity(&self) -> Identity {
        self.authority.server(Algorithm::Ecdsa, &[HOSTNAME])
    }

    pub(crate) fn install_certificate(&self, identity: &Identity) {
        let data = json!({"tls.crt": identity.chain, "tls.key": identity.key});
        self.apply_secret("certificate", "kubernetes.io/tls", &data);
    }

    pub(crate) fn install_cluster(&self) {
        self.upgrade_cluster();
        until("the cluster is ready", ROLLOUT, || {
            (self.condition("Ready").as_deref() == Some("True")).then_some(())
        });
    }

    pub(crate) fn upgrade_cluster(&self) {
        self.upgrade_cluster_to(&self.spec());
    }

    pub(crate) fn upgrade_cluster_to(&self, spec: &Value) {
        let values = json!({
            "spec": spec,
            "test": {
                "serverName": HOSTNAME, "caSecretRef": {"name": "authority"},
                "userName": ALICE.0, "passwordSecretRef": {"name": "passwords"},
            },
        });
        self.helm_upgrade(CLUSTER, "herdgate-cluster", &self.namespace, &values);
    }

    pub(crate) fn spec(&self) -> Value {
        let ranges: Vec<Value> = RANGES
            .iter()
            .map(|(name, cidr)| json!({"name": name, "cidrs": [cidr]}))
            .collect();
        let slicing = if self.lab.fleet {
            json!({"type": "CIDRList", "ranges": ranges})
        } else {
            json!({"type": "PrefixHash", "prefixLengthV4": 32})
        };
        json!({
            "image": self.image("herdgate"),
            "edge": {"replicas": 2, "drain": {"delaySeconds": 1}},
            "shards": {"persistence": {"size": "64Mi"}},
            "listeners": [{"name": "mqtts", "port": PORT, "protocol": "MQTTS", "tls": {"secretRef": {"name": "certificate"}}}],
            "exposure": {"hostname": HOSTNAME},
            "authentication": {"passwordSecretRef": {"name": "passwords"}},
            "admission": {
                "slices": SLICES, "slicing": slicing, "patienceSeconds": PATIENCE.as_secs(),
                "settleLimit": SETTLE_LIMIT, "enteringLimit": ENTERING_LIMIT, "reopeningsKept": 1,
            },
        })
    }

    fn image(&self, name: &str) -> Value {
        json!({"repository": format!("{}/{name}", self.lab.repository), "tag": self.lab.tag})
    }

    /// The cluster as the API server has it.
    pub(crate) fn resource(&self) -> Option<Value> {
        self.lab.kubernetes.get(&self.resource_path())
    }

    pub(crate) fn resource_path(&self) -> String {
        format!(
            "/apis/herdgate.io/v1alpha1/namespaces/{}/mqttclusters/{CLUSTER}",
            self.namespace
        )
    }

    /// Status of a condition that speaks of the present generation.
    pub(crate) fn condition(&self, type_: &str) -> Option<String> {
        let resource = self.resource()?;
        let conditions = resource.pointer("/status/conditions")?.as_array()?;
        let condition = conditions
            .iter()
            .find(|condition| condition["type"] == type_)?;
        let current = condition["observedGeneration"] == resource["metadata"]["generation"];
        current.then(|| condition["status"].as_str().map(str::to_owned))?
    }

    pub(crate) fn edges(&self) -> Pods<'_> {
        self.pods("edge")
    }

    pub(crate) fn shards(&self) -> Pods<'_> {
        self.pods("shard")
    }

    fn pods(&self, tier: &str) -> Pods<'_> {
        Pods {
            kubernetes: &self.lab.kubernetes,
            namespace: &self.namespace,
            selector: format!("herdgate.io/cluster={CLUSTER},app.kubernetes.io/component={tier}"),
        }
    }

    /// The address that the clients' Service got.
    pub(crate) fn balancer(&self) -> SocketAddr {
        let path = format!("/api/v1/namespaces/{}/services/{CLUSTER}", self.namespace);
        let ip = until("the clients' Service gets an address", PATIENT, || {
            let service = self.lab.kubernetes.get(&path)?;
            let ip = service.pointer("/status/loadBalancer/ingress/0/ip")?;
            ip.as_str()?.parse::<IpAddr>().ok()
        });
        SocketAddr::new(ip, PORT)
    }

    /// Where each ready edge serves clients itself, past the balancer.
    pub(crate) fn edge_addresses(&self) -> Vec<SocketAddr> {
        let pods = self.edges().ready();
        pods.iter()
            .filter_map(|pod| address(pod, "mqtts"))
            .collect()
    }

    /// A client that has checked the server's name and has not said who it is.
    pub(crate) fn stranger(
        &self,
        source: Option<IpAddr>,
        target: SocketAddr,
    ) -> std::io::Result<Client> {
        let config = tls::plain_client(&self.authority.pem());
        let stream = probe::dial(source, target, PATIENT)?;
        Client::tls_over(stream, HOSTNAME, &config)
    }

    /// One that is logged in.
    pub(crate) fn client(
        &self,
        id: &str,
        source: Option<IpAddr>,
        target: SocketAddr,
    ) -> std::io::Result<Client> {
        let mut client = self.stranger(source, target)?;
        let connect = Connect::v3(&format!("{}-{id}", ALICE.0)).user(ALICE.0, ALICE.1);
        let connack = client.connect(&connect)?;
        if connack.body.get(1) == Some(&0) {
            Ok(client)
        } else {
            Err(std::io::Error::other(format!("{connack:?}")))
        }
    }

    /// Keeps trying as a gateway would: while slices are closed there are resets.
    pub(crate) fn persistent_client(
        &self,
        id: &str,
        source: Option<IpAddr>,
        target: SocketAddr,
    ) -> Client {
        until(&format!("client {id} is let in"), ROLLOUT, || {
            self.client(id, source, target).ok()
        })
    }

    fn make_namespace(&self, name: &str) {
        self.lab.kubernetes.apply(&json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        }));
    }

    pub(crate) fn apply_secret(&self, name: &str, type_: &str, data: &Value) {
        self.lab.kubernetes.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "type": type_, "stringData": data,
            "metadata": {"name": name, "namespace": self.namespace},
        }));
    }

    fn helm_upgrade(&self, release: &str, chart: &str, namespace: &str, values: &Value) {
        let file = self
            .lab
            .folder
            .path()
            .join(format!("{release}-values.json"));
        fs::write(&file, values.to_string()).unwrap();
        let chart = self.lab.charts.join(chart);
        let (chart, file) = (chart.display().to_string(), file.display().to_string());
        self.lab.kubernetes.helm(&[
            "upgrade",
            "--install",
            release,
            &chart,
            "--namespace",
            namespace,
            "--values",
            &file,
            "--wait",
            "--timeout",
            "120s",
        ]);
    }
}

impl Drop for World<'_> {
    /// Throw-away namespaces: gone, whatever happened. The resource definitions stay, as on any cluster.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell();
        }
        if std::env::var_os("HERDGATE_LAB_KEEP").is_some() {
            return step("HERDGATE_LAB_KEEP is set: nothing is deleted");
        }
        let kubernetes = &self.lab.kubernetes;
        for namespace in [&self.namespace, &self.operator_namespace] {
            kubernetes.told(&format!(
                "delete namespace {namespace} --ignore-not-found --wait=false"
            ));
        }
        kubernetes.told(&format!(
            "delete clusterrole,clusterrolebinding --selector=app.kubernetes.io/instance={}",
            self.operator
        ));
    }
}

impl World<'_> {
    /// What somebody wants to see after a failure.
    fn tell(&self) {
        let (namespace, operator) = (&self.namespace, &self.operator_namespace);
        for question in [
            format!(
                "get mqttclusters,reopenings,pods,services,persistentvolumeclaims --namespace {namespace} --output=wide"
            ),
            format!("get mqttclusters,reopenings --namespace {namespace} --output=yaml"),
            format!("get events --namespace {namespace} --sort-by=.lastTimestamp"),
            format!(
                "logs --namespace {operator} --selector=app.kubernetes.io/name=herdgate --tail=40"
            ),
            format!(
                "logs --namespace {namespace} --selector=herdgate.io/cluster --tail=40 --prefix"
            ),
        ] {
            let answer = self.lab.kubernetes.told(&question);
            eprintln!("--- kubectl {question} ---\n{answer}");
        }
    }
}

fn has_aggregation_label(role: &Value) -> bool {
    let labels = role["metadata"]["labels"].as_object();
    labels.is_some_and(|labels| {
        labels
            .keys()
            .any(|key| key.starts_with("rbac.authorization.k8s.io/aggregate-to-"))
    })
}

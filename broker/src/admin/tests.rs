//! The server over a real socket.

mod steering;

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;
use crate::config::{Mode, Role};
use crate::link::TokenFile;
use crate::metrics::{GateDecision, Metrics};
use herdgate_admission::progress::{AddressTrust, ClientAddresses, Phase, Trigger};

struct Server {
    address: std::net::SocketAddr,
    metrics: Metrics,
    readiness: Readiness,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn server() -> Server {
    server_with(None).await
}

async fn server_with(token: Option<TokenFile>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("address");
    let (metrics, readiness) = (Metrics::new(), Readiness::new(&["listeners"]));
    let admin = Admin {
        metrics: metrics.clone(),
        readiness: readiness.clone(),
        status: Arc::new(status),
        valve: steering::fake(),
        token,
    };
    let (stop, stopped) = oneshot::channel();
    let ended = async move {
        let _ = stopped.await;
    };
    let done = tokio::spawn(serve(listener, admin, ended));
    Server {
        address,
        metrics,
        readiness,
        stop,
        done,
    }
}

fn status() -> Status {
    Status {
        role: Role::Edge,
        mode: Mode::Staged,
        reopening: 3,
        phase: Phase::Ramping,
        trigger: Trigger::Restart,
        paused: false,
        level: 148,
        slices: 256,
        patience_ms: 5000,
        entering: 5,
        entering_limit: 64,
        settling: 40,
        settle_limit: 1000,
        held: 700,
        door: 12,
        connected: 6000,
        limiting_signal: Some("queue_wait".to_owned()),
        client_addresses: ClientAddresses {
            trust: AddressTrust::Trusted,
            clients: 7_000,
            of_few_peers: 3_000,
            inside: 0,
        },
        stalled: true,
        handshakes: HandshakeStatus {
            started: 9,
            completed: 7,
            failed: 2,
        },
        shards: vec![ShardStatus {
            shard: 0,
            boot_epoch: 7,
            reopening: 3,
            level: 148,
            verdict: herdgate_admission::report::Verdict::Bad,
            signal: Some("queue_wait".to_owned()),
            connected: 6000,
            settling: 40,
            settle_limit: 1000,
            attaching: 1,
        }],
    }
}

impl Server {
    /// Status code, headers in lower case, body.
    async fn get(&self, path: &str) -> (u16, String, String) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
        self.ask(&request).await
    }

    async fn ask(&self, request: &str) -> (u16, String, String) {
        let mut socket = TcpStream::connect(self.address).await.expect("connects");
        socket.write_all(request.as_bytes()).await.expect("writes");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("reads");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let code = head
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .expect("a code");
        (code, head.to_ascii_lowercase(), body.to_owned())
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await.2).expect("JSON")
    }
}

#[tokio::test]
async fn readiness_follows_its_checks_and_liveness_does_not() {
    let server = server().await;
    assert_eq!(server.get("/livez").await.0, 200);
    assert_eq!(server.get("/readyz").await.0, 503);
    assert_eq!(
        server.json("/readyz?verbose").await,
        json!({"ready": false, "checks": {"listeners": false, "not_draining": true}})
    );
    server.readiness.check("listeners").expect("known").pass();
    assert_eq!(server.get("/readyz").await.0, 200);
    assert!(
        server
            .get("/metrics")
            .await
            .2
            .contains("herdgate_ready 1\n")
    );
    server.readiness.drain();
    assert_eq!(server.get("/readyz?verbose=1").await.0, 503);
    assert_eq!(server.get("/livez").await.0, 200);
    assert!(
        server
            .get("/metrics")
            .await
            .2
            .contains("herdgate_ready 0\n")
    );
}

#[tokio::test]
async fn metrics_are_as_prometheus_wants_them() {
    let server = server().await;
    server.metrics.edge.gate.inc(GateDecision::Promote);
    let (code, head, body) = server.get("/metrics").await;
    assert_eq!(code, 200);
    assert!(
        head.contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{head}"
    );
    assert!(
        body.contains("herdgate_gate_decisions_total{decision=\"promote\"} 1\n"),
        "{body}"
    );
    assert!(body.ends_with("# EOF\n"));
}

#[tokio::test]
async fn the_status_is_in_camel_case() {
    insta::assert_yaml_snapshot!(server().await.json("/status").await);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = server().await;
    assert_eq!(server.get("/").await.0, 404);
    assert_eq!(server.get("/metrics/x").await.0, 404);
}

#[tokio::test]
async fn it_ends_when_told() {
    let server = server().await;
    server.stop.send(()).expect("runs");
    server.done.await.expect("no panic").expect("no error");
    assert!(TcpStream::connect(server.address).await.is_err());
}

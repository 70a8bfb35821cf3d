//! Both ends of a greeting, over TCP.

use bytes::{Bytes, BytesMut};
use herdgate_admission::report::EdgeId;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;

use super::transport::{self, LinkError};
use super::wire::{Greeting, Hello, VERSION, Welcome};
use super::{LinkServer, TcpLink, TokenFile};
use crate::metrics::Metrics;
use crate::process::Clock;
use crate::shard::{LinkIds, Mailboxes};

/// A link's two ends that do not know each other yet.
struct Ends {
    server: LinkServer,
    link: TcpLink,
    listener: TcpListener,
    _folder: tempfile::TempDir,
}

impl Ends {
    /// What an edge hears that says this of itself.
    async fn greet_as(&self, versions: (u16, u16), token: Bytes) -> Result<Greeting, LinkError> {
        let mut socket = TcpStream::connect(&self.link.address).await.unwrap();
        let hello = Hello {
            versions,
            token,
            edge: EdgeId("edge-1".to_owned()),
            worker: 0,
        };
        transport::say(&mut socket, &Greeting::Hello(hello))
            .await
            .unwrap();
        transport::greeting(&mut socket, &mut BytesMut::new()).await
    }

    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "a secret that both have").unwrap();
        let token = TokenFile::start(crate::config::TokenUse::Link, &path).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let metrics = Metrics::new().link;
        Self {
            server: LinkServer {
                shard: 3,
                boot_epoch: 7,
                token: token.clone(),
                clock: Clock::start(),
                links: LinkIds::default(),
                workers: Mailboxes::new(1).0,
                edges: unbounded_channel().0,
                report: watch::channel(None).1,
                censuses: unbounded_channel().0,
                tables: watch::channel(None).1,
                metrics: metrics.clone(),
            },
            link: TcpLink {
                address: listener.local_addr().unwrap().to_string(),
                token,
                edge: EdgeId("edge-0".to_owned()),
                worker: 0,
                metrics,
            },
            listener,
            _folder: folder,
        }
    }

    async fn accept(&self) -> std::net::TcpStream {
        let (socket, _) = self.listener.accept().await.unwrap();
        socket.into_std().unwrap()
    }
}

#[tokio::test]
async fn ends_of_one_version_find_each_other() {
    let ends = Ends::new().await;
    let serving = async { ends.server.greet(ends.accept().await).await };
    let (served, linked) = tokio::join!(serving, ends.link.greet());
    assert_eq!(served.unwrap().2.edge, ends.link.edge);
    let expected = Welcome {
        version: VERSION,
        shard: 3,
        boot_epoch: 7,
    };
    assert_eq!(linked.unwrap().2, expected);
}

fn is_refusal<T>(outcome: Result<T, LinkError>, peers: (u16, u16)) {
    let error = outcome.err().expect("a refusal").to_string();
    let (oldest, newest) = peers;
    let told = format!("this side speaks {VERSION} and the peer {oldest} to {newest}");
    assert!(error.contains(&told), "{error}");
}

#[tokio::test]
async fn an_edge_of_another_version_is_refused_and_both_are_named() {
    for versions in [
        (1, VERSION - 1),
        (VERSION - 1, VERSION - 1),
        (VERSION + 1, VERSION + 9),
    ] {
        let ends = Ends::new().await;
        let serving = async { ends.server.greet(ends.accept().await).await };
        let edge = ends.greet_as(versions, ends.link.token.bytes());
        let (served, heard) = tokio::join!(serving, edge);
        is_refusal(served, versions);
        // it can tell as much in its own log
        assert!(
            matches!(heard, Ok(Greeting::Welcome(welcome)) if welcome.version == VERSION),
            "{versions:?}"
        );
    }
}

#[tokio::test]
async fn a_shard_of_another_version_is_refused_and_both_are_named() {
    for version in [VERSION - 1, VERSION + 1] {
        let ends = Ends::new().await;
        let shard = async {
            let mut socket = TcpStream::from_std(ends.accept().await).unwrap();
            transport::greeting(&mut socket, &mut BytesMut::new())
                .await
                .unwrap();
            let welcome = Welcome {
                version,
                shard: 0,
                boot_epoch: 1,
            };
            transport::say(&mut socket, &Greeting::Welcome(welcome))
                .await
                .unwrap();
        };
        let ((), linked) = tokio::join!(shard, ends.link.greet());
        is_refusal(linked, (version, version));
    }
}

#[tokio::test]
async fn a_stranger_learns_no_version() {
    let ends = Ends::new().await;
    let serving = async { ends.server.greet(ends.accept().await).await };
    let wrong = "another secret, of the same length".into();
    let stranger = ends.greet_as((VERSION, VERSION), wrong);
    let (served, heard) = tokio::join!(serving, stranger);
    assert!(matches!(served, Err(LinkError::Token)), "{served:?}");
    assert!(heard.is_err(), "{heard:?}");
}

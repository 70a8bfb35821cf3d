//! One edge worker, a client's socket, and the shard's side of its link.

use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use herdgate_admission::edge::EdgeView;
use herdgate_admission::last_class::Came;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, watch};
use tokio::task::LocalSet;
use tokio::time::timeout;

use crate::codec::{Connect, Packet, Protocol, encode};
use crate::config::{Config, Host, Role, Sources, load};
use crate::edge::control::ControlMail;
use crate::edge::drain::Stage;
use crate::edge::questions::MOST_QUESTIONS;
use crate::edge::{EdgeParts, EdgeWorker, WorkerWires};
use crate::link::{LinkTarget, MemoryLink, StreamId, ToEdge, ToShard};
use crate::metrics::Metrics;
use crate::process::{Bound, Clock};
use crate::shard::core::LinkId;
use crate::shard::{EdgeSink, Mail, Mailboxes};

/// Far longer than anything here takes.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

pub(super) struct Edge {
    pub(super) shared: Arc<crate::edge::Shared>,
    pub(super) view: watch::Sender<EdgeView>,
    address: std::net::SocketAddr,
    inbox: UnboundedReceiver<Mail>,
    sink: EdgeSink,
    frames: std::collections::VecDeque<ToShard>,
    mail: UnboundedReceiver<ControlMail>,
    /// Kept, so that the worker lives.
    _drain: watch::Sender<Stage>,
    _report: ReportSender,
    _census: CensusSender,
}

type CensusSender = watch::Sender<Option<Arc<herdgate_admission::keeper::CensusReport>>>;
type ReportSender = watch::Sender<Option<Arc<herdgate_admission::report::EdgeReport>>>;

/// Runs a test with an edge of these settings on top of the usual ones.
pub(super) fn with_edge<F: Future<Output = ()>>(set: &[&str], test: impl FnOnce(Edge) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async {
        let edge = start(set).await;
        timeout(2 * DEADLINE, test(edge))
            .await
            .expect("the test ends");
    });
}

async fn start(set: &[&str]) -> Edge {
    let settings = settings(set);
    let metrics = Metrics::new();
    let mut bound = Bound::default();
    let parts = EdgeParts::build("test", settings, Clock::start(), &metrics, &mut bound).unwrap();
    let (mailboxes, mut inboxes) = Mailboxes::new(1);
    let (control, mail): (UnboundedSender<ControlMail>, _) = unbounded_channel();
    let (view, views) = watch::channel(parts.admission.view());
    let (report, reports) = watch::channel(None);
    let (census, censuses) = watch::channel(None);
    let (drain, stage) = watch::channel(Stage::Serving);
    parts.shared.places.set_limit(u32::MAX);
    let worker = EdgeWorker {
        index: 0,
        shared: Arc::clone(&parts.shared),
        sockets: parts.sockets.into_iter().next().unwrap(),
        links: vec![LinkTarget::Memory(MemoryLink {
            link: LinkId(0),
            workers: mailboxes,
        })],
        wires: WorkerWires {
            control,
            view: views,
            report: reports,
            census: censuses,
            drain: stage,
            questions: broadcast::channel(MOST_QUESTIONS).0,
        },
    };
    tokio::task::spawn_local(worker.run());
    let mut inbox = inboxes.remove(0);
    let Some(Mail::LinkUp { sink, .. }) = inbox.recv().await else {
        panic!("the link comes up first")
    };
    Edge {
        shared: parts.shared,
        view,
        address: bound.listeners["mqtt"],
        inbox,
        sink,
        frames: std::collections::VecDeque::new(),
        mail,
        _drain: drain,
        _report: report,
        _census: census,
    }
}

fn settings(set: &[&str]) -> crate::config::EdgeSettings {
    let usual = [
        "listeners=[{name: mqtt, address: \"127.0.0.1:0\", protocol: mqtt}]",
        "edge.workers=1",
        "admission.mode=Open",
        "admission.patienceLearning=false",
    ];
    let sources = Sources {
        file: None,
        env: Vec::new(),
        set: usual
            .iter()
            .chain(set)
            .map(|text| (*text).to_owned())
            .collect(),
        host: Host {
            name: "test".to_owned(),
            cores: NonZeroUsize::MIN,
        },
    };
    match load(&sources, Role::Standalone).unwrap() {
        Config::Standalone(config) => config.edge,
        other => panic!("asked for standalone, got {other:?}"),
    }
}

impl Edge {
    pub(super) async fn dial(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// From 127.0.0.`last`.
    pub(super) async fn dial_from(&self, last: u8) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, last], 0).into()).unwrap();
        Client(socket.connect(self.address).await.unwrap())
    }

    /// The next frame for the shard.
    pub(super) async fn frame(&mut self) -> ToShard {
        while self.frames.is_empty() {
            let mail = timeout(DEADLINE, self.inbox.recv())
                .await
                .expect("the shard hears something");
            if let Some(Mail::Frames { frames, .. }) = mail {
                self.frames.extend(frames);
            }
        }
        self.frames.pop_front().unwrap()
    }

    pub(super) async fn attach(&mut self) -> StreamId {
        match self.frame().await {
            ToShard::Attach { stream, .. } => stream,
            other => panic!("expected an attach, got {other:?}"),
        }
    }

    pub(super) fn say(&self, frame: ToEdge) {
        self.say_all(vec![frame]);
    }

    /// Together, as a link brings frames.
    pub(super) fn say_all(&self, frames: Vec<ToEdge>) {
        self.sink.send(frames).unwrap();
    }

    /// How the next `count` ways in ended, as the law is told, and those that it is told of in the report after that.
    pub(super) async fn came(&mut self, count: usize) -> Vec<Came> {
        let mut came = Vec::new();
        loop {
            let had_enough = came.len() >= count;
            let mail = timeout(DEADLINE, self.mail.recv());
            if let Some(ControlMail::Worker(news)) = mail.await.expect("there is news") {
                came.extend(news.came);
                if had_enough {
                    return came;
                }
            }
        }
    }

    /// Until everybody who was let in is done with it.
    pub(super) async fn until_nobody_enters(&self) {
        while self.shared.places.used() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// A client with a session.
    pub(super) async fn attached(&mut self, connect: Connect) -> (Client, StreamId) {
        let mut client = self.dial().await;
        client.connect(connect).await;
        let stream = self.attach().await;
        self.say(ToEdge::Attached {
            stream,
            connack: Bytes::from_static(&[0x20, 2, 0, 0]),
        });
        assert_eq!(client.read(4).await, [0x20, 2, 0, 0]);
        (client, stream)
    }
}

pub(super) struct Client(pub(super) TcpStream);

impl Client {
    pub(super) async fn connect(&mut self, connect: Connect) {
        let protocol = connect.protocol;
        self.send(&encode(protocol, &Packet::Connect(Box::new(connect))).unwrap())
            .await;
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        timeout(DEADLINE, self.0.write_all(bytes))
            .await
            .expect("the edge reads")
            .unwrap();
    }

    pub(super) async fn read(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        timeout(DEADLINE, self.0.read_exact(&mut bytes))
            .await
            .expect("the edge answers")
            .unwrap();
        bytes
    }

    /// Everything until the edge closes.
    pub(super) async fn read_to_end(&mut self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        timeout(DEADLINE, self.0.read_to_end(&mut bytes))
            .await
            .expect("the edge closes")?;
        Ok(bytes)
    }
}

pub(super) fn v3(client_id: &str) -> Connect {
    Connect::new(Protocol::V311, client_id)
}

/// It wants no reasons: tests compare packets, and reasons have their own.
pub(super) fn v5(client_id: &str) -> Connect {
    let mut connect = Connect::new(Protocol::V5, client_id);
    connect.properties.request_problem_information = false;
    connect
}

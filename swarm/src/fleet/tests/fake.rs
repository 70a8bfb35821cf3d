//! A server of a few lines that answers as a broker would, and misbehaves when told to.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use bytes::BytesMut;
use herdgate::codec::{self, Ack, ConnAck, Packet, Protocol, ReasonCode, SubAck};
use herdgate::proxy_protocol::{self, Source};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

/// What the server does to those who come.
#[derive(Default)]
pub(super) struct Fake {
    tls: Option<Arc<rustls::ServerConfig>>,
    /// Connections to reset at once.
    pub(super) resets: Cell<u32>,
    /// CONNECTs to answer with this code.
    pub(super) denials: Cell<u32>,
    pub(super) denial: Cell<u8>,
    /// Says nothing at all.
    pub(super) mute: Cell<bool>,
    pub(super) handshakes: Cell<u64>,
    /// Connections begin with a PROXY header.
    pub(super) behind_a_balancer: Cell<bool>,
    /// The addresses in these headers.
    pub(super) told: RefCell<Vec<IpAddr>>,
    /// Connections that have not ended.
    pub(super) open: Cell<u32>,
    connections: RefCell<Vec<AbortHandle>>,
}

impl Fake {
    pub(super) fn with_tls(config: Arc<rustls::ServerConfig>) -> Self {
        Self {
            tls: Some(config),
            ..Self::default()
        }
    }

    /// Serves for as long as the test runs.
    pub(super) async fn serve(self: &Rc<Self>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Rc::clone(self);
        tokio::task::spawn_local(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let connection = tokio::task::spawn_local(Rc::clone(&fake).connection(tcp));
                fake.connections
                    .borrow_mut()
                    .push(connection.abort_handle());
            }
        });
        address
    }

    /// Throws everybody out.
    pub(super) fn restart(&self) {
        self.connections
            .borrow_mut()
            .drain(..)
            .for_each(|connection| connection.abort());
    }

    async fn connection(self: Rc<Self>, mut tcp: TcpStream) {
        if take_one(&self.resets) {
            tcp.set_zero_linger().unwrap();
            return;
        }
        if self.behind_a_balancer.get() {
            self.read_header(&mut tcp).await;
        }
        self.open.set(self.open.get() + 1);
        // what goes wrong here is what the gateway is to notice
        match &self.tls {
            None => _ = self.talk(tcp).await,
            Some(tls) => {
                if let Ok(stream) = TlsAcceptor::from(Arc::clone(tls)).accept(tcp).await {
                    self.handshakes.set(self.handshakes.get() + 1);
                    _ = self.talk(stream).await;
                }
            }
        }
        self.open.set(self.open.get() - 1);
    }

    async fn read_header(&self, tcp: &mut TcpStream) {
        // of version 2 over IPv4
        let mut bytes = [0; 28];
        tcp.read_exact(&mut bytes).await.unwrap();
        let header = proxy_protocol::parse(&bytes).unwrap().unwrap();
        let Source::Client(client) = header.source else {
            panic!("nobody's address");
        };
        self.told.borrow_mut().push(client.ip());
    }

    async fn talk(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let mut inbox = BytesMut::new();
        while stream.read_buf(&mut inbox).await? > 0 {
            while let Some(frame) = codec::frame::split(&mut inbox, 65_536).unwrap() {
                let packet = codec::decode(Protocol::V311, &frame).unwrap();
                for answer in self.answers(packet) {
                    stream
                        .write_all(&codec::encode(Protocol::V311, &answer).unwrap())
                        .await?;
                }
                stream.flush().await?;
            }
        }
        Ok(())
    }

    fn answers(&self, packet: Packet) -> Vec<Packet> {
        match packet {
            _ if self.mute.get() => vec![],
            Packet::Connect(_) if take_one(&self.denials) => {
                vec![Packet::ConnAck(Box::new(ConnAck::new(ReasonCode(
                    self.denial.get(),
                ))))]
            }
            Packet::Connect(_) => {
                vec![Packet::ConnAck(Box::new(ConnAck::new(ReasonCode::SUCCESS)))]
            }
            Packet::Subscribe(subscribe) => {
                vec![Packet::SubAck(SubAck::new(
                    subscribe.packet_id,
                    vec![ReasonCode::GRANTED_QOS_1],
                ))]
            }
            Packet::Publish(message) => {
                let ack = |id| Packet::PubAck(Ack::new(id, ReasonCode::SUCCESS));
                let acks = message.packet_id.map(ack).into_iter();
                acks.chain([Packet::Publish(message.clone())]).collect()
            }
            Packet::PingReq => vec![Packet::PingResp],
            _ => vec![],
        }
    }
}

fn take_one(left: &Cell<u32>) -> bool {
    let some = left.get() > 0;
    left.set(left.get().saturating_sub(1));
    some
}

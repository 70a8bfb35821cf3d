//! One MQTT client, straightforward: packets out, packets in.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::BytesMut;
use herdgate::codec::{self, Connect, Packet, PacketId, Protocol, QoS, Subscribe, Subscription};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::dial::{self, Source};
use crate::scenario::{ProxyVersion, Who};

/// The largest packet that is taken.
const MAX_PACKET: usize = 1 << 20;

/// How the server is reached.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) target: SocketAddr,
    /// One connector for each certificate, tried in turn; none for plain MQTT.
    pub(crate) tls: Vec<(TlsConnector, ServerName<'static>)>,
    pub(crate) protocol: Protocol,
    pub(crate) proxy: Option<ProxyVersion>,
    /// From `connect()` to the last SUBACK.
    pub(crate) patience: Duration,
}

trait Bytes: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Bytes for T {}

/// A client with a session.
pub(super) struct Peer {
    stream: Box<dyn Bytes>,
    inbox: BytesMut,
    protocol: Protocol,
}

impl Peer {
    /// Connects with the certificate of this number and subscribes to the filters at `QoS` 0.
    pub(super) async fn open(
        door: &Door,
        who: &Who,
        source: Option<IpAddr>,
        certificate: usize,
        filters: &[String],
    ) -> anyhow::Result<Self> {
        timeout(door.patience, async {
            let stream = Self::dial(door, source, certificate).await?;
            let mut peer = Self {
                stream,
                inbox: BytesMut::new(),
                protocol: door.protocol,
            };
            peer.greet(who).await?;
            for filter in filters {
                peer.subscribe(filter).await?;
            }
            Ok(peer)
        })
        .await
        .context("failed to get in in time")?
    }

    async fn dial(
        door: &Door,
        source: Option<IpAddr>,
        certificate: usize,
    ) -> anyhow::Result<Box<dyn Bytes>> {
        let tcp = dial::connect(Source::new(source, door.proxy), door.target).await?;
        if door.tls.is_empty() {
            return Ok(Box::new(tcp));
        }
        let (connector, name) = &door.tls[certificate % door.tls.len()];
        Ok(Box::new(connector.connect(name.clone(), tcp).await?))
    }

    async fn greet(&mut self, who: &Who) -> anyhow::Result<()> {
        let connect = Connect {
            username: who.user_name.as_deref().map(Into::into),
            password: who.password.clone().map(Into::into),
            ..Connect::new(self.protocol, who.client_id.as_str())
        };
        self.send(&Packet::Connect(Box::new(connect))).await?;
        match self.next().await? {
            Packet::ConnAck(ack) => ensure!(ack.code.0 == 0, "refused with {}", ack.code.0),
            other => bail!("no CONNACK but {other:?}"),
        }
        Ok(())
    }

    async fn subscribe(&mut self, filter: &str) -> anyhow::Result<()> {
        let subscribe = Subscribe {
            packet_id: PacketId::MIN,
            subscription_id: None,
            filters: vec![Subscription::new(filter, QoS::AtMostOnce)],
            user: Vec::new(),
        };
        self.send(&Packet::Subscribe(subscribe)).await?;
        loop {
            if let Packet::SubAck(ack) = self.next().await? {
                let granted = ack.codes.iter().all(|code| !code.is_error());
                ensure!(granted, "{filter} is not granted");
                return Ok(());
            }
        }
    }

    pub(super) async fn send(&mut self, packet: &Packet) -> anyhow::Result<()> {
        let bytes = codec::encode(self.protocol, packet)?;
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// The next packet; nothing is lost when it is not waited for to the end.
    pub(super) async fn next(&mut self) -> anyhow::Result<Packet> {
        loop {
            if let Some(frame) = codec::frame::split(&mut self.inbox, MAX_PACKET)? {
                return Ok(codec::decode(self.protocol, &frame)?);
            }
            let read = self.stream.read_buf(&mut self.inbox).await?;
            ensure!(read > 0, "closed by the server");
        }
    }
}

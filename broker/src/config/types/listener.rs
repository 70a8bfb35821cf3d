//! Where clients connect, and what a listener asks of them.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

use crate::link::ListenerLimits;

#[derive(Clone, Debug)]
pub struct Listener {
    pub name: String,
    pub address: SocketAddr,
    /// `Some` for mqtts and wss, `None` for mqtt and ws.
    pub tls: Option<Tls>,
    /// `Some` for ws and wss, `None` for mqtt and mqtts.
    pub web_socket: Option<WebSocket>,
    /// `None`: clients connect directly.
    pub proxy_protocol: Option<ProxyProtocol>,
    pub max_connections: NonZeroU32,
    /// From the end of TLS (or the accept without) to a whole CONNECT.
    pub connect_timeout: Duration,
    /// Bytes of the largest whole MQTT packet that a client may send.
    pub max_packet_bytes: u32,
    pub max_client_id_bytes: u16,
    /// Both ways; 0: none.
    pub topic_alias_maximum: u16,
    /// What a shard holds its clients to, beside its own limits.
    pub limits: ListenerLimits,
    /// Packets of one client a second; `None`: as many as it likes.
    pub publish_rate: Option<NonZeroU32>,
    pub subscribe_rate: Option<NonZeroU32>,
    /// How long a client may take nothing while packets wait for it.
    pub unread_timeout: Duration,
    /// `None`: no cap.
    pub max_keep_alive_seconds: Option<u16>,
    /// Methods of enhanced authentication; `None`: those that the password file has users for.
    pub authentication_methods: Option<Vec<AuthenticationMethod>>,
    /// How long sent data may stay unacknowledged; `None`: as the kernel likes, some 15 minutes.
    pub tcp_user_timeout: Option<Duration>,
}

/// A method of MQTT 5's enhanced authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum AuthenticationMethod {
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
}

/// Balancers pass clients on, and say in a header whose connection it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyProtocol {
    /// Where balancers connect from. Never empty.
    pub trusted: Vec<IpNet>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    pub certificate_file: PathBuf,
    pub private_key_file: PathBuf,
    pub client_auth: ClientAuth,
    pub min_version: TlsVersion,
    pub alpn: Alpn,
}

/// What is agreed on to be spoken within TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// Whatever a client offers, nothing is agreed on: MQTT.
    None,
    /// `http/1.1`; who offers others only is refused.
    Http1,
}

/// What a request for WebSocket is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocket {
    /// Begins with `/`.
    pub path: String,
    pub allowed_origins: AllowedOrigins,
}

/// Pages of which origins may connect. Who names none is no browser, and may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    Any,
    /// Those of the host that was asked, and these.
    OwnAnd(Vec<String>),
}

/// Whether a listener asks its clients for a certificate, and by which authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    None,
    Optional { ca_file: PathBuf },
    Required { ca_file: PathBuf },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum TlsVersion {
    #[serde(rename = "1.2")]
    V12,
    #[serde(rename = "1.3")]
    V13,
}

//! A client that says exactly what a test wants said, byte by byte.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::{Domain, Socket, Type};

use crate::wait::PATIENT;

pub const CONNECT: u8 = 0x10;
pub const CONNACK: u8 = 0x20;
pub const PUBLISH: u8 = 0x30;
pub const PUBACK: u8 = 0x40;
pub const SUBACK: u8 = 0x90;
pub const PINGRESP: u8 = 0xD0;
pub const DISCONNECT: u8 = 0xE0;

/// A packet as it was read: the first byte's kind and flags, and what follows the length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub first: u8,
    pub body: Vec<u8>,
}

impl Packet {
    pub fn kind(&self) -> u8 {
        self.first & 0xF0
    }

    /// Topic and payload of a QoS 0 or 1 PUBLISH in MQTT 3.1.1.
    pub fn published(&self) -> (String, Vec<u8>) {
        assert_eq!(self.kind(), PUBLISH, "{self:?}");
        let length = usize::from(u16::from_be_bytes([self.body[0], self.body[1]]));
        let topic = String::from_utf8(self.body[2..2 + length].to_vec()).unwrap();
        let id = if self.first & 0x06 == 0 { 0 } else { 2 };
        (topic, self.body[2 + length + id..].to_vec())
    }
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

pub struct Client {
    transport: Transport,
}

impl Client {
    pub fn plain(address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            transport: Transport::Plain(prepare(TcpStream::connect(address)?)?),
        })
    }

    /// From an address of this machine.
    pub fn plain_from(source: IpAddr, address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(source, 0).into())?;
        socket.connect(&address.into())?;
        Ok(Self {
            transport: Transport::Plain(prepare(socket.into())?),
        })
    }

    /// The handshake is done when this returns; in TLS 1.3 the server may still refuse the certificate.
    pub fn tls(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<Self> {
        Self::tls_over(TcpStream::connect(address)?, "localhost", config)
    }

    /// As `tls`, over a connection that is there, to a server of that name.
    pub fn tls_over(
        stream: TcpStream,
        server_name: &str,
        config: &Arc<ClientConfig>,
    ) -> io::Result<Self> {
        let name = ServerName::try_from(server_name.to_owned()).unwrap();
        let connection =
            ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, prepare(stream)?);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self {
            transport: Transport::Tls(Box::new(stream)),
        })
    }

    /// The certificate that the server showed, DER.
    pub fn server_certificate(&self) -> Vec<u8> {
        let Transport::Tls(stream) = &self.transport else {
            panic!("not over TLS")
        };
        stream.conn.peer_certificates().unwrap()[0].to_vec()
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.transport {
            Transport::Plain(stream) => stream.write_all(bytes),
            Transport::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// The next packet; an error when the server closes or says nothing for long.
    pub fn read(&mut self) -> io::Result<Packet> {
        let mut byte = [0; 1];
        self.read_exact(&mut byte)?;
        let first = byte[0];
        let mut length = 0_usize;
        for shift in [0, 7, 14, 21] {
            self.read_exact(&mut byte)?;
            length |= usize::from(byte[0] & 0x7F) << shift;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.read_exact(&mut body)?;
        Ok(Packet { first, body })
    }

    /// Sends CONNECT and returns the CONNACK.
    pub fn connect(&mut self, connect: &Connect) -> io::Result<Packet> {
        self.send(&connect.encode())?;
        self.read()
    }

    /// Sends CONNECT and expects to be let in.
    pub fn login(&mut self, connect: &Connect) {
        let connack = self.connect(connect).expect("a CONNACK comes");
        assert_eq!(
            (connack.kind(), connack.body[1]),
            (CONNACK, 0),
            "{connack:?}"
        );
    }

    /// Subscribes in MQTT 3.1.1 and returns the granted code.
    pub fn subscribe(&mut self, filter: &str, qos: u8) -> u8 {
        let mut body = vec![0, 1];
        text(&mut body, filter);
        body.push(qos);
        self.send(&packet(0x82, &body)).unwrap();
        let suback = self.read().expect("a SUBACK comes");
        assert_eq!(suback.kind(), SUBACK, "{suback:?}");
        *suback.body.last().unwrap()
    }

    /// True once the server has closed; packets before that are dropped.
    pub fn until_closed(&mut self) -> Vec<Packet> {
        let mut before = Vec::new();
        loop {
            match self.read() {
                Ok(packet) => before.push(packet),
                Err(error) if is_timeout(&error) => {
                    panic!("the server does not close; it sent {before:?}")
                }
                Err(_) => return before,
            }
        }
    }

    pub fn set_read_timeout(&mut self, timeout: Duration) {
        match &self.transport {
            Transport::Plain(stream) => stream.set_read_timeout(Some(timeout)),
            Transport::Tls(stream) => stream.sock.set_read_timeout(Some(timeout)),
        }
        .unwrap();
    }

    fn read_exact(&mut self, into: &mut [u8]) -> io::Result<()> {
        match &mut self.transport {
            Transport::Plain(stream) => stream.read_exact(into),
            Transport::Tls(stream) => stream.read_exact(into),
        }
    }
}

pub fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn prepare(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_read_timeout(Some(PATIENT))?;
    stream.set_write_timeout(Some(PATIENT))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What a CONNECT says.
#[derive(Clone)]
pub struct Connect {
    pub protocol: &'static str,
    pub level: u8,
    pub client_id: String,
    pub keep_alive: u16,
    pub user: Option<(String, String)>,
    /// Topic and payload, QoS 0, not retained.
    pub will: Option<(String, String)>,
}

impl Connect {
    /// MQTT 3.1.1, clean session, no keep-alive.
    pub fn v3(client_id: &str) -> Self {
        let client_id = client_id.to_owned();
        Self {
            protocol: "MQTT",
            level: 4,
            client_id,
            keep_alive: 0,
            user: None,
            will: None,
        }
    }

    /// MQTT 5, clean start, no properties.
    pub fn v5(client_id: &str) -> Self {
        Self {
            level: 5,
            ..Self::v3(client_id)
        }
    }

    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.user = Some((name.to_owned(), password.to_owned()));
        self
    }

    #[must_use]
    pub fn keep_alive(mut self, seconds: u16) -> Self {
        self.keep_alive = seconds;
        self
    }

    #[must_use]
    pub fn will(mut self, topic: &str, payload: &str) -> Self {
        self.will = Some((topic.to_owned(), payload.to_owned()));
        self
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut flags = 0x02;
        let mut payload = Vec::new();
        text(&mut payload, &self.client_id);
        if let Some((topic, message)) = &self.will {
            flags |= 0x04;
            if self.level == 5 {
                payload.push(0);
            }
            text(&mut payload, topic);
            text(&mut payload, message);
        }
        if let Some((name, password)) = &self.user {
            flags |= 0xC0;
            text(&mut payload, name);
            text(&mut payload, password);
        }
        let mut body = Vec::new();
        text(&mut body, self.protocol);
        body.extend([self.level, flags]);
        body.extend(self.keep_alive.to_be_bytes());
        if self.level == 5 {
            body.push(0);
        }
        body.extend(payload);
        packet(CONNECT, &body)
    }
}

/// A QoS 0 PUBLISH in MQTT 3.1.1.
pub fn publish(topic: &str, payload: &str) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, topic);
    body.extend(payload.as_bytes());
    packet(PUBLISH, &body)
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut rest = body.len();
    loop {
        let low = u8::try_from(rest & 0x7F).unwrap();
        rest >>= 7;
        out.push(if rest > 0 { low | 0x80 } else { low });
        if rest == 0 {
            break;
        }
    }
    out.extend(body);
    out
}

fn text(out: &mut Vec<u8>, value: &str) {
    out.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    out.extend(value.as_bytes());
}

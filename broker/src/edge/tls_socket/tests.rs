//! Against a client that others wrote, over real sockets.

use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use rustls_pki_types::{PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);
const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

fn configs(version: &'static SupportedProtocolVersion) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

async fn pair(version: &'static SupportedProtocolVersion) -> (TlsSocket, TlsStream<TcpStream>) {
    let (server, client) = configs(version);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connect = async {
        let socket = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(client)
            .connect(name, socket)
            .await
            .unwrap()
    };
    let accept = async {
        let (socket, _) = listener.accept().await.unwrap();
        TlsSocket::accept(server, socket)
            .await
            .map_err(|(error, _)| error)
            .unwrap()
    };
    timeout(DEADLINE, async { tokio::join!(accept, connect) })
        .await
        .unwrap()
}

fn assert_holds_nothing(stream: &TlsSocket) {
    assert!(stream.steps.plain.is_empty() && stream.steps.sealed.is_empty());
    assert_eq!(stream.partial.capacity(), 0);
}

#[tokio::test]
async fn megabytes_pass_both_ways_and_an_idle_stream_holds_nothing() {
    for version in VERSIONS {
        let (mut server, mut client) = pair(version).await;
        assert_holds_nothing(&server);
        let sent: Vec<u8> = (0..3_000_000_u32)
            .map(|n| n.to_le_bytes()[n as usize % 3])
            .collect();
        let echo = async {
            let mut buffer = vec![0; 1000];
            let mut left = sent.len();
            while left > 0 {
                let read = server.read(&mut buffer).await.unwrap();
                server.write_all(&buffer[..read]).await.unwrap();
                left -= read;
            }
            server.flush().await.unwrap();
        };
        let (mut from, mut to) = tokio::io::split(&mut client);
        let mut heard = vec![0; sent.len()];
        let talk = async {
            let write = async {
                to.write_all(&sent).await.unwrap();
                to.flush().await.unwrap();
            };
            let read = async {
                from.read_exact(&mut heard).await.unwrap();
            };
            tokio::join!(write, read);
        };
        timeout(DEADLINE, async { tokio::join!(echo, talk) })
            .await
            .unwrap();
        assert!(heard == sent);
        assert_holds_nothing(&server);
    }
}

#[tokio::test]
async fn pieces_become_one_record() {
    let (mut server, mut client) = pair(&version::TLS13).await;
    let pieces: Vec<_> = (0..20_u8).map(|n| vec![n; 1000]).collect();
    let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let written = server.write_vectored(&slices).await.unwrap();
    assert_eq!(written, FRAGMENT);
    let mut heard = vec![0; written];
    timeout(DEADLINE, client.read_exact(&mut heard))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(heard, pieces.concat()[..written]);
}

#[tokio::test]
async fn both_ends_hear_of_a_close() {
    for version in VERSIONS {
        let (mut server, mut client) = pair(version).await;
        server.write_all(b"goodbye").await.unwrap();
        server.shutdown().await.unwrap();
        let mut heard = Vec::new();
        // an end without close_notify is an error here
        timeout(DEADLINE, client.read_to_end(&mut heard))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(heard, b"goodbye");
        client.shutdown().await.unwrap();
        let mut nothing = Vec::new();
        timeout(DEADLINE, server.read_to_end(&mut nothing))
            .await
            .unwrap()
            .unwrap();
        assert!(nothing.is_empty());
    }
}

#[tokio::test]
async fn whoever_fails_to_shake_hands_is_told_and_the_socket_comes_back() {
    let (server, _) = configs(&version::TLS13);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let accept = timeout(DEADLINE, TlsSocket::accept(server, socket))
        .await
        .unwrap();
    let (error, socket) = accept.err().unwrap();
    let cause = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    assert!(cause.is_some(), "{error}");
    drop(socket);
    let mut alert = [0; 7];
    timeout(DEADLINE, client.read_exact(&mut alert))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(alert[0], 21, "a record of the kind alert");
}

/// Passes on what `from` sends, a few bytes a write.
async fn crumble(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) {
    let mut buffer = [0; 7];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    let _ = to.shutdown().await;
}

#[tokio::test]
async fn records_that_come_in_crumbs_are_put_together_while_we_write() {
    for version in VERSIONS {
        let (config, client) = configs(version);
        let (near, far) = (
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
        );
        let (front, back) = (near.local_addr().unwrap(), far.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut client, _) = near.accept().await.unwrap();
            let mut server = TcpStream::connect(back).await.unwrap();
            server.set_nodelay(true).unwrap();
            let (mut from_client, mut to_client) = client.split();
            let (mut from_server, mut to_server) = server.split();
            tokio::join!(
                crumble(&mut from_client, &mut to_server),
                crumble(&mut from_server, &mut to_client)
            );
        });
        let talk = async {
            let socket = TcpStream::connect(front).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let mut client = TlsConnector::from(client)
                .connect(name, socket)
                .await
                .unwrap();
            client.write_all(&[7; 3000]).await.unwrap();
            client.flush().await.unwrap();
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).await.unwrap();
            heard.len()
        };
        let serve = async {
            let (socket, _) = far.accept().await.unwrap();
            let accepted = TlsSocket::accept(config, socket).await;
            let mut server = accepted.map_err(|(error, _)| error).unwrap();
            let (mut heard, mut buffer, mut told) = (0, [0; 100], 0);
            while heard < 3000 {
                // a record is cut off nearly every time
                server.write_all(b"meanwhile").await.unwrap();
                told += 9;
                let read = tokio::select! {
                    read = server.read(&mut buffer) => read.unwrap(),
                    () = tokio::task::yield_now() => continue,
                };
                heard += read;
            }
            server.shutdown().await.unwrap();
            told
        };
        let (told, heard) = timeout(DEADLINE, async { tokio::join!(serve, talk) })
            .await
            .unwrap();
        assert_eq!(told, heard);
    }
}

//! Exchanges before and after CONNACK, over real sockets.

use std::num::NonZeroU32;
use std::path::Path;

use bytes::Bytes;

use super::harness::{Client, Edge, v5, with_edge};
use crate::auth::scram::ScramVerifier;
use crate::auth::scram::tests::client_final;
use crate::codec::{Auth, Connect, Disconnect, Packet, Protocol, ReasonCode, decode, encode};
use crate::link::{DetachReason, StreamId, ToEdge, ToShard};

const METHOD: &str = "SCRAM-SHA-256";
const CONNACK: [u8; 5] = [0x20, 3, 0, 0, 0];

/// A file with users alice and bob, whose passwords are their names.
fn file(folder: &Path) -> String {
    let least = NonZeroU32::new(ScramVerifier::MIN_ITERATIONS).unwrap();
    let line = |user: &str| format!("{user}:{}\n", ScramVerifier::derive(user, least).unwrap());
    let file = folder.join("passwords");
    std::fs::write(&file, ["alice", "bob"].map(line).concat()).unwrap();
    format!("authentication.passwordFile={}", file.display())
}

/// Runs a test with an edge that knows alice and bob.
pub(super) fn with_users<F: Future<Output = ()>>(set: &[&str], test: impl FnOnce(Edge) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let users = file(folder.path());
    with_edge(&[&[users.as_str()], set].concat(), test);
}

pub(super) fn connect(client_id: &str, data: Option<&str>) -> Connect {
    let mut connect = v5(client_id);
    connect.properties.authentication_method = Some(METHOD.into());
    connect.properties.authentication_data = data.map(|data| data.to_owned().into());
    connect
}

fn auth(code: ReasonCode, method: &str, data: &str) -> Bytes {
    let packet = Packet::Auth(Auth {
        code,
        method: Some(method.into()),
        data: Some(data.to_owned().into()),
    });
    encode(Protocol::V5, &packet).unwrap()
}

impl Client {
    async fn packet(&mut self) -> Packet {
        let head = self.read(2).await;
        let body = self.read(usize::from(head[1])).await;
        decode(Protocol::V5, &[head, body].concat().into()).unwrap()
    }

    /// The data of an AUTH that asks for more.
    async fn challenge(&mut self) -> String {
        let Packet::Auth(auth) = self.packet().await else {
            panic!("an AUTH")
        };
        // [MQTT-4.12.0-2], [MQTT-4.12.0-5]
        assert_eq!(
            (auth.code, auth.method.as_deref()),
            (ReasonCode::CONTINUE_AUTHENTICATION, Some(METHOD))
        );
        String::from_utf8(auth.data.unwrap().to_vec()).unwrap()
    }

    async fn answer(&mut self, user: &str, password: &str, challenge: &str) {
        let bare = format!("n={user},r=client");
        let last = client_final(password, "n,,", &bare, challenge);
        self.send(&auth(ReasonCode::CONTINUE_AUTHENTICATION, METHOD, &last))
            .await;
    }

    /// From CONNECT to the last AUTH.
    async fn prove(&mut self, user: &str, password: &str) {
        let first = format!("n,,n={user},r=client");
        self.connect(connect(user, Some(&first))).await;
        let challenge = self.challenge().await;
        self.answer(user, password, &challenge).await;
    }

    /// The code of a CONNACK or DISCONNECT, and then the end.
    pub(super) async fn refused(&mut self) -> ReasonCode {
        let bytes = self.read_to_end().await.unwrap();
        match decode(Protocol::V5, &bytes.into()).unwrap() {
            Packet::ConnAck(ack) => ack.code,
            Packet::Disconnect(Disconnect { code, .. }) => code,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }
}

/// Alice with a session that she proved to be hers.
async fn alice(edge: &mut Edge) -> (Client, StreamId) {
    let mut client = edge.dial().await;
    client.prove("alice", "alice").await;
    let stream = edge.attach().await;
    attached(edge, &mut client, stream).await;
    (client, stream)
}

async fn attached(edge: &Edge, client: &mut Client, stream: StreamId) {
    let connack = Bytes::from_static(&CONNACK);
    edge.say(ToEdge::Attached { stream, connack });
    assert_eq!(client.read(CONNACK.len()).await, CONNACK);
}

#[test]
fn the_shard_hears_who_proved_what_and_nothing_of_how() {
    with_users(&[], async |mut edge| {
        let mut client = edge.dial().await;
        client.prove("alice", "alice").await;
        let ToShard::Attach { attach, .. } = edge.frame().await else {
            panic!("an attach")
        };
        assert_eq!(attach.principal.as_deref(), Some("alice"));
        let told = attach.authenticated.unwrap();
        assert_eq!(&*told.method, METHOD);
        assert!(told.data.unwrap().starts_with(b"v="));
        let Ok(Packet::Connect(seen)) = decode(Protocol::V5, &attach.connect) else {
            panic!("a CONNECT")
        };
        assert_eq!(seen.properties.authentication_method, None);
        assert_eq!(seen.properties.authentication_data, None);
    });
}

#[test]
fn a_client_may_let_the_server_begin() {
    with_users(&[], async |mut edge| {
        let mut client = edge.dial().await;
        client.connect(connect("alice", None)).await;
        assert_eq!(client.challenge().await, "");
        let more = ReasonCode::CONTINUE_AUTHENTICATION;
        client
            .send(&auth(more, METHOD, "n,,n=alice,r=client"))
            .await;
        let challenge = client.challenge().await;
        client.answer("alice", "alice", &challenge).await;
        edge.attach().await;
    });
}

#[test]
fn who_cannot_prove_it_is_refused() {
    with_users(
        &["authentication.wrongPasswordWait.firstSeconds=0"],
        async |edge| {
            for (user, password) in [("alice", "bob"), ("nobody", "nobody")] {
                let mut client = edge.dial().await;
                client.prove(user, password).await;
                assert_eq!(
                    client.refused().await,
                    ReasonCode::BAD_USER_NAME_OR_PASSWORD,
                    "{user}"
                );
            }
            let mut client = edge.dial().await;
            let bound = connect("alice", Some("p=tls-exporter,,n=alice,r=x"));
            client.connect(bound).await;
            assert_eq!(client.refused().await, ReasonCode::NOT_AUTHORIZED);
            let mut client = edge.dial().await;
            client
                .connect(connect("bob-1", Some("n,,n=alice,r=client")))
                .await;
            let challenge = client.challenge().await;
            client.answer("alice", "alice", &challenge).await;
            assert_eq!(
                client.refused().await,
                ReasonCode::CLIENT_IDENTIFIER_NOT_VALID,
                "the id is bob's"
            );
        },
    );
}

#[test]
fn an_unknown_method_is_refused_by_its_name() {
    // [MQTT-4.12.0-1]
    let none = "listeners=[{name: mqtt, address: \"127.0.0.1:0\", protocol: mqtt, authenticationMethods: []}]";
    for (method, set) in [("SCRAM-SHA-1", &[][..]), (METHOD, &[none])] {
        with_users(set, async |edge| {
            let mut client = edge.dial().await;
            let mut connect = connect("alice", None);
            connect.properties.authentication_method = Some(method.into());
            client.connect(connect).await;
            assert_eq!(
                client.refused().await,
                ReasonCode::BAD_AUTHENTICATION_METHOD
            );
        });
    }
}

#[test]
fn before_connack_only_auth_and_disconnect_may_come() {
    let more = ReasonCode::CONTINUE_AUTHENTICATION;
    let ping = &[0xC0, 0][..];
    let first = auth(more, "SCRAM-SHA-1", "n,,n=alice,r=x");
    let again = auth(ReasonCode::REAUTHENTICATE, METHOD, "n,,n=alice,r=x");
    let large = auth(more, METHOD, &"x".repeat(9000));
    for (sent, code) in [
        (ping, ReasonCode::PROTOCOL_ERROR),
        (&first, ReasonCode::PROTOCOL_ERROR),
        (&again, ReasonCode::PROTOCOL_ERROR),
        (&[0xF0, 0], ReasonCode::PROTOCOL_ERROR),
        (&[0xF1, 0], ReasonCode::MALFORMED_PACKET),
        (&large, ReasonCode::PACKET_TOO_LARGE),
    ] {
        with_users(&[], async |edge| {
            let mut client = edge.dial().await;
            client.connect(connect("alice", None)).await;
            client.challenge().await;
            client.send(sent).await;
            assert_eq!(client.refused().await, code, "{sent:?}");
        });
    }
    with_users(&[], async |edge| {
        let mut client = edge.dial().await;
        client.connect(connect("alice", None)).await;
        client.challenge().await;
        client.send(&[0xE0, 0]).await;
        assert!(client.read_to_end().await.unwrap().is_empty());
    });
    // behind the last AUTH, too: the client cannot have heard that it is in
    with_users(&[], async |mut edge| {
        let mut client = edge.dial().await;
        client
            .connect(connect("alice", Some("n,,n=alice,r=client")))
            .await;
        let challenge = client.challenge().await;
        let last = client_final("alice", "n,,", "n=alice,r=client", &challenge);
        client
            .send(&[&auth(more, METHOD, &last)[..], ping].concat())
            .await;
        let stream = edge.attach().await;
        attached(&edge, &mut client, stream).await;
        assert_eq!(client.refused().await, ReasonCode::PROTOCOL_ERROR);
        let ended = edge.frame().await;
        let reason = DetachReason::ProtocolError;
        assert!(matches!(ended, ToShard::Detach { reason: of, .. } if of == reason));
    });
}

#[test]
fn a_client_that_does_not_answer_is_let_go() {
    let hasty = "listeners=[{name: mqtt, address: \"127.0.0.1:0\", protocol: mqtt, connectTimeoutSeconds: 0.5}]";
    with_users(&[hasty], async |edge| {
        let mut client = edge.dial().await;
        client.connect(connect("alice", None)).await;
        client.challenge().await;
        assert!(client.read_to_end().await.unwrap().is_empty());
        assert_eq!(edge.shared.places.used(), 0);
    });
}

#[test]
fn an_attached_client_proves_itself_again_and_its_session_goes_on() {
    with_users(&[], async |mut edge| {
        let (mut client, _) = alice(&mut edge).await;
        for _ in 0..2 {
            let first = auth(ReasonCode::REAUTHENTICATE, METHOD, "n,,n=alice,r=client");
            let puback = [0x40, 2, 0, 1];
            client.send(&[&puback[..], &first, &puback].concat()).await;
            let challenge = client.challenge().await;
            client.send(&[0xC0, 0]).await;
            assert_eq!(client.packet().await, Packet::PingResp);
            client.answer("alice", "alice", &challenge).await;
            let Packet::Auth(done) = client.packet().await else {
                panic!("an AUTH")
            };
            assert_eq!(
                (done.code, done.method.as_deref()),
                (ReasonCode::SUCCESS, Some(METHOD))
            );
            assert!(done.data.unwrap().starts_with(b"v="));
            let ToShard::Data { packets, .. } = edge.frame().await else {
                panic!("data")
            };
            assert_eq!(
                packets,
                [puback, puback].concat(),
                "AUTH is not for the shard"
            );
        }
    });
}

#[test]
fn a_client_that_fails_to_prove_itself_again_is_disconnected() {
    // [MQTT-4.12.1-1], [MQTT-4.12.1-2]
    let again = |method: &str, user: &str| {
        let first = format!("n,,n={user},r=client");
        auth(ReasonCode::REAUTHENTICATE, method, &first)
    };
    let more = auth(ReasonCode::CONTINUE_AUTHENTICATION, METHOD, "");
    let done = auth(ReasonCode::SUCCESS, METHOD, "");
    for (sent, answer, code) in [
        (
            again("SCRAM-SHA-1", "alice"),
            None,
            ReasonCode::PROTOCOL_ERROR,
        ),
        (more, None, ReasonCode::PROTOCOL_ERROR),
        (done, None, ReasonCode::PROTOCOL_ERROR),
        (
            Bytes::from_static(&[0xF0, 0]),
            None,
            ReasonCode::PROTOCOL_ERROR,
        ),
        (
            Bytes::from_static(&[0xF1, 0]),
            None,
            ReasonCode::MALFORMED_PACKET,
        ),
        (
            again(METHOD, "alice"),
            Some(("alice", "bob")),
            ReasonCode::NOT_AUTHORIZED,
        ),
        (
            again(METHOD, "bob"),
            Some(("bob", "bob")),
            ReasonCode::NOT_AUTHORIZED,
        ),
    ] {
        with_users(&[], async |mut edge| {
            let (mut client, of) = alice(&mut edge).await;
            client.send(&sent).await;
            if let Some((user, password)) = answer {
                let challenge = client.challenge().await;
                client.answer(user, password, &challenge).await;
            }
            assert_eq!(client.refused().await, code, "{sent:?}");
            let ended = edge.frame().await;
            assert!(matches!(ended, ToShard::Detach { stream, .. } if stream == of));
        });
    }
}

#[test]
fn auth_of_a_client_without_a_method_is_the_shards_to_refuse() {
    with_edge(&[], async |mut edge| {
        let (mut client, _) = edge.attached(v5("a")).await;
        let sent = auth(ReasonCode::REAUTHENTICATE, METHOD, "");
        client.send(&sent).await;
        let ToShard::Data { packets, .. } = edge.frame().await else {
            panic!("data")
        };
        assert_eq!(packets, sent);
    });
}

//! The listeners, and what they must not share.

use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;

use super::build::{ClientAuthKind, Protocol, ProxyProtocolMode};
use super::kind::ANY_ORIGIN;
use super::limits::listener_limits;
use super::reader::Reader;
use super::types::{
    AllowedOrigins, Alpn, AuthenticationMethod, ClientAuth, Listener, ProxyProtocol, Role, Tls,
    WebSocket,
};

/// A role that has listeners needs one.
pub(super) fn listeners(top: &Reader<'_>, role: Role) -> Option<Vec<Listener>> {
    let sections = top.subs("listeners");
    if role != Role::Shard && sections.is_empty() {
        top.note("listeners", "is missing; at least one is needed");
    }
    let all: Vec<Option<Listener>> = sections
        .iter()
        .map(|section| listener(section, top, role))
        .collect();
    for (at, (section, listener)) in sections.iter().zip(&all).enumerate() {
        let (Some(listener), Some(before)) = (listener, all.get(..at)) else {
            continue;
        };
        let before = || before.iter().flatten();
        if before().any(|other| other.name == listener.name) {
            section.note(
                "name",
                format!(
                    "{} is the name of an earlier listener; names are unique",
                    listener.name
                ),
            );
        }
        if listener.address.port() != 0 && before().any(|other| other.address == listener.address) {
            section.note(
                "address",
                format!(
                    "{} is the address of an earlier listener; addresses are unique",
                    listener.address
                ),
            );
        }
    }
    all.into_iter().collect()
}

fn listener(section: &Reader<'_>, top: &Reader<'_>, role: Role) -> Option<Listener> {
    let name = section.one("name");
    let address = section.one("address");
    let protocol = section.one("protocol");
    let tls = listener_tls(section, protocol);
    let web_socket = listener_web_socket(section, protocol);
    let balancers = trusted_balancers(&section.sub("proxyProtocol"));
    let max_connections: Option<NonZeroU32> = section.one("maxConnections");
    let connect_timeout = section.one("connectTimeoutSeconds");
    let max_packet_bytes = section.one("maxPacketBytes");
    let max_client_id_bytes = section.one("maxClientIdBytes");
    let topic_alias_maximum = section.one("topicAliasMaximum");
    let publish_rate: Option<u32> = section.one("publishRate");
    let subscribe_rate: Option<u32> = section.one("subscribeRate");
    let unread_timeout = section.one("unreadTimeoutSeconds");
    let max_keep_alive_seconds: Option<u16> = section.one("maxKeepAliveSeconds");
    let methods: Option<Vec<AuthenticationMethod>> = section.list("authenticationMethods");
    let tcp_user_timeout: Option<u16> = section.one("tcpUserTimeoutSeconds");
    let limits = listener_limits(&section.sub("limits"), top, role);
    Some(Listener {
        name: name?,
        address: address?,
        tls: tls.ok()?,
        web_socket: web_socket.ok()?,
        proxy_protocol: Some(ProxyProtocol {
            trusted: balancers?,
        })
        .filter(|proxy| !proxy.trusted.is_empty()),
        max_connections: max_connections?,
        connect_timeout: connect_timeout?,
        max_packet_bytes: max_packet_bytes?,
        max_client_id_bytes: max_client_id_bytes?,
        topic_alias_maximum: topic_alias_maximum?,
        limits,
        publish_rate: NonZeroU32::new(publish_rate?),
        subscribe_rate: NonZeroU32::new(subscribe_rate?),
        unread_timeout: unread_timeout?,
        max_keep_alive_seconds: max_keep_alive_seconds.filter(|seconds| *seconds > 0),
        authentication_methods: methods.filter(|_| section.has("authenticationMethods")),
        tcp_user_timeout: match tcp_user_timeout? {
            0 => None,
            seconds => Some(Duration::from_secs(seconds.into())),
        },
    })
}

/// Where balancers connect from that say whose connection it is; empty: none do.
fn trusted_balancers(section: &Reader<'_>) -> Option<Vec<IpNet>> {
    let mode = section.one("mode");
    let trusted: Option<Vec<_>> = section.list("trusted");
    let (mode, trusted) = (mode?, trusted?);
    match (mode, trusted.is_empty()) {
        (ProxyProtocolMode::Disabled, true) | (ProxyProtocolMode::Required, false) => Some(trusted),
        (ProxyProtocolMode::Disabled, false) => {
            section.note(
                "trusted",
                "is not allowed with mode Disabled; allowed: no networks, or mode Required",
            );
            None
        }
        (ProxyProtocolMode::Required, true) => {
            section.note(
                "trusted",
                "is missing; mode Required needs the networks that balancers connect from, since whoever may name \
                 a client's address decides who is let in",
            );
            None
        }
    }
}

/// A section holds what is not allowed, which is noted.
struct Noted;

/// Where the protocol has TLS.
fn listener_tls(section: &Reader<'_>, protocol: Option<Protocol>) -> Result<Option<Tls>, Noted> {
    match (protocol, section.has("tls")) {
        (Some(protocol @ (Protocol::Mqtts | Protocol::Wss)), false) => {
            let name = protocol.name();
            section.note(
                "tls",
                format!(
                    "is missing; protocol {name} needs certificateFile and privateKeyFile here"
                ),
            );
            Ok(None)
        }
        (Some(protocol @ (Protocol::Mqtt | Protocol::Ws)), true) => {
            let name = protocol.name();
            section.note(
                "tls",
                format!(
                    "is not allowed with protocol {name}; allowed: no tls, or protocol {name}s"
                ),
            );
            Ok(None)
        }
        (_, true) => tls(&section.sub("tls"), protocol).map(Some).ok_or(Noted),
        (_, false) => Ok(None),
    }
}

/// Where the protocol has WebSocket.
fn listener_web_socket(
    section: &Reader<'_>,
    protocol: Option<Protocol>,
) -> Result<Option<WebSocket>, Noted> {
    match (protocol, section.has("webSocket")) {
        (Some(Protocol::Mqtt | Protocol::Mqtts), true) => {
            section.note(
                "webSocket",
                "is not allowed with protocol mqtt or mqtts; allowed: no webSocket, or protocol ws or wss",
            );
            Ok(None)
        }
        (Some(Protocol::Mqtt | Protocol::Mqtts), false) => Ok(None),
        (Some(Protocol::Ws | Protocol::Wss) | None, _) => {
            web_socket(&section.sub("webSocket")).map(Some).ok_or(Noted)
        }
    }
}

fn web_socket(section: &Reader<'_>) -> Option<WebSocket> {
    let path = section.one("path");
    let origins: Option<Vec<String>> = section.list("allowedOrigins");
    let (path, origins) = (path?, origins?);
    let allowed_origins = if origins.iter().any(|origin| origin == ANY_ORIGIN) {
        AllowedOrigins::Any
    } else {
        AllowedOrigins::OwnAnd(origins)
    };
    Some(WebSocket {
        path,
        allowed_origins,
    })
}

fn tls(section: &Reader<'_>, protocol: Option<Protocol>) -> Option<Tls> {
    let certificate_file = section.one("certificateFile");
    let private_key_file = section.one("privateKeyFile");
    let client_auth = client_auth(section);
    let min_version = section.one("minVersion");
    Some(Tls {
        certificate_file: certificate_file?,
        private_key_file: private_key_file?,
        client_auth: client_auth?,
        min_version: min_version?,
        alpn: match protocol {
            Some(Protocol::Wss) => Alpn::Http1,
            _ => Alpn::None,
        },
    })
}

fn client_auth(section: &Reader<'_>) -> Option<ClientAuth> {
    let kind = section.one("clientAuth");
    if kind == Some(ClientAuthKind::None) {
        if section.has("clientCaFile") {
            section.note(
                "clientCaFile",
                "is not allowed with clientAuth None; allowed: clientAuth Optional or Required",
            );
        }
        return Some(ClientAuth::None);
    }
    let ca_file = section.one("clientCaFile");
    match kind? {
        ClientAuthKind::None => Some(ClientAuth::None),
        ClientAuthKind::Optional => Some(ClientAuth::Optional { ca_file: ca_file? }),
        ClientAuthKind::Required => Some(ClientAuth::Required { ca_file: ca_file? }),
    }
}

//! From HTTP to WebSocket.

use crate::config::{AllowedOrigins, WebSocket};
use crate::websocket::{MOST_HEAD_BYTES, Refusal, upgrade};

fn settings() -> WebSocket {
    WebSocket {
        path: "/mqtt".to_owned(),
        allowed_origins: AllowedOrigins::OwnAnd(vec!["https://console.example.com".to_owned()]),
    }
}

/// The request of RFC 6455, section 1.3, for MQTT.
const FIELDS: [&str; 7] = [
    "GET /mqtt HTTP/1.1",
    "Host: server.example.com:8884",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: mqtt",
    "Sec-WebSocket-Version: 13",
];

fn request(lines: &[&str]) -> Vec<u8> {
    format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

/// The usual request with the line that begins like `line` replaced, or with `line` added.
fn with(line: &str) -> Vec<u8> {
    let name = |line: &str| line.split([':', ' ']).next().unwrap_or_default().to_owned();
    let mut lines: Vec<&str> = FIELDS.to_vec();
    match lines.iter_mut().find(|old| name(old) == name(line)) {
        Some(old) => *old = line,
        None => lines.push(line),
    }
    request(&lines)
}

fn without(name: &str) -> Vec<u8> {
    let lines: Vec<_> = FIELDS
        .into_iter()
        .filter(|line| !line.starts_with(name))
        .collect();
    request(&lines)
}

fn refusal(bytes: &[u8]) -> Option<Refusal> {
    upgrade(bytes, &settings()).err()
}

#[test]
fn a_request_is_answered_with_the_key_and_the_subprotocol() {
    let mut bytes = request(&FIELDS);
    let request_bytes = bytes.len();
    bytes.extend([0x82, 0x80]);
    let granted = upgrade(&bytes, &settings()).unwrap().unwrap();
    assert_eq!(granted.request_bytes, request_bytes);
    insta::assert_snapshot!(String::from_utf8_lossy(&granted.response).replace('\r', ""));
}

#[test]
fn what_browsers_and_proxies_make_of_it_is_the_same() {
    for bytes in [
        with("GET /mqtt?token=1 HTTP/1.1"),
        with("Upgrade: h2c, WebSocket"),
        with("Connection: keep-alive, Upgrade"),
        with("Sec-WebSocket-Protocol: mqttv3.1 , mqtt"),
        with("Sec-WebSocket-Extensions: permessage-deflate"),
        with("Origin: https://server.example.com:8884"),
        with("Origin: http://SERVER.example.com:8884"),
        with("Origin: https://Console.example.com"),
    ] {
        assert_eq!(refusal(&bytes), None, "{}", String::from_utf8_lossy(&bytes));
    }
}

fn are_refused(cases: &[(Vec<u8>, Refusal)]) {
    for (bytes, wanted) in cases {
        let told = refusal(bytes);
        assert_eq!(told, Some(*wanted), "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn requests_for_something_else_are_refused() {
    let post = [b"POST".to_vec(), request(&FIELDS)[3..].to_vec()].concat();
    are_refused(&[
        (with("GET /other HTTP/1.1"), Refusal::NotFound),
        (with("GET /mqtt/ HTTP/1.1"), Refusal::NotFound),
        (post, Refusal::Method),
        (without("Upgrade"), Refusal::UpgradeRequired),
        (without("Connection"), Refusal::UpgradeRequired),
        (with("Upgrade: websockets"), Refusal::UpgradeRequired),
        (without("Sec-WebSocket-Version"), Refusal::UpgradeRequired),
        (with("Sec-WebSocket-Version: 8"), Refusal::UpgradeRequired),
        (with("Origin: https://evil.example.com"), Refusal::Origin),
        (with("Origin: https://server.example.com"), Refusal::Origin),
        (with("Origin: null"), Refusal::Origin),
    ]);
}

#[test]
fn malformed_requests_are_refused() {
    let bad = Refusal::BadRequest;
    let key = bad("Sec-WebSocket-Key must be 16 bytes in base64");
    let subprotocol = bad("Sec-WebSocket-Protocol must list mqtt");
    let twice = format!("{}\r\nHost: another", FIELDS[1]);
    are_refused(&[
        (with("GET /mqtt HTTP/1.0"), bad("WebSocket needs HTTP/1.1")),
        (without("Host"), bad("Host is missing")),
        (with(&twice), bad("a field stands twice")),
        (without("Sec-WebSocket-Key"), key),
        (with("Sec-WebSocket-Key: c2hvcnQ="), key),
        (without("Sec-WebSocket-Protocol"), subprotocol),
        (with("Sec-WebSocket-Protocol: MQTT, mqttv3.1"), subprotocol),
        (
            b"\x10\x0C\0\x04MQTT\x04\x02\0\0\0\0".to_vec(),
            bad("this is no HTTP/1.1 request"),
        ),
        (
            b"PRI * HTTP/2.0\r\n\r\n".to_vec(),
            bad("this is no HTTP/1.1 request"),
        ),
    ]);
}

#[test]
fn all_origins_may_be_allowed() {
    let any = WebSocket {
        allowed_origins: AllowedOrigins::Any,
        ..settings()
    };
    assert!(upgrade(&with("Origin: null"), &any).is_ok());
}

#[test]
fn a_request_is_waited_for_and_never_too_long() {
    let whole = request(&FIELDS);
    for end in 0..whole.len() {
        assert_eq!(upgrade(&whole[..end], &settings()), Ok(None), "{end}");
    }
    let long = with(&format!("Cookie: {}", "x".repeat(MOST_HEAD_BYTES)));
    assert_eq!(refusal(&long), Some(Refusal::HeadTooLarge));
    assert_eq!(
        refusal(&long[..=MOST_HEAD_BYTES]),
        Some(Refusal::HeadTooLarge)
    );
    let many: Vec<String> = (0..100).map(|number| format!("X-{number}: 1")).collect();
    let lines: Vec<&str> = FIELDS
        .into_iter()
        .chain(many.iter().map(String::as_str))
        .collect();
    assert_eq!(refusal(&request(&lines)), Some(Refusal::HeadTooLarge));
}

#[test]
fn each_refusal_is_a_whole_response() {
    let all = [
        Refusal::BadRequest("why"),
        Refusal::Origin,
        Refusal::NotFound,
        Refusal::Method,
        Refusal::Timeout,
        Refusal::UpgradeRequired,
        Refusal::HeadTooLarge,
    ];
    let texts = all.map(|refusal| String::from_utf8_lossy(&refusal.response()).replace('\r', ""));
    insta::assert_snapshot!(texts.join("---\n"));
}

proptest::proptest! {
    #[test]
    fn any_bytes_end_well(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = upgrade(&bytes, &settings());
    }
}

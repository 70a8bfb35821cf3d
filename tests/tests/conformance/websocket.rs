//! MQTT over WebSocket (chapter 6).

use std::io::{Read, Write};
use std::net::TcpStream;

use herdgate_tests::mqtt::Packet;
use herdgate_tests::wire::{
    BOTH, Connect, Properties, Publish, REPLY_WITHIN, SUBSCRIBE, Version, request, wishes,
};

use super::world::{World, fresh, world};

/// The example of RFC 6455, section 1.3.
const KEY: (&str, &str) = ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
const BINARY: u8 = 0x82;
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const MASKED: u8 = 0x80;

struct Socket {
    stream: TcpStream,
    /// Payload of binary frames that is not read yet.
    bytes: Vec<u8>,
}

/// The head of the answer to an upgrade that offers `subprotocols`.
fn upgrade(world: &World, subprotocols: Option<&str>) -> (Socket, String) {
    let mut stream = TcpStream::connect(world.websocket()).unwrap();
    stream.set_read_timeout(Some(REPLY_WITHIN)).unwrap();
    let offer = subprotocols.map_or_else(String::new, |offer| {
        format!("Sec-WebSocket-Protocol: {offer}\r\n")
    });
    let head = format!(
        "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n",
        KEY.0
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read_exact(&mut byte).is_err() {
            break;
        }
        answer.push(byte[0]);
    }
    let bytes = Vec::new();
    (Socket { stream, bytes }, String::from_utf8(answer).unwrap())
}

fn open(world: &World) -> Socket {
    let (socket, answer) = upgrade(world, Some("mqtt"));
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    socket
}

impl Socket {
    /// A masked frame, whole.
    fn send(&mut self, first: u8, payload: &[u8]) {
        let mask = [0x12, 0x34, 0x56, 0x78];
        let length = u16::try_from(payload.len()).unwrap();
        let mut frame = vec![first, MASKED + 126];
        match u8::try_from(length) {
            Ok(short) if short < 126 => frame[1] = MASKED + short,
            _ => frame.extend(length.to_be_bytes()),
        }
        frame.extend(mask);
        frame.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        let _ = self.stream.write_all(&frame);
    }

    /// First byte and payload of the next frame; `None` at the end.
    fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).ok()?;
        assert_eq!(head[1] & 0x80, 0, "a server does not mask");
        let mut length = usize::from(head[1]);
        if length == 126 {
            let mut more = [0; 2];
            self.stream.read_exact(&mut more).ok()?;
            length = usize::from(u16::from_be_bytes(more));
        }
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).ok()?;
        Some((head[0], payload))
    }

    fn packet(&mut self) -> Packet {
        loop {
            if self.bytes.len() >= 2 {
                assert!(self.bytes[1] < 0x80, "the tests' packets are short");
                let end = 2 + usize::from(self.bytes[1]);
                if self.bytes.len() >= end {
                    let rest = self.bytes.split_off(end);
                    let packet = std::mem::replace(&mut self.bytes, rest);
                    return Packet {
                        first: packet[0],
                        body: packet[2..].to_vec(),
                    };
                }
            }
            let (first, payload) = self.frame().expect("a frame comes");
            // fragments continue a binary frame
            assert!([0x82, 0x02, 0x00, 0x80].contains(&first), "{first:#04x}");
            self.bytes.extend(payload);
        }
    }
}

#[test]
fn the_subprotocol_is_mqtt() {
    proves!(
        "MQTT-6.0.0-3",
        "MQTT-6.0.0-4",
        "MQTT311-6.0.0-3",
        "MQTT311-6.0.0-4"
    );
    let Some(world) = world() else { return };
    for offer in ["mqtt", "chat, mqtt"] {
        let (_, answer) = upgrade(world, Some(offer));
        let lines: Vec<_> = answer.lines().map(str::to_lowercase).collect();
        assert!(lines[0].starts_with("http/1.1 101 "), "{answer}");
        assert!(
            lines.contains(&"sec-websocket-protocol: mqtt".to_owned()),
            "{answer}"
        );
        let accept = format!("sec-websocket-accept: {}", KEY.1.to_lowercase());
        assert!(lines.contains(&accept), "{answer}");
    }
    for offer in [None, Some("chat"), Some("mqttv3")] {
        let (_, answer) = upgrade(world, offer);
        assert!(!answer.contains(" 101 "), "{offer:?}: {answer}");
    }
}

#[test]
fn packets_do_not_follow_the_borders_of_frames() {
    proves!("MQTT-6.0.0-2", "MQTT311-6.0.0-2");
    let Some(world) = world() else { return };
    for version in BOTH {
        for size in [1, 2, 7, 10_000] {
            let topic = fresh("ws");
            let all = [
                Connect::new(version, fresh("w")).encode(),
                request(
                    version,
                    SUBSCRIBE | 2,
                    1,
                    &Properties::new(),
                    &wishes(&[(&topic, 0)]),
                ),
                Publish::new(&topic, "x").encode(version),
            ];
            let mut socket = open(world);
            for part in all.concat().chunks(size) {
                socket.send(BINARY, part);
            }
            let mut kinds = [(); 3].map(|()| socket.packet().kind());
            kinds[1..].sort_unstable();
            assert_eq!(kinds, [0x20, 0x30, 0x90]);
        }
    }
}

#[test]
fn anything_but_binary_frames_ends_the_connection() {
    proves!("MQTT-6.0.0-1", "MQTT311-6.0.0-1");
    let Some(world) = world() else { return };
    let mut socket = open(world);
    socket.send(BINARY, &Connect::new(Version::V311, fresh("w")).encode());
    assert_eq!(socket.packet().kind(), 0x20);
    socket.send(TEXT, &[0xC0, 0]);
    // at most a close frame, and no PINGRESP
    while let Some((first, _)) = socket.frame() {
        assert_eq!(first, CLOSE);
    }
}

//! The fourth client, which keeps to nothing.

use bytes::{Bytes, BytesMut};
use herdgate::codec::{self, Connect, Packet, frame};

use super::{HOSTILE, World};

impl World {
    /// Any bytes as a whole packet, as an edge passes them on; but no message that looks like one of the others'.
    pub(super) fn hostile(&mut self, as_connect: bool, bytes: &[u8]) {
        self.is_live_only = false;
        let Some((first, body)) = bytes.split_first() else {
            return;
        };
        let mut packet = BytesMut::from(&[if as_connect { frame::CONNECT } else { *first }][..]);
        frame::put_length(body.len(), &mut packet);
        packet.extend_from_slice(body);
        let packet = packet.freeze();
        let stream = self
            .hostile
            .filter(|(stream, _)| self.shard.is_open(*stream));
        let protocol = stream.map_or(self.hostile_protocol, |(_, protocol)| protocol);
        let read = codec::decode(protocol, &packet);
        match (read, stream) {
            (Ok(Packet::Connect(connect)), _) if as_connect => {
                let will = connect.will.as_ref();
                if will.is_none_or(|will| !will.topic.starts_with("t/")) {
                    self.attach_hostile(&connect, Some(packet));
                }
            }
            (Ok(Packet::Publish(publish)), _) if publish.topic.starts_with("t/") => {}
            (_, Some((stream, _))) => self.shard.send(stream, packet),
            (_, None) => self.attach_hostile(&Connect::new(protocol, HOSTILE), None),
        }
        self.hear();
    }

    pub(super) fn attach_hostile(&mut self, connect: &Connect, bytes: Option<Bytes>) {
        let stream = self.shard.attach(HOSTILE, connect, bytes);
        self.hostile = Some((stream, connect.protocol));
    }
}

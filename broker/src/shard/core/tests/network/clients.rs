//! How clients come, send and go.

use std::time::Duration;

use bytes::Bytes;

use super::{Client, Inbox, Network};
use crate::codec::{self, Connect, Packet, Protocol};
use crate::link::{Attach, DetachReason, StreamId, ToShard};
use crate::shard::core::{Input, LinkId, partition_of};

impl Network {
    /// Sends a CONNECT over link 1 and takes what comes.
    pub(in crate::shard::core::tests) fn connect(&mut self, connect: Connect) -> Client {
        self.connect_over(LinkId(1), connect)
    }

    pub(in crate::shard::core::tests) fn connect_over(
        &mut self,
        link: LinkId,
        connect: Connect,
    ) -> Client {
        self.connect_as(link, None, connect)
    }

    pub(in crate::shard::core::tests) fn connect_as(
        &mut self,
        link: LinkId,
        principal: Option<&str>,
        connect: Connect,
    ) -> Client {
        let client = self.connect_only(link, principal, connect);
        self.run();
        client
    }

    /// Without running the channels.
    pub(in crate::shard::core::tests) fn connect_only(
        &mut self,
        link: LinkId,
        principal: Option<&str>,
        connect: Connect,
    ) -> Client {
        self.next_stream += 1;
        let client = Client {
            link,
            stream: StreamId(self.next_stream),
            protocol: connect.protocol,
            worker: self.layout.worker_of(partition_of(&connect.client_id)),
        };
        self.inboxes
            .insert((link, client.stream), (connect.protocol, Inbox::default()));
        let attach = Attach {
            client_id: connect.client_id.clone(),
            client_id_assigned: false,
            principal: principal.map(Into::into),
            protocol: connect.protocol,
            connect: codec::encode(connect.protocol, &Packet::Connect(Box::new(connect))).unwrap(),
            peer: ([127, 0, 0, 1], 40_000).into(),
            max_packet_bytes: 1 << 20,
            server_keep_alive: None,
            authenticated: None,
            topic_alias_maximum: 0,
            limits: self.listener,
        };
        self.attach_only(client, attach);
        client
    }

    /// A client with a clean session, attached. It wants no reasons: tests compare packets, and reasons have their own.
    pub(in crate::shard::core::tests) fn client(
        &mut self,
        protocol: Protocol,
        client_id: &str,
    ) -> Client {
        let mut connect = Connect::new(protocol, client_id);
        connect.properties.request_problem_information = false;
        let client = self.connect(connect);
        assert!(
            self.inbox(client).connack.is_some(),
            "{client_id} is not attached"
        );
        client
    }

    pub(in crate::shard::core::tests) fn attach(&mut self, client: Client, attach: Attach) {
        self.attach_only(client, attach);
        self.run();
    }

    fn attach_only(&mut self, client: Client, attach: Attach) {
        self.inboxes
            .entry((client.link, client.stream))
            .or_insert_with(|| (client.protocol, Inbox::default()));
        self.frame(
            client,
            ToShard::Attach {
                stream: client.stream,
                attach: Box::new(attach),
            },
        );
    }

    pub(in crate::shard::core::tests) fn frame(&mut self, client: Client, frame: ToShard) {
        self.input(
            client.worker,
            Input::Link {
                link: client.link,
                frame,
                waited: Duration::ZERO,
            },
        );
    }

    /// Without running the channels.
    pub(in crate::shard::core::tests) fn send_only(&mut self, client: Client, packet: &Packet) {
        let packets = codec::encode(client.protocol, packet).unwrap();
        self.frame(
            client,
            ToShard::Data {
                stream: client.stream,
                packets,
            },
        );
    }

    pub(in crate::shard::core::tests) fn send(&mut self, client: Client, packet: &Packet) {
        self.send_only(client, packet);
        self.run();
    }

    pub(in crate::shard::core::tests) fn raw(&mut self, client: Client, bytes: &[u8]) {
        self.frame(
            client,
            ToShard::Data {
                stream: client.stream,
                packets: Bytes::copy_from_slice(bytes),
            },
        );
        self.run();
    }

    pub(in crate::shard::core::tests) fn detach(&mut self, client: Client) {
        self.frame(
            client,
            ToShard::Detach {
                stream: client.stream,
                reason: DetachReason::PeerGone,
            },
        );
        self.run();
    }
}

//! Takes everything, and acknowledges what wants it.

use std::rc::Rc;

use anyhow::bail;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Tally;
use crate::load::wire::{self, Frame};

const READ: usize = 64 * 1024;

/// Runs until the connection ends.
pub(super) async fn run(mut socket: TcpStream, tally: Rc<Tally>) -> anyhow::Result<()> {
    let (mut buffer, mut kept) = (vec![0; READ], 0);
    let mut acks = Vec::new();
    loop {
        let read = socket.read(&mut buffer[kept..]).await?;
        if read == 0 {
            bail!("failed to receive: the broker has closed the subscriber's connection");
        }
        let filled = kept + read;
        let mut rest = &buffer[..filled];
        let mut messages = 0;
        while let Some((frame, behind)) = Frame::split(rest) {
            rest = behind;
            messages += u64::from(frame.kind() == wire::PUBLISH);
            answer(frame, &mut acks);
        }
        kept = rest.len();
        buffer.copy_within(filled - kept..filled, 0);
        if !acks.is_empty() {
            socket.write_all(&acks).await?;
            acks.clear();
        }
        tally.received(messages);
    }
}

fn answer(frame: Frame<'_>, acks: &mut Vec<u8>) {
    let kind = match (frame.kind(), frame.qos()) {
        (wire::PUBLISH, 1) => wire::PUBACK,
        (wire::PUBLISH, 2) => wire::PUBREC,
        _ if frame.first == wire::PUBREL => wire::PUBCOMP,
        _ => return,
    };
    if let Some(id) = frame.id() {
        acks.extend_from_slice(&wire::ack(kind, id));
    }
}

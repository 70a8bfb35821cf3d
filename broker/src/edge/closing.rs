//! How a connection ends when the client should still read what it was told: written, FIN, drained, closed.
//!
//! A socket that is closed with unread bytes in it is reset, and a reset makes the client's kernel throw away what it
//! has not read yet: an alert, a CONNACK, a DISCONNECT.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::outbox::{Outbox, PIECES};

/// For the last words, and then once more for what the client was still saying.
const PATIENCE: Duration = Duration::from_secs(1);
/// As much as a client's kernel and ours may hold that the client sent before it has read that it is over.
const DRAIN_BYTES: usize = 256 * 1024;
const SINK: usize = 2048;

/// Writes what is left, then `drain`s.
pub(super) async fn close(mut stream: impl AsyncRead + AsyncWrite + Unpin, outbox: Outbox) {
    if let Ok(Ok(())) = timeout(PATIENCE, last_words(&mut stream, outbox)).await {
        drain(stream).await;
    }
}

async fn last_words(
    stream: &mut (impl AsyncWrite + Unpin),
    mut outbox: Outbox,
) -> std::io::Result<()> {
    while !outbox.is_empty() {
        let mut slices = [std::io::IoSlice::new(&[]); PIECES];
        let filled = outbox.slices(&mut slices);
        match stream.write_vectored(&slices[..filled]).await? {
            0 => return Err(std::io::ErrorKind::WriteZero.into()),
            written => outbox.written(written),
        };
    }
    stream.shutdown().await
}

/// FIN has been sent: reads a little, for a moment, so that closing resets nobody who behaves.
pub(super) async fn drain(mut stream: impl AsyncRead + Unpin) {
    // apart, or every task that may close a socket would have room for it
    let mut sink = vec![0; SINK].into_boxed_slice();
    let mut left = DRAIN_BYTES;
    let all = async {
        while left > 0 {
            match stream.read(&mut sink).await {
                Ok(0) | Err(_) => return,
                Ok(read) => left = left.saturating_sub(read),
            }
        }
    };
    let _ = timeout(PATIENCE, all).await;
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_client_that_is_still_sending_reads_the_last_words() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client
            .write_all(&vec![1; 100_000].into_boxed_slice())
            .await
            .unwrap();
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"goodbye"), 0);
        let closing = tokio::spawn(close(server, outbox));
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"goodbye");
        drop(client);
        timeout(Duration::from_secs(10), closing)
            .await
            .unwrap()
            .unwrap();
    }
}

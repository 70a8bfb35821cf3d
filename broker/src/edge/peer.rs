//! What a socket can tell about the other side without reading.

use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// The peer has closed or reset, as far as the kernel knows now.
pub(super) fn is_gone(socket: &impl AsFd) -> bool {
    let mut polled = [PollFd::new(socket, PollFlags::RDHUP)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
    poll(&mut polled, Some(&now)).is_ok() && polled[0].revents().intersects(gone)
}

/// Waits until the peer has closed or reset.
///
/// Forgets that the socket is readable: register it anew (`into_std`, `from_std`) before reading.
pub(super) async fn gone(socket: &TcpStream) {
    loop {
        match socket.ready(Interest::READABLE).await {
            Ok(ready) if ready.is_read_closed() => return,
            Ok(_) => {
                let unread = || Err::<(), _>(std::io::ErrorKind::WouldBlock.into());
                let _ = socket.try_io(Interest::READABLE, unread);
            }
            Err(_) => return,
        }
    }
}

/// Registers the socket anew, so that what it holds is noticed again.
pub(super) fn registered_anew(socket: TcpStream) -> std::io::Result<TcpStream> {
    TcpStream::from_std(socket.into_std()?)
}

/// The client's bytes lie in the kernel, unread by us.
pub(super) fn has_unread(socket: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    SockRef::from(socket)
        .peek(&mut byte)
        .is_ok_and(|read| read > 0)
}

/// Ends a connection with a reset: no FIN exchange, no `TIME_WAIT`, no stale conntrack entry.
pub(super) fn reset(socket: TcpStream) {
    // A socket that can't linger is closed all the same.
    let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
    drop(socket);
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(10);

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_peer_that_closed_behind_unread_bytes_is_gone() {
        let (mut client, server) = pair().await;
        client.write_all(b"hello").await.unwrap();
        assert!(
            timeout(Duration::from_millis(50), gone(&server))
                .await
                .is_err()
        );
        assert!(!is_gone(&server));
        drop(client);
        timeout(DEADLINE, gone(&server)).await.unwrap();
        assert!(is_gone(&server));
    }

    #[tokio::test]
    async fn a_socket_that_was_watched_can_be_read_again() {
        let (mut client, server) = pair().await;
        client.write_all(b"hello").await.unwrap();
        assert!(
            timeout(Duration::from_millis(50), gone(&server))
                .await
                .is_err()
        );
        assert!(has_unread(&server));
        let mut server = registered_anew(server).unwrap();
        let mut bytes = [0; 5];
        timeout(DEADLINE, server.read_exact(&mut bytes))
            .await
            .unwrap()
            .unwrap();
        assert!(!has_unread(&server));
    }

    #[tokio::test]
    async fn a_reset_is_one() {
        let (mut client, server) = pair().await;
        reset(server);
        let error = timeout(DEADLINE, client.read_u8())
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
}

//! Takes sockets from the kernel, as fast as they come: a socket that waits there waits without order.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::sleep;

use super::client;
use super::shared::ListenerShared;
use super::worker::Worker;

/// Out of file descriptors or memory: what is there must go first.
const BREATH: Duration = Duration::from_millis(50);

/// Runs until its task is ended.
pub(super) async fn run(worker: Rc<Worker>, listener: Arc<ListenerShared>, sockets: TcpListener) {
    loop {
        match sockets.accept().await {
            Ok((socket, peer)) => {
                listener.accepted();
                let peer = std::net::SocketAddr::new(peer.ip().to_canonical(), peer.port());
                let client = client::run(Rc::clone(&worker), Arc::clone(&listener), socket, peer);
                tokio::task::spawn_local(client);
            }
            Err(error) if is_one_clients(&error) => {}
            Err(error) => {
                tracing::warn!(listener = listener.settings.name, %error, "failed to accept a connection");
                sleep(BREATH).await;
            }
        }
    }
}

/// The client gave up between its SYN and our accept.
fn is_one_clients(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

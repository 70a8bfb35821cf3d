//! Takes sockets from the kernel, as fast as they come: a socket that waits there waits without order.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::sleep;

use super::shared::ListenerShared;
use super::worker::Worker;
use super::{client, peer};
use crate::metrics::GateDecision;

/// Out of file descriptors or memory: what is there must go first.
const BREATH: Duration = Duration::from_millis(50);

/// Runs until its task is ended.
pub(super) async fn run(worker: Rc<Worker>, listener: Arc<ListenerShared>, sockets: TcpListener) {
    loop {
        match sockets.accept().await {
            Ok((socket, from)) => {
                listener.accepted();
                let Some(open) = worker.shared.sockets.try_open() else {
                    worker.shared.metrics.edge.gate.inc(GateDecision::Reset);
                    peer::reset(socket);
                    continue;
                };
                let address = std::net::SocketAddr::new(from.ip().to_canonical(), from.port());
                let (worker, listener) = (Rc::clone(&worker), Arc::clone(&listener));
                tokio::task::spawn_local(client::run(worker, listener, socket, address, open));
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

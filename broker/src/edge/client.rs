//! One client from accept to close.

mod enter;
mod remain;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use tokio::net::TcpStream;

use super::shared::ListenerShared;
use super::sockets::OpenSocket;
use super::worker::Worker;
use enter::enter;
use remain::remain;

/// From accept to a session or to the end; whoever has a session stays in a task of its own.
pub(super) async fn run(
    worker: Rc<Worker>,
    listener: Arc<ListenerShared>,
    socket: TcpStream,
    from: SocketAddr,
    open: OpenSocket,
) {
    let entering = enter(Rc::clone(&worker), Arc::clone(&listener), socket, from);
    if let Some(entered) = entering.await {
        // The way in needs several times the room of what follows, and a task keeps its room until it ends.
        tokio::task::spawn_local(remain(worker, listener, entered, open));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the task of a client that is connected, in blocks of 128 bytes with what tokio adds.
    #[test]
    fn the_task_of_an_idle_client_is_small() {
        fn size_of_future<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
            size_of::<F>()
        }
        let size = size_of_future(remain);
        assert!(size <= 280, "{size}");
    }

    /// All who come at once hold one each: rare ways are boxed.
    #[test]
    fn the_task_of_a_client_on_its_way_in_is_no_page() {
        fn size_of_future<A, B, C, D, E, F>(_: impl Fn(A, B, C, D, E) -> F) -> usize {
            size_of::<F>()
        }
        let size = size_of_future(run);
        assert!(size <= 2464, "{size}");
    }
}

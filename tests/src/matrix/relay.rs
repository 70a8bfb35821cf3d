//! A relay between a client and its listener. Cutting it takes the connection away from both, without a DISCONNECT,
//! whatever the library is.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// Both ends of one connection.
type Pair = [TcpStream; 2];

pub struct Relay {
    pub address: SocketAddr,
    /// Connections since the last cut; `None` once it has ended.
    opened: Option<Receiver<Pair>>,
}

impl Relay {
    pub fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, opened) = channel();
        thread::spawn(move || accept(&listener, target, &sender));
        Self {
            address,
            opened: Some(opened),
        }
    }

    /// Closes every connection; new ones may come.
    pub fn cut(&self) {
        for stream in self.opened.iter().flat_map(Receiver::try_iter).flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.cut();
        self.opened = None;
        // wakes the thread that accepts, which finds nobody to tell
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, target: SocketAddr, opened: &Sender<Pair>) {
    for client in listener.incoming() {
        let Ok(client) = client else { return };
        let Ok(server) = TcpStream::connect(target) else {
            continue;
        };
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
        }
        let both = |stream: &TcpStream| [(); 2].map(|()| stream.try_clone().unwrap());
        let ([from_client, to_client], [from_server, to_server]) = (both(&client), both(&server));
        // told before anything passes, so that a cut ends whatever has
        if opened.send([client, server]).is_err() {
            return;
        }
        thread::spawn(move || copy(from_client, to_server));
        thread::spawn(move || copy(from_server, to_client));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // one side's end is the other's
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_passes_on_until_it_is_cut_and_then_anew() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let relay = Relay::start(server.local_addr().unwrap());
        for _ in 0..2 {
            let mut client = TcpStream::connect(relay.address).unwrap();
            let (mut other_end, _) = server.accept().unwrap();
            client.write_all(b"hello").unwrap();
            let mut found = [0; 5];
            other_end.read_exact(&mut found).unwrap();
            assert_eq!(&found, b"hello");
            relay.cut();
            for mut stream in [client, other_end] {
                assert!(!matches!(stream.read(&mut found), Ok(1..)));
            }
        }
    }
}

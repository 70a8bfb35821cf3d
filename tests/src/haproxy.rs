//! Debian's haproxy in front of a listener.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd as _, RawFd};
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};

use crate::process::Process;
use crate::setup::Setup;
use crate::skip;

/// One that passes connections on as they are, with a PROXY header.
pub struct Haproxy {
    pub process: Process,
    /// Where its clients connect.
    pub address: SocketAddr,
    /// haproxy has it too; the port stays ours.
    _listener: TcpListener,
}

impl Haproxy {
    /// Clients may come at once: they wait in the listening socket until haproxy runs. `server_options`, such as `send-proxy-v2`; `None`, said loudly, when haproxy is not installed.
    pub fn start(
        setup: &Setup,
        name: &str,
        server: SocketAddr,
        server_options: &str,
    ) -> Option<Self> {
        let binary = skip::command("haproxy", "haproxy")?;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        fcntl_setfd(&listener, FdFlags::empty()).unwrap();
        let config = config(listener.as_raw_fd(), server, server_options);
        let mut command = Command::new(binary);
        command
            .args(["-db", "-f"])
            .arg(setup.write(&format!("{name}.cfg"), &config));
        Some(Self {
            process: Process::spawn(name, command, setup.folder.path()),
            address,
            _listener: listener,
        })
    }
}

fn config(listening: RawFd, server: SocketAddr, server_options: &str) -> String {
    format!(
        "global\n  maxconn 200\n\
         defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s\n\
         listen mqtt\n  bind fd@{listening}\n  server edge {server} {server_options}\n"
    )
}

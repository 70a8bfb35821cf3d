//! The edge: client sockets, the gate, TLS, CONNECT, keep-alive.

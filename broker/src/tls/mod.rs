//! Server certificates, client authorities, and their reload.

//! The HTTP port for probes, metrics and status; never on a client address.

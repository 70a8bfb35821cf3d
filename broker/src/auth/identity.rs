//! Who came.

use std::sync::Arc;

use crate::link::Authenticated;

/// A client that has proven who it is, and the id that it may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `None`: anonymous.
    pub principal: Option<Arc<str>>,
    pub client_id: Arc<str>,
    /// The client sent an empty id and was given this one.
    pub client_id_assigned: bool,
    /// What its CONNACK must tell of an exchange.
    pub authenticated: Option<Authenticated>,
}

//! Who came.

use std::sync::Arc;

/// A client that has proven who it is, and the id that it may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `None`: anonymous.
    pub principal: Option<Arc<str>>,
    pub client_id: Arc<str>,
    /// The client sent an empty id and was given this one.
    pub client_id_assigned: bool,
}

//! Who a client is: passwords, certificates, and which client ids belong to whom.

mod authenticator;
mod identity;
mod refusal;

pub use authenticator::{Authenticator, LoginRequest};
pub use identity::Identity;
pub use refusal::Refusal;

//! Who a client is: passwords, certificates, and which client ids belong to whom.

mod authenticator;
mod edit;
mod identity;
mod password;
mod policy;
mod pool;
mod queue;
mod refusal;
mod users;

#[cfg(test)]
mod tests;

pub use authenticator::{AuthError, Authenticator, LoginRequest, read_users};
pub use edit::{remove_user, set_user};
pub use identity::Identity;
pub use password::{FormatError, PasswordHash, RandomError};
pub use policy::MAX_PASSWORD_BYTES;
pub use refusal::Refusal;
pub use users::{Users, UsersError, is_name};

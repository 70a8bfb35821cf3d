//! Who a client is: passwords, certificates, and which client ids belong to whom.

mod authenticator;
mod edit;
mod exchange;
mod http;
mod identity;
mod line;
mod mechanism;
mod password;
mod policy;
mod pool;
mod queue;
mod refusal;
pub mod scram;
mod stored;
mod users;
mod waits;

#[cfg(test)]
mod tests;

pub use authenticator::{AuthError, Authenticator, LoginRequest, read_users};
pub use edit::{remove_user, set_user};
pub(crate) use exchange::Exchange;
pub use http::{BackendFilesError, BackendTokenError, RootsError, check_roots, check_token};
pub use identity::Identity;
use mechanism::Mechanism;
pub use mechanism::{MechanismError, Step};
pub use password::{FormatError, PasswordHash, RandomError};
pub use policy::MAX_PASSWORD_BYTES;
pub use refusal::{NoLogin, Refusal};
pub use stored::{Stored, StoredError};
pub use users::{Users, UsersError, is_name};
pub(crate) use waits::Stay;

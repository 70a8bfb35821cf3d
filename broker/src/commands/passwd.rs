//! `herdgate passwd`: writes users into a password file.

use super::arguments::PasswdArguments;
use super::failure::Failure;

pub(super) fn run(_arguments: &PasswdArguments) -> Result<(), Failure> {
    Err(Failure::Usage("not built yet".to_owned()))
}

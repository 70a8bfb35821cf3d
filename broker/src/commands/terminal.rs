//! The terminal on standard input.

use std::io;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Runs `read` while what is typed is not shown.
pub(super) fn without_echo(read: impl FnOnce() -> io::Result<String>) -> io::Result<String> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &quiet)?;
    let answer = read();
    tcsetattr(&stdin, OptionalActions::Flush, &before)?;
    answer
}

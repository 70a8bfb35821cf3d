//! `herdgate passwd`: writes a user into a password file, or takes one out.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::num::NonZeroU32;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::arguments::PasswdArguments;
use super::failure::Failure;
use super::replace::{create, replace};
use super::terminal::without_echo;
use crate::auth::scram::{ScramVerifier, prepare};
use crate::auth::{MAX_PASSWORD_BYTES, PasswordHash, Stored, is_name, remove_user, set_user};

pub(super) fn run(arguments: &PasswdArguments) -> Result<(), Failure> {
    if !is_name(&arguments.user) {
        return Err(Failure::Usage(format!(
            "user {:?} is not allowed; allowed: 1 to 1024 bytes without colon and control characters, not beginning with #",
            arguments.user
        )));
    }
    let iterations = iterations(arguments)?;
    if arguments.scram && prepare(&arguments.user).as_deref() != Some(&arguments.user) {
        return Err(Failure::Usage(format!(
            "user {:?} is not allowed with --scram: clients would send it in another form; allowed: what SASLprep (RFC 4013) leaves as it is",
            arguments.user
        )));
    }
    write(arguments, iterations).map_err(Failure::Run)
}

fn iterations(arguments: &PasswdArguments) -> Result<NonZeroU32, Failure> {
    let (least, usual) = if arguments.scram {
        (
            ScramVerifier::MIN_ITERATIONS,
            ScramVerifier::DEFAULT_ITERATIONS,
        )
    } else {
        (1, PasswordHash::DEFAULT_ITERATIONS)
    };
    let iterations = NonZeroU32::new(arguments.iterations.unwrap_or(usual));
    iterations.filter(|n| n.get() >= least).ok_or_else(|| {
        Failure::Usage(format!(
            "--iterations is too small; allowed: at least {least}"
        ))
    })
}

fn write(arguments: &PasswdArguments, iterations: NonZeroU32) -> anyhow::Result<()> {
    let file = arguments.file.as_path();
    let old = if arguments.create {
        String::new()
    } else {
        read(file)?
    };
    if arguments.delete {
        let Some(new) = remove_user(&old, &arguments.user) else {
            bail!(
                "failed to delete {}: {} has no such user",
                arguments.user,
                file.display()
            );
        };
        return put(file, &new, false);
    }
    if arguments.create && file.exists() {
        bail!(
            "failed to create {}: it exists; leave out --create to change it",
            file.display()
        );
    }
    let password = password(arguments)?;
    let stored = if arguments.scram {
        Stored::Scram(verifier(password, iterations)?)
    } else {
        Stored::Hash(PasswordHash::derive(&password, iterations)?)
    };
    put(
        file,
        &set_user(&old, &arguments.user, &stored),
        arguments.create,
    )
}

fn verifier(password: Vec<u8>, iterations: NonZeroU32) -> anyhow::Result<ScramVerifier> {
    let password = String::from_utf8(password).context("failed to take the password")?;
    let Some(prepared) = prepare(&password) else {
        bail!(
            "failed to take the password: SCRAM has no form for it; allowed: text without control characters, of letters and signs that Unicode 3.2 knew"
        );
    };
    Ok(ScramVerifier::derive(&prepared, iterations)?)
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| {
        format!(
            "failed to read {}; --create makes a new file",
            file.display()
        )
    })
}

fn put(file: &Path, text: &str, new: bool) -> anyhow::Result<()> {
    let done = if new {
        create(file, text.as_bytes())
    } else {
        replace(file, text.as_bytes())
    };
    done.with_context(|| format!("failed to write {}", file.display()))
}

fn password(arguments: &PasswdArguments) -> anyhow::Result<Vec<u8>> {
    let password = match &arguments.password {
        Some(password) => password.clone(),
        None if io::stdin().is_terminal() => ask()?,
        None => line().context("failed to read the password from standard input")?,
    };
    if password.is_empty() || password.len() > MAX_PASSWORD_BYTES {
        bail!("failed to take the password: allowed are 1 to {MAX_PASSWORD_BYTES} bytes");
    }
    Ok(password.into_bytes())
}

fn ask() -> anyhow::Result<String> {
    let mut asked = [String::new(), String::new()];
    for (question, answer) in ["Password: ", "Again: "].into_iter().zip(&mut asked) {
        eprint!("{question}");
        io::stderr().flush()?;
        *answer = without_echo(line).context("failed to read the password")?;
        eprintln!();
    }
    let [password, again] = asked;
    if password != again {
        bail!("failed to take the password: the two are not the same");
    }
    Ok(password)
}

fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

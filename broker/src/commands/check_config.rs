//! `herdgate check-config`: all that is wrong with a configuration and its files, or a summary of it.

use std::fmt::{Display, Write as _};

use super::arguments::CheckArguments;
use super::failure::Failure;
use super::sources;
use crate::auth::{check_roots, check_token, read_users};
use crate::config::{
    self, ClientAuth, Config, EdgeSettings, Listener, Mode, Problem, Role, ShardSettings, Slicing,
    Token, TokenUse, load,
};
use crate::tls;

pub(super) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    if arguments.reference {
        print!("{}", config::reference());
        return Ok(());
    }
    let mut sources = sources(&arguments.config);
    if arguments.role == Role::Shard && arguments.ordinal_from_hostname {
        super::set_ordinal(&mut sources)?;
    }
    let config = load(&sources, arguments.role)?;
    let problems = if arguments.without_files {
        Vec::new()
    } else {
        files(&config)
    };
    if !problems.is_empty() {
        return Err(Failure::Problems(problems));
    }
    print!("{}", summary(&config));
    Ok(())
}

/// What is wrong with the files that the configuration names.
fn files(config: &Config) -> Vec<Problem> {
    let mut problems = files_of_role(config);
    let token = config.common().admin_token_file.as_deref();
    let token = token.and_then(|file| Token::read(TokenUse::Admin, file).err());
    problems.extend(token.map(|error| problem("admin.tokenFile", &error)));
    problems
}

fn files_of_role(config: &Config) -> Vec<Problem> {
    match config {
        Config::Standalone(config) => edge_files(&config.edge),
        Config::Edge(config) => {
            let token = Token::read(TokenUse::Link, &config.links.token_file)
                .err()
                .map(|error| problem("edge.linkTokenFile", &error));
            edge_files(&config.edge).into_iter().chain(token).collect()
        }
        Config::Shard(config) => {
            let token = Token::read(TokenUse::Link, &config.link.token_file).err();
            token
                .map(|error| problem("shard.linkTokenFile", &error))
                .into_iter()
                .collect()
        }
    }
}

fn edge_files(edge: &EdgeSettings) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (at, listener) in edge.listeners.iter().enumerate() {
        let errors = listener
            .tls
            .as_ref()
            .and_then(|settings| tls::load(settings).err())
            .unwrap_or_default();
        problems.extend(
            errors
                .iter()
                .map(|error| problem(&format!("listeners[{at}].tls.{}", error.field), error)),
        );
    }
    let users = edge
        .authentication
        .password_file
        .as_deref()
        .and_then(|file| read_users(file).err());
    problems.extend(users.map(|error| problem("authentication.passwordFile", &error)));
    let http = edge.authentication.http.as_ref();
    let roots = http.and_then(|http| check_roots(http).err());
    problems.extend(roots.map(|error| problem("authentication.http.caFile", &error)));
    let token = http.and_then(|http| check_token(http).err());
    problems.extend(token.map(|error| problem("authentication.http.tokenFile", &error)));
    problems
}

/// The error with all its causes, on one line.
fn problem(path: &str, error: &dyn std::error::Error) -> Problem {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let shown = error.to_string();
        if !text.ends_with(&shown) {
            // writing to a String cannot fail
            let _ = write!(text, ": {shown}");
        }
        cause = error.source();
    }
    Problem {
        path: path.to_owned(),
        text,
    }
}

/// A few lines for a person who wonders what will run.
fn summary(config: &Config) -> String {
    let common = config.common();
    let mut text = String::new();
    line(&mut text, "cluster", &common.cluster);
    line(&mut text, "admin", &common.admin);
    match config {
        Config::Standalone(config) => {
            edge(&mut text, &config.edge);
            shard(&mut text, &config.shard);
        }
        Config::Edge(config) => {
            edge(&mut text, &config.edge);
            line(&mut text, "shards", &config.links.shards.join(", "));
        }
        Config::Shard(config) => {
            shard(&mut text, &config.shard);
            line(&mut text, "link", &config.link.address);
        }
    }
    text.push_str("the configuration is good\n");
    text
}

fn line(text: &mut String, name: &str, value: &dyn Display) {
    // writing to a String cannot fail
    let _ = writeln!(text, "{name:<12} {value}");
}

fn edge(text: &mut String, edge: &EdgeSettings) {
    line(
        text,
        "edge",
        &format!("{} with {} worker(s)", edge.id, edge.workers),
    );
    for listener in &edge.listeners {
        line(
            text,
            "listener",
            &format!(
                "{} {} {}",
                listener.name,
                listener.address,
                security(listener)
            ),
        );
    }
    let users = edge
        .authentication
        .password_file
        .as_deref()
        .map_or_else(|| "none".to_owned(), |file| file.display().to_string());
    line(text, "users", &users);
    if let Some(http) = &edge.authentication.http {
        line(text, "backend", http.url.uri());
    }
    line(
        text,
        "anonymous",
        &format!("{:?}", edge.authentication.anonymous),
    );
    let admission = &edge.admission;
    let slicing = match &admission.slicing {
        Slicing::PrefixHash(_) => "PrefixHash".to_owned(),
        Slicing::Ranges(_) => "Ranges".to_owned(),
        Slicing::ClientIdHash => "ClientIdHash".to_owned(),
        Slicing::CidrList { ranges, .. } => {
            let names: Vec<&str> = ranges.iter().map(|range| range.name.as_str()).collect();
            format!("CIDRList: {}", names.join(", "))
        }
    };
    let how = match admission.mode {
        mode @ (Mode::Open | Mode::Closed) => format!("{mode:?}"),
        mode => format!("{mode:?}, {} slices by {slicing}", admission.slices.get()),
    };
    line(text, "admission", &how);
}

fn security(listener: &Listener) -> &'static str {
    match listener.tls.as_ref().map(|tls| &tls.client_auth) {
        None => "without TLS",
        Some(ClientAuth::None) => "TLS",
        Some(ClientAuth::Optional { .. }) => "TLS, client certificates welcome",
        Some(ClientAuth::Required { .. }) => "TLS, client certificates required",
    }
}

fn shard(text: &mut String, shard: &ShardSettings) {
    line(
        text,
        "shard",
        &format!("{} with {} worker(s)", shard.ordinal, shard.workers),
    );
}

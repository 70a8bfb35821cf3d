//! Where configuration comes from, and the way from there to the types.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::build;
use super::files::read_file;
use super::problem::{Problem, Problems};
use super::reader::Reader;
use super::tree;
use super::types::{Config, Edge, Role, Shard, Standalone};

/// Everything a configuration is made of, besides the defaults.
#[derive(Clone, Debug)]
pub struct Sources {
    pub file: Option<PathBuf>,
    /// Name and value, as from the environment of the process; others than ours are ignored.
    pub env: Vec<(String, String)>,
    /// `path=value`, the last wins.
    pub set: Vec<String>,
    pub host: Host,
}

/// The machine, as far as defaults depend on it.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: String,
    pub cores: NonZeroUsize,
}

/// A configuration is a page or two; what is larger is another file taken for one.
const MAX_FILE_BYTES: usize = 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("failed to read the configuration {path}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("failed to accept the configuration: {} problem(s)", .0.len())]
    Problems(Vec<Problem>),
}

impl Sources {
    /// The file (if any), the environment and the flags of this process, on this machine.
    pub fn of_process(file: Option<PathBuf>, set: Vec<String>) -> Self {
        let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            file,
            env: std::env::vars_os().filter_map(utf8).collect(),
            set,
            host: Host::this(),
        }
    }
}

impl Host {
    pub fn this() -> Self {
        let name = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { name, cores }
    }

    /// The number at the end of a `StatefulSet` pod's name, as in `shard-0`.
    pub fn ordinal(&self) -> Option<u32> {
        self.name
            .split('.')
            .next()?
            .rsplit_once('-')?
            .1
            .parse()
            .ok()
    }
}

/// Reads, merges and checks; either the whole configuration or all its problems.
pub fn load(sources: &Sources, role: Role) -> Result<Config, LoadError> {
    let problems = Problems::default();
    let mut tree = match &sources.file {
        Some(path) => file(path)?,
        None => Value::Object(Map::new()),
    };
    tree::lay_env(&mut tree, &sources.env, &problems);
    tree::lay_flags(&mut tree, &sources.set, &problems);
    let config = build(&Reader::top(&tree, &problems), &sources.host, role);
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(LoadError::Problems(problems.into_sorted())),
    }
}

/// A file that cannot be read as a tree is its only problem: what it would have said is not known.
fn file(path: &Path) -> Result<Value, LoadError> {
    let bytes = read_file(path, MAX_FILE_BYTES).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    let text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned());
    let problem = |text| {
        LoadError::Problems(vec![Problem {
            path: path.display().to_string(),
            text,
        }])
    };
    text.and_then(|text| tree::parse(&text)).map_err(problem)
}

/// Every section is read whatever the role, so that one file can serve all roles and is checked as a whole.
fn build(top: &Reader<'_>, host: &Host, role: Role) -> Option<Config> {
    let common = build::common(top);
    let edge = build::edge(top, host, role);
    let links = build::edge_links(top, role == Role::Edge);
    let shard = build::shard(top, host);
    let link = build::shard_link(top, role == Role::Shard);
    let (common, edge, shard) = (common?, edge?, shard?);
    Some(match role {
        Role::Standalone => Config::Standalone(Standalone {
            common,
            edge,
            shard,
        }),
        Role::Edge => Config::Edge(Edge {
            common,
            edge,
            links: links?,
        }),
        Role::Shard => Config::Shard(Shard {
            common,
            shard,
            link: link?,
        }),
    })
}

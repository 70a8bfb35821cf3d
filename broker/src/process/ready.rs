//! The ready file: what is bound, for whoever started the process with port 0.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;

/// The addresses that the process listens on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// By the listeners' names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub listeners: BTreeMap<String, SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<SocketAddr>,
}

/// Appears whole or not at all: readers poll for it.
pub fn write_ready_file(path: &Path, bound: &Bound) -> io::Result<()> {
    let text = serde_json::to_string(bound)?;
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, text)?;
    std::fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_is_bound_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        let bound = Bound {
            listeners: BTreeMap::from([("mqtts".to_owned(), "127.0.0.1:8883".parse().unwrap())]),
            admin: Some("127.0.0.1:9883".parse().unwrap()),
            link: None,
        };
        write_ready_file(&path, &bound).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            r#"{"listeners":{"mqtts":"127.0.0.1:8883"},"admin":"127.0.0.1:9883"}"#
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

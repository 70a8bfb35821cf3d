//! What the swarm tells while it runs.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum At {
    BringUp,
    Up,
    Ramp,
    Back,
    GivenUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct Line {
    pub(crate) at: At,
    pub(crate) seconds: f64,
    pub(crate) settled: u32,
    pub(crate) gateways: u32,
    pub(crate) drops: u64,
}

/// Reads what is new in the file.
#[derive(Debug)]
pub(crate) struct Events {
    path: PathBuf,
    read: u64,
}

impl Events {
    pub(crate) fn of(path: &Path) -> Self {
        Self {
            path: path.into(),
            read: 0,
        }
    }

    /// Whole lines since the last call; a file that is not there yet has none.
    pub(crate) fn new_lines(&mut self) -> Vec<Line> {
        let mut text = String::new();
        let Ok(mut file) = File::open(&self.path) else {
            return Vec::new();
        };
        let read = file
            .seek(SeekFrom::Start(self.read))
            .and_then(|_| file.read_to_string(&mut text));
        if read.is_err() {
            return Vec::new();
        }
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        text[..whole]
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_line_is_read_once_and_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut events = Events::of(&path);
        assert!(events.new_lines().is_empty(), "not there yet");
        let mut file = File::create(&path).unwrap();
        let line = r#"{"at":"Ramp","seconds":1.5,"settled":3,"gateways":9,"attempts":1,"handshakes":1,"drops":0}"#;
        write!(file, "{line}\n{}", &line[..20]).unwrap();
        let found = events.new_lines();
        assert_eq!(
            (found.len(), found[0].at, found[0].settled),
            (1, At::Ramp, 3)
        );
        writeln!(file, "{}", &line[20..]).unwrap();
        assert_eq!(events.new_lines().len(), 1);
    }
}

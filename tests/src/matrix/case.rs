//! One case of the matrix, and which cases a library has.

use std::fmt;

use super::library::Library;
use super::pairwise;
use crate::clients::Version;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Tls,
    Wss,
}

impl Transport {
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Tls, Self::Wss];

    /// As the drivers are told it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Wss => "wss",
        }
    }

    /// The listener of the test's configuration that speaks it.
    pub fn listener(self) -> &'static str {
        match self {
            Self::Tcp => "mqtt",
            Self::Tls => "mqtts",
            Self::Wss => "wss",
        }
    }
}

/// What becomes of the session while its client is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    Clean,
    Kept,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    pub version: Version,
    pub transport: Transport,
    pub qos: u8,
    pub session: Session,
}

const QOS: [u8; 3] = [0, 1, 2];
const SESSIONS: [Session; 2] = [Session::Clean, Session::Kept];

impl Case {
    /// Every case that the library can do.
    pub fn all(library: &Library) -> Vec<Self> {
        Self::shape(library)
            .every()
            .iter()
            .map(|row| Self::of(library, row))
            .collect()
    }

    /// As few as cover each pair of values.
    pub fn pairwise(library: &Library) -> Vec<Self> {
        Self::shape(library)
            .covering()
            .iter()
            .map(|row| Self::of(library, row))
            .collect()
    }

    fn shape(library: &Library) -> pairwise::Shape {
        pairwise::Shape(vec![
            library.versions.len(),
            library.transports.len(),
            QOS.len(),
            SESSIONS.len(),
        ])
    }

    fn of(library: &Library, row: &[usize]) -> Self {
        Self {
            version: library.versions[row[0]],
            transport: library.transports[row[1]],
            qos: QOS[row[2]],
            session: SESSIONS[row[3]],
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match self.version {
            Version::V311 => "3.1.1",
            Version::V5 => "5.0",
        };
        let session = match self.session {
            Session::Clean => "clean",
            Session::Kept => "kept",
        };
        let transport = self.transport.name();
        write!(
            formatter,
            "{version} {transport} QoS {} {session}",
            self.qos
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::library::LIBRARIES;
    use super::*;

    #[test]
    fn a_library_has_each_combination_once() {
        for library in LIBRARIES {
            let all = Case::all(library);
            let count = library.versions.len() * library.transports.len() * 6;
            assert_eq!(all.len(), count, "{}", library.name);
            for (at, case) in all.iter().enumerate() {
                assert!(!all[..at].contains(case), "{}: {case} twice", library.name);
            }
        }
    }

    #[test]
    fn the_selection_has_every_pair_that_can_occur() {
        for library in LIBRARIES {
            let selected = Case::pairwise(library);
            assert!(selected.len() <= Case::all(library).len());
            for case in Case::all(library) {
                for pair in pairs(case) {
                    let found = selected.iter().any(|other| pairs(*other).contains(&pair));
                    assert!(found, "{}: no selected case has {pair:?}", library.name);
                }
            }
        }
    }

    /// As the values are called, apart from how the selection counts them.
    fn pairs(case: Case) -> Vec<[String; 2]> {
        let values = [
            format!("{:?}", case.version),
            format!("{:?}", case.transport),
            format!("QoS {}", case.qos),
            format!("{:?}", case.session),
        ];
        let mut pairs = Vec::new();
        for (at, first) in values.iter().enumerate() {
            for second in &values[at + 1..] {
                pairs.push([first.clone(), second.clone()]);
            }
        }
        pairs
    }
}

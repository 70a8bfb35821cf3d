//! Files whose contents change while the process runs.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use crate::process::Life;

/// How often files are looked at. Polling finds every kind of change on every file system, Kubernetes' swap of
/// `..data` included, and is cheaper than being wrong.
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Larger files are known by their metadata: reading them all the time would cost.
const HASHED_BYTES: u64 = 1024 * 1024;

/// Some files, and what they were when last looked at.
#[derive(Debug)]
pub struct FileWatch {
    files: Vec<(PathBuf, Print)>,
}

/// What tells one content from another.
#[derive(Debug, PartialEq, Eq)]
enum Print {
    Missing,
    Content([u8; 32]),
    /// Device, inode, bytes, and the last change in seconds and nanoseconds.
    Metadata([i128; 5]),
}

impl FileWatch {
    /// Make it before reading the files: a change between the two is then found rather than missed.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let files = paths
            .into_iter()
            .map(|path| (path.clone(), print(&path)))
            .collect();
        Self { files }
    }

    /// Whether any file is another one since the last call.
    pub fn changed(&mut self) -> bool {
        let mut changed = false;
        for (path, seen) in &mut self.files {
            let now = print(path);
            changed |= now != *seen;
            *seen = now;
        }
        changed
    }
}

fn print(path: &Path) -> Print {
    read_print(path).unwrap_or(Print::Missing)
}

fn read_print(path: &Path) -> io::Result<Print> {
    let metadata = std::fs::metadata(path)?;
    if metadata.len() > HASHED_BYTES {
        let parts = [
            metadata.dev().into(),
            metadata.ino().into(),
            metadata.len().into(),
            metadata.mtime().into(),
            metadata.mtime_nsec().into(),
        ];
        return Ok(Print::Metadata(parts));
    }
    let content = digest(&SHA256, &std::fs::read(path)?);
    Ok(content
        .as_ref()
        .try_into()
        .map_or(Print::Missing, Print::Content))
}

/// A thread that looks at files now and then; ends when dropped.
#[derive(Debug)]
pub struct Poller {
    poke: SyncSender<()>,
    life: Life,
}

impl Poller {
    /// Calls `look` every `interval`, and soon after each `poke`.
    pub fn start(
        name: &str,
        interval: Duration,
        look: impl FnMut() + Send + 'static,
    ) -> io::Result<Self> {
        // one poke that waits stands for all that come meanwhile
        let (poke, pokes) = sync_channel(1);
        let life = Life::start(name, move || poll(&pokes, interval, look))?;
        Ok(Self { poke, life })
    }

    /// Looks now rather than at the next interval.
    pub fn poke(&self) {
        // full: a poke waits already; closed: the thread died with the process
        let _ = self.poke.try_send(());
    }

    /// Of its thread: a panic in `look` ends it.
    pub fn life(&self) -> Life {
        self.life.clone()
    }
}

fn poll(pokes: &Receiver<()>, interval: Duration, mut look: impl FnMut()) {
    while !matches!(
        pokes.recv_timeout(interval),
        Err(RecvTimeoutError::Disconnected)
    ) {
        look();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_change_is_seen_once() {
        let dir = tempfile::tempdir().expect("dir");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&a, "1").expect("write");
        let mut watch = FileWatch::new([a.clone(), b.clone()]);
        assert!(!watch.changed());
        fs::write(&a, "2").expect("write");
        assert!(watch.changed());
        assert!(!watch.changed());
        fs::write(&b, "new").expect("write");
        assert!(watch.changed());
        fs::remove_file(&a).expect("remove");
        assert!(watch.changed());
        assert!(!watch.changed());
    }

    #[test]
    fn the_same_content_is_no_change() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("a");
        fs::write(&path, "1").expect("write");
        let mut watch = FileWatch::new([path.clone()]);
        fs::write(&path, "1").expect("write");
        assert!(!watch.changed());
    }

    #[test]
    fn a_swap_of_the_data_link_is_a_change() {
        let dir = tempfile::tempdir().expect("dir");
        let at = |name: &str| dir.path().join(name);
        for version in ["..v1", "..v2"] {
            fs::create_dir(at(version)).expect("folder");
            fs::write(at(version).join("tls.crt"), version).expect("write");
        }
        symlink("..v1", at("..data")).expect("link");
        symlink("..data/tls.crt", at("tls.crt")).expect("link");
        let mut watch = FileWatch::new([at("tls.crt")]);
        symlink("..v2", at("..data_tmp")).expect("link");
        fs::rename(at("..data_tmp"), at("..data")).expect("swap");
        assert!(watch.changed());
        assert!(!watch.changed());
    }

    #[test]
    fn large_files_are_known_by_their_metadata() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("large");
        fs::write(&path, vec![0; 2_000_000]).expect("write");
        let mut watch = FileWatch::new([path.clone()]);
        assert!(matches!(watch.files.first(), Some((_, Print::Metadata(_)))));
        fs::write(&path, vec![0; 2_000_001]).expect("write");
        assert!(watch.changed());
    }

    #[test]
    fn a_poller_looks_when_poked_and_ends_when_dropped() {
        let (looked, looks) = sync_channel(8);
        let poller = Poller::start("poller-test", Duration::from_hours(1), move || {
            looked.send(()).expect("heard");
        })
        .expect("thread");
        poller.poke();
        assert_eq!(looks.recv_timeout(Duration::from_secs(10)), Ok(()));
        drop(poller);
        assert_eq!(
            looks.recv_timeout(Duration::from_secs(10)),
            Err(RecvTimeoutError::Disconnected)
        );
    }
}

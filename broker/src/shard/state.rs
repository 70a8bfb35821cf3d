//! The file on a shard's volume that admission is taken up from after a restart.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use herdgate_admission::stored::{MOST_STORED_BYTES, Stored, StoredError};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::metrics::StateMetrics;
use crate::process::Causes;

const NAME: &str = "admission";
/// Written first, then renamed.
const TEMPORARY: &str = "admission.new";
/// After a failure: a full disk is not emptied in a second.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Why there is nothing to take up.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error("failed to read the file")]
    Read(#[from] io::Error),
    #[error("failed to read the file: it is larger than {MOST_STORED_BYTES} bytes")]
    TooLarge,
    #[error(transparent)]
    Stored(#[from] StoredError),
}

/// Where a shard's admission is kept.
#[derive(Clone, Debug)]
pub struct StateFile {
    folder: PathBuf,
    metrics: StateMetrics,
}

impl StateFile {
    pub fn new(folder: &Path, metrics: StateMetrics) -> Self {
        Self {
            folder: folder.to_owned(),
            metrics,
        }
    }

    /// What the last start left. A damaged file is as good as none, and is told of.
    pub fn load(&self) -> Stored {
        match self.read() {
            Ok(Some(stored)) => stored,
            Ok(None) => Stored::default(),
            Err(error) => {
                self.metrics.damaged.inc();
                let path = self.folder.join(NAME);
                tracing::warn!(path = %path.display(), error = %Causes(&error), "stored admission is not taken up");
                Stored::default()
            }
        }
    }

    /// `None`: there is no file.
    fn read(&self) -> Result<Option<Stored>, LoadError> {
        let file = match File::open(self.folder.join(NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = Vec::new();
        let most = MOST_STORED_BYTES as u64 + 1;
        file.take(most).read_to_end(&mut bytes)?;
        if bytes.len() > MOST_STORED_BYTES {
            return Err(LoadError::TooLarge);
        }
        Ok(Some(Stored::decode(&bytes)?))
    }

    /// The whole new file or the whole old one is there, whenever the power goes.
    fn save(&self, stored: &Stored) -> io::Result<()> {
        let temporary = self.folder.join(TEMPORARY);
        let mut file = File::create(&temporary)?;
        file.write_all(&stored.encode())?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, self.folder.join(NAME))?;
        File::open(&self.folder)?.sync_all()
    }

    /// Keeps the file as the latest of `states`. Runs as long as the process.
    pub async fn run(self, mut states: watch::Receiver<Arc<Stored>>) {
        while states.changed().await.is_ok() {
            loop {
                let (file, stored) = (self.clone(), Arc::clone(&states.borrow_and_update()));
                let saved = tokio::task::spawn_blocking(move || file.save(&stored)).await;
                let failed = match saved {
                    Ok(Ok(())) => break,
                    Ok(Err(error)) => error,
                    Err(error) => io::Error::other(error),
                };
                self.metrics.failed.inc();
                tracing::warn!(error = %failed, "failed to store admission");
                sleep(TRY_AGAIN).await;
            }
            self.metrics.written.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use herdgate_admission::report::ReopeningNumber;

    use super::*;
    use crate::metrics::Metrics;

    fn stored(number: u64) -> Stored {
        Stored {
            reopening: ReopeningNumber(number),
            ..Stored::default()
        }
    }

    fn folder() -> (tempfile::TempDir, StateFile) {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::new(folder.path(), Metrics::new().shard.state);
        (folder, file)
    }

    #[test]
    fn the_last_that_was_saved_is_loaded() {
        let (_folder, file) = folder();
        assert_eq!(file.load(), Stored::default());
        for number in [3, 4] {
            file.save(&stored(number)).unwrap();
            assert_eq!(file.load(), stored(number));
        }
        assert_eq!(file.metrics.damaged.get(), 0, "a first start is no damage");
    }

    #[test]
    fn a_write_that_was_cut_off_leaves_the_old_file() {
        let (folder, file) = folder();
        file.save(&stored(3)).unwrap();
        let half = stored(4).encode();
        fs::write(folder.path().join(TEMPORARY), &half[..half.len() / 2]).unwrap();
        assert_eq!(file.load(), stored(3));
        file.save(&stored(5)).unwrap();
        assert_eq!(file.load(), stored(5));
    }

    #[test]
    fn a_damaged_file_is_a_first_start_and_told_of() {
        let (folder, file) = folder();
        file.save(&stored(3)).unwrap();
        let path = folder.path().join(NAME);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(file.load(), Stored::default());
        fs::write(&path, vec![b'h'; MOST_STORED_BYTES + 1]).unwrap();
        assert_eq!(file.load(), Stored::default());
        assert_eq!(file.metrics.damaged.get(), 2);
    }
}

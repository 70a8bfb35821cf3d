//! Files with secrets, written whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// Its owner alone may read a file with secrets.
const MODE: u32 = 0o600;

/// Makes a file that must not exist.
pub(super) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if written.is_err() {
        // better no file than half a one
        let _ = std::fs::remove_file(path);
    }
    written
}

/// Puts new content in the place of the old in one step: a reader sees the one or the other. Owner and mode stay.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // behind a link it is the target that changes
    let path = path.canonicalize()?;
    let old = std::fs::metadata(&path)?;
    let new = beside(&path);
    create(&new, content)?;
    let file = File::open(&new)?;
    let placed = keep_owner(&file, &old)
        .and_then(|()| file.set_permissions(std::fs::Permissions::from_mode(old.mode() & 0o777)))
        .and_then(|()| std::fs::rename(&new, &path));
    if placed.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    placed
}

fn keep_owner(file: &File, old: &std::fs::Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(file, Some(old.uid()), Some(old.gid()))
}

/// In the same folder, so that the rename stays within one file system.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("metadata").mode() & 0o777
    }

    #[test]
    fn a_new_file_is_its_owners_and_never_replaces_one() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("passwords");
        create(&path, b"a").expect("creates");
        assert_eq!(
            (std::fs::read(&path).expect("reads"), mode(&path)),
            (b"a".to_vec(), 0o600)
        );
        assert_eq!(
            create(&path, b"b").expect_err("exists").kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(std::fs::read(&path).expect("reads"), b"a");
    }

    #[test]
    fn replacing_keeps_the_mode_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("dir");
        let (path, link) = (dir.path().join("passwords"), dir.path().join("link"));
        create(&path, b"a").expect("creates");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("mode");
        std::os::unix::fs::symlink("passwords", &link).expect("link");
        let before = std::fs::metadata(&path).expect("metadata").ino();
        replace(&link, b"bb").expect("replaces");
        assert_eq!(
            (std::fs::read(&path).expect("reads"), mode(&path)),
            (b"bb".to_vec(), 0o640)
        );
        assert!(link.is_symlink());
        assert_ne!(
            std::fs::metadata(&path).expect("metadata").ino(),
            before,
            "in one step means another file"
        );
        assert_eq!(std::fs::read_dir(dir.path()).expect("dir").count(), 2);
        assert!(replace(&dir.path().join("none"), b"x").is_err());
    }
}

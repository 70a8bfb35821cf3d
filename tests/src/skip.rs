//! A test without its real part says so; in CI it fails.

use std::env;
use std::io::Write as _;
use std::path::PathBuf;

/// Says what is missing, past the test runner's capture. With `CI=true` a skip is a failure.
pub fn skip(missing: &str) {
    assert!(
        env::var("CI").as_deref() != Ok("true"),
        "with CI=true nothing may be skipped: {missing}"
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "SKIP {test}: {missing}");
}

/// The folder of the built binaries: `HERDGATE_BIN_DIR`, else where this test itself was built.
pub fn binary_folder() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("HERDGATE_BIN_DIR") {
        return Some(folder.into());
    }
    let folder = env::current_exe().ok()?.parent()?.parent()?.to_owned();
    folder.join("herdgate").is_file().then_some(folder)
}

/// A built binary of ours, or a skip.
pub fn binary(name: &str) -> Option<PathBuf> {
    let found = binary_folder()
        .map(|folder| folder.join(name))
        .filter(|path| path.is_file());
    if found.is_none() {
        skip(&format!("binary {name} is not in HERDGATE_BIN_DIR"));
    }
    found
}

/// A command of the machine, or a skip that names the package.
pub fn command(name: &str, package: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        skip(&format!(
            "command {name} is missing (Debian package {package})"
        ));
    }
    found
}

/// Where downloads and virtual environments stay between runs.
pub fn cache_folder() -> PathBuf {
    if let Some(folder) = env::var_os("HERDGATE_CACHE") {
        return folder.into();
    }
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .unwrap_or_else(env::temp_dir);
    base.join("herdgate")
}

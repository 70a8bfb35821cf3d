//! A real Kubernetes under test: the project's own lab, or a cluster that somebody named.

pub mod audit;
pub mod edges;
pub mod http;
pub mod kubernetes;
pub mod probe;
pub mod rbac;
pub mod swarm;

use std::env;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::skip;
use audit::AuditLog;
use kubernetes::Kubernetes;

/// What the tests have at hand.
pub struct Lab {
    pub kubernetes: Kubernetes,
    /// Only our own lab shows who asked for what.
    pub audit: Option<AuditLog>,
    /// Whether a client may have any address of 198.18.128.0/18. Only in our own lab.
    pub fleet: bool,
    pub swarm: PathBuf,
    pub charts: PathBuf,
    /// Where the images are, without name and tag.
    pub repository: String,
    pub tag: String,
    pub folder: TempDir,
}

impl Lab {
    /// A cluster made for this, not one that somebody named.
    pub fn is_our_own(&self) -> bool {
        self.audit.is_some()
    }

    /// Kills a program of our own lab's node, such as `kube-apiserver`, or starts it again.
    pub fn program(&self, command: &str, name: &str) {
        assert!(self.is_our_own(), "only our own lab may be broken");
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("lab/lab.sh");
        let output = Command::new(script).args([command, name]).output().unwrap();
        assert!(output.status.success(), "{command} {name}: {output:?}");
    }

    /// What `tests/lab/test.sh` brought up; `None` without it, said loudly.
    pub fn find() -> Option<Self> {
        let Some(kubeconfig) = env::var_os("HERDGATE_LAB_KUBECONFIG").map(PathBuf::from) else {
            skip::skip("no lab: run tests/lab/test.sh");
            return None;
        };
        let folder = tempfile::Builder::new()
            .prefix("herdgate-lab-")
            .tempdir()
            .unwrap();
        let tools = PathBuf::from(env::var_os("HERDGATE_LAB_TOOLS").expect("set by test.sh"));
        Some(Self {
            kubernetes: Kubernetes::new(&tools, kubeconfig, folder.path()),
            audit: env::var_os("HERDGATE_LAB_AUDIT_LOG").map(|path| AuditLog::new(path.into())),
            fleet: env::var_os("HERDGATE_LAB_FLEET").is_some(),
            swarm: skip::binary("herdgate-swarm")?,
            charts: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../charts"),
            repository: from_env("HERDGATE_LAB_REPOSITORY", "docker.io/herdgate"),
            tag: from_env("HERDGATE_LAB_TAG", env!("CARGO_PKG_VERSION")),
            folder,
        })
    }
}

fn from_env(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// Says where the story is; a lab test is long.
pub fn step(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "lab test: {text}");
}

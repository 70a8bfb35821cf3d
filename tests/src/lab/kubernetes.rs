//! kubectl and helm as people use them, and the API through `kubectl proxy`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::http;
use crate::process::Process;
use crate::wait::PATIENT;

/// How long a rollout may take on two cores that also carry the herd; usually a few seconds.
pub const ROLLOUT: Duration = Duration::from_mins(2);

pub struct Kubernetes {
    kubectl: PathBuf,
    helm: PathBuf,
    kubeconfig: PathBuf,
    folder: PathBuf,
    api: SocketAddr,
    _proxy: Process,
}

impl Kubernetes {
    pub fn new(tools: &Path, kubeconfig: PathBuf, folder: &Path) -> Self {
        let kubectl = tools.join("kubectl");
        let mut command = Command::new(&kubectl);
        command
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .args(["proxy", "--port=0"]);
        let mut proxy = Process::spawn("kubectl-proxy", command, folder);
        proxy.until_logged("Starting to serve on ", PATIENT);
        let log = proxy.log();
        let api = log.split_whitespace().last().unwrap().parse().unwrap();
        Self {
            kubectl,
            helm: tools.join("helm"),
            kubeconfig,
            folder: folder.to_owned(),
            api,
            _proxy: proxy,
        }
    }

    /// Runs kubectl; its output, or a panic with what it said.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        succeed("kubectl", arguments, &self.try_kubectl(arguments, None))
    }

    /// Runs kubectl for what it says, be it good or bad.
    pub fn told(&self, arguments: &str) -> String {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = self.try_kubectl(&arguments, None);
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    }

    pub fn helm(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.helm);
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig);
        for (variable, name) in [
            ("HELM_CACHE_HOME", "helm-cache"),
            ("HELM_CONFIG_HOME", "helm-config"),
            ("HELM_DATA_HOME", "helm-data"),
        ] {
            command.env(variable, self.folder.join(name));
        }
        succeed("helm", arguments, &command.output().unwrap())
    }

    /// Applies objects; what the API server said against it as the error.
    pub fn try_apply(&self, objects: &Value) -> Result<(), String> {
        let output = self.try_kubectl(
            &["apply", "--server-side", "--filename", "-"],
            Some(&objects.to_string()),
        );
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    pub fn apply(&self, objects: &Value) {
        self.try_apply(objects)
            .unwrap_or_else(|error| panic!("apply failed: {error}\n{objects:#}"));
    }

    /// Starts a kubectl that goes on, such as a watch; its output goes to a file.
    pub fn start(&self, name: &str, arguments: &[&str]) -> Process {
        let mut command = Command::new(&self.kubectl);
        command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments);
        Process::spawn(name, command, &self.folder)
    }

    /// What the API server answers at a path; `None` for 404 and when nobody answers.
    pub fn get(&self, path: &str) -> Option<Value> {
        let (code, body) = http::get(self.api, path)?;
        match code {
            200 => Some(
                serde_json::from_str(&body)
                    .unwrap_or_else(|error| panic!("{path}: {error}: {body}")),
            ),
            _ => None,
        }
    }

    /// The items of a list at a path.
    pub fn list(&self, path: &str) -> Vec<Value> {
        let list = self
            .get(path)
            .unwrap_or_else(|| panic!("the API server has no {path}"));
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Names of all objects of a namespace, as `kind/name`, of every kind that can be listed; events left out.
    pub fn everything_in(&self, namespace: &str) -> Vec<String> {
        let kinds = self.kubectl(&[
            "api-resources",
            "--namespaced",
            "--verbs=list",
            "--output=name",
        ]);
        let kinds: Vec<&str> = kinds
            .split_whitespace()
            .filter(|kind| !kind.starts_with("events"))
            .collect();
        let objects = self.kubectl(&[
            "get",
            &kinds.join(","),
            "--namespace",
            namespace,
            "--output=name",
            "--ignore-not-found",
        ]);
        objects.lines().map(str::to_owned).collect()
    }

    fn try_kubectl(&self, arguments: &[&str], input: Option<&str>) -> Output {
        let mut child = Command::new(&self.kubectl)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.unwrap_or_default().as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }
}

fn succeed(program: &str, arguments: &[&str], output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program} {}: {text}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

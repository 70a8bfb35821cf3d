//! The binary's commands that do not run a broker.
#![allow(
    clippy::expect_used,
    reason = "clippy knows the tests here, but not that their helpers are tests too"
)]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn herdgate(arguments: &[&str], env: &[(&str, &str)], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_herdgate"))
        .args(arguments)
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // a command that does not read its input may be gone already
    let _ = child
        .stdin
        .take()
        .expect("stdin")
        .write_all(input.as_bytes());
    child.wait_with_output().expect("ends")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/config")
        .join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn three_mistakes_are_told_at_once_with_64() {
    let file = fixture("three-mistakes.yaml");
    for command in [&["check-config", "-c"][..], &["standalone", "-c"]] {
        let arguments: Vec<&str> = command.iter().copied().chain([text(&file)]).collect();
        let output = herdgate(&arguments, &[], "");
        assert_eq!(code(&output), Some(64), "{output:?}");
        let told = stderr(&output);
        for path in [
            "admission.alwaysAllow[0]: ",
            "admission.slices: ",
            "listeners[0].tls.certificateFlie: ",
        ] {
            assert!(told.contains(path), "{path} is not in {told}");
        }
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn files_that_are_not_what_they_should_be_are_named() {
    let dir = tempfile::tempdir().expect("dir");
    let junk = dir.path().join("junk");
    std::fs::write(&junk, "junk").expect("write");
    let set = [
        "listeners[0].name=a".to_owned(),
        "listeners[0].address=127.0.0.1:0".to_owned(),
        "listeners[0].protocol=mqtts".to_owned(),
        format!("listeners[0].tls.certificateFile={}", text(&junk)),
        "listeners[0].tls.privateKeyFile=/none/there".to_owned(),
        format!("authentication.passwordFile={}", text(&junk)),
        "authentication.http={url: 'http://login/'}".to_owned(),
        format!("authentication.http.tokenFile={}", text(&junk)),
    ];
    let mut arguments = vec!["check-config"];
    arguments.extend(set.iter().flat_map(|value| ["--set", value]));
    let output = herdgate(&arguments, &[], "");
    assert_eq!(code(&output), Some(64));
    let told = stderr(&output);
    for part in [
        "listeners[0].tls.certificateFile: ",
        "there is no certificate in it",
        "listeners[0].tls.privateKeyFile: ",
        "No such file",
        "authentication.passwordFile: ",
        "authentication.http.tokenFile: ",
        "line 1: there is no colon",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    arguments.push("--without-files");
    assert_eq!(code(&herdgate(&arguments, &[], "")), Some(0));
}

#[test]
fn the_environment_lies_over_the_file_and_flags_over_it() {
    let file = fixture("everything.yaml");
    let check = ["check-config", "--without-files", "-c", text(&file)];
    let output = herdgate(
        &check,
        &[
            ("HERDGATE_CLUSTER", "from-env"),
            ("HERDGATE_ADMISSION__MODE", "Open"),
        ],
        "",
    );
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(code(&output), Some(0), "{output:?}");
    assert!(told.contains("from-env") && told.contains("Open"), "{told}");
    let flagged = [&check[..], &["--set", "cluster=from-flag"]].concat();
    let output = herdgate(&flagged, &[("HERDGATE_CLUSTER", "from-env")], "");
    assert!(String::from_utf8_lossy(&output.stdout).contains("from-flag"));
    let bad = herdgate(&check, &[("HERDGATE_ADMISSION__MOOD", "Open")], "");
    assert_eq!(code(&bad), Some(64));
    assert!(
        stderr(&bad).contains("HERDGATE_ADMISSION__MOOD: unknown key; did you mean mode?"),
        "{}",
        stderr(&bad)
    );
}

#[test]
fn bad_flags_end_with_64_and_help_with_0() {
    for arguments in [
        &["fly"][..],
        &["edge", "--set"],
        &["passwd"],
        &["check-config", "--role", "king"],
        &[],
    ] {
        assert_eq!(
            code(&herdgate(arguments, &[], "")),
            Some(64),
            "{arguments:?}"
        );
    }
    for arguments in [&["--help"][..], &["--version"], &["edge", "--help"]] {
        assert_eq!(
            code(&herdgate(arguments, &[], "")),
            Some(0),
            "{arguments:?}"
        );
    }
}

#[test]
fn the_reference_can_be_printed() {
    let output = herdgate(&["check-config", "--reference"], &[], "");
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/config.md");
    assert_eq!(output.stdout, std::fs::read(stored).expect("reads"));
}

#[test]
fn passwd_creates_updates_and_deletes() {
    let dir = tempfile::tempdir().expect("dir");
    let path = dir.path().join("passwords");
    let file = text(&path);
    let passwd = |arguments: &[&str], input: &str| {
        code(&herdgate(&[&["passwd"], arguments].concat(), &[], input))
    };
    let users = || herdgate::auth::read_users(&path).expect("reads");

    assert_eq!(
        passwd(&["-b", file, "alice", "one"], ""),
        Some(1),
        "there is no file yet"
    );
    assert_eq!(
        passwd(&["-c", "-b", "-i", "10", file, "alice", "one"], ""),
        Some(0)
    );
    assert_eq!(
        std::fs::metadata(&path)
            .expect("metadata")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    assert_eq!(
        passwd(&["-c", "-b", file, "alice", "one"], ""),
        Some(1),
        "it exists"
    );
    assert_eq!(passwd(&["-i", "10", file, "bob"], "two\n"), Some(0));
    assert!(users().stored_for("alice").verify(b"one") && users().stored_for("bob").verify(b"two"));

    assert_eq!(
        passwd(&["-b", "-i", "10", file, "alice", "three"], ""),
        Some(0)
    );
    assert!(users().stored_for("alice").verify(b"three"));
    assert_eq!(users().len(), 2);

    assert_eq!(passwd(&["-D", file, "alice"], ""), Some(0));
    assert!(!users().contains("alice"));
    assert_eq!(passwd(&["-D", file, "alice"], ""), Some(1));
    assert_eq!(passwd(&["-b", file, "a:b", "x"], ""), Some(64));
    assert_eq!(passwd(&[file, "carol"], "\n"), Some(1), "an empty password");
    assert_eq!(users().len(), 1);
    assert_eq!(
        std::fs::read_dir(dir.path()).expect("dir").count(),
        1,
        "nothing is left behind"
    );
}

#[test]
fn passwd_writes_verifiers_in_the_place_of_hashes() {
    let dir = tempfile::tempdir().expect("dir");
    let path = dir.path().join("passwords");
    let file = text(&path);
    let passwd = |arguments: &[&str]| code(&herdgate(&[&["passwd"], arguments].concat(), &[], ""));
    assert_eq!(
        passwd(&["-c", "-b", "-i", "10", file, "alice", "one"]),
        Some(0)
    );
    assert_eq!(
        passwd(&["--scram", "-b", file, "alice", "gr\u{fc}n"]),
        Some(0)
    );
    let written = std::fs::read_to_string(&path).expect("reads");
    assert!(
        written.starts_with("alice:SCRAM-SHA-256$4096:") && written.lines().count() == 1,
        "{written}"
    );
    let users = herdgate::auth::read_users(&path).expect("reads");
    assert!(users.stored_for("alice").verify("gru\u{308}n".as_bytes()));
    for (arguments, refused) in [
        (
            &["--scram", "-b", "-i", "4095", file, "alice", "one"][..],
            64,
        ),
        (&["--scram", "-b", file, "ali\u{ad}ce", "one"], 64),
        (&["--scram", "-b", file, "alice", "\u{1f511}"], 1),
        (&["--scram", "-D", file, "alice"], 64),
    ] {
        assert_eq!(passwd(arguments), Some(refused), "{arguments:?}");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("reads"), written);
    assert_eq!(passwd(&["-b", "-i", "10", file, "alice", "two"]), Some(0));
    let written = std::fs::read_to_string(&path).expect("reads");
    assert!(written.starts_with("alice:$7$10$"), "{written}");
}

//! A process that is told nonsense says all of it at once, and does not start.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use herdgate_tests::process::run;
use herdgate_tests::setup::Setup;
use herdgate_tests::skip;
use herdgate_tests::wait::PATIENT;
use serde_json::json;

const BAD_CONFIG: Option<i32> = Some(64);

/// Exit code and output of `herdgate` with these arguments.
fn herdgate(setup: &Setup, arguments: &[&str]) -> Option<(Option<i32>, String)> {
    let mut command = Command::new(skip::binary("herdgate")?);
    command.args(arguments);
    let name = arguments.join("_").replace('/', "");
    let name: String = name.chars().take(80).collect();
    let (status, output) = run(&name, command, setup.folder.path(), PATIENT);
    Some((status.code(), output))
}

fn assert_names_all(output: &str, paths: &[&str]) {
    for path in paths {
        assert!(output.contains(path), "{path} is not named in: {output}");
    }
    assert!(!output.contains("panicked"), "{output}");
}

#[test]
fn three_mistakes_are_named_at_once() {
    let mut setup = Setup::new();
    setup.config["listeners"][0]["tls"]["minVersion"] = json!("1.1");
    setup.config["admission"]["slices"] = json!(100);
    setup.config["admision"] = json!({});
    let config = setup
        .write_config("bad.yaml", &setup.config)
        .display()
        .to_string();
    let wrong = [
        "listeners[0].tls.minVersion",
        "admission.slices",
        "admision",
    ];
    for arguments in [
        ["check-config", "-c", &config],
        ["standalone", "-c", &config],
    ] {
        let Some((code, output)) = herdgate(&setup, &arguments) else {
            return;
        };
        assert_eq!(code, BAD_CONFIG, "{arguments:?}: {output}");
        assert_names_all(&output, &wrong);
        assert!(
            output.contains("1.3") && output.contains("power of two"),
            "what is allowed: {output}"
        );
    }
}

#[test]
fn a_good_config_is_called_good_for_each_role() {
    let setup = Setup::new().set("/edge/shards", json!(["shard-0.shards:7883"]));
    let config = setup
        .write_config("good.yaml", &setup.config)
        .display()
        .to_string();
    for role in ["standalone", "edge", "shard"] {
        let Some((code, output)) =
            herdgate(&setup, &["check-config", "--role", role, "-c", &config])
        else {
            return;
        };
        assert_eq!(code, Some(0), "{role}: {output}");
    }
}

#[test]
fn several_shards_are_refused_until_they_can_talk() {
    let setup = Setup::new().set(
        "/edge/shards",
        json!(["shard-0.shards:7883", "shard-1.shards:7883"]),
    );
    let config = setup
        .write_config("two.yaml", &setup.config)
        .display()
        .to_string();
    let Some((code, output)) = herdgate(&setup, &["check-config", "--role", "edge", "-c", &config])
    else {
        return;
    };
    assert_eq!(code, BAD_CONFIG, "{output}");
    assert_names_all(&output, &["edge.shards", "isolatedShards"]);
    let isolated = [
        "check-config",
        "--role",
        "edge",
        "-c",
        &config,
        "--set",
        "routing.isolatedShards=true",
    ];
    let (code, output) = herdgate(&setup, &isolated).unwrap();
    assert_eq!(code, Some(0), "{output}");
}

#[test]
fn files_that_are_not_what_they_should_be_are_named() {
    let setup = Setup::new();
    setup.write(
        "nonsense",
        "this is neither a certificate nor a key nor a password",
    );
    let nonsense = setup.path("nonsense").display().to_string();
    for (pointer, value) in [
        ("/listeners/0/tls/certificateFile", nonsense.as_str()),
        ("/listeners/0/tls/privateKeyFile", nonsense.as_str()),
        ("/listeners/0/tls/certificateFile", "/nowhere/at/all.pem"),
        ("/authentication/passwordFile", nonsense.as_str()),
        ("/authentication/passwordFile", "/nowhere/at/all.passwords"),
    ] {
        let mut config = setup.config.clone();
        *config.pointer_mut(pointer).unwrap() = value.into();
        let path = setup
            .write_config("files.yaml", &config)
            .display()
            .to_string();
        let Some((code, output)) = herdgate(&setup, &["standalone", "-c", &path]) else {
            return;
        };
        assert!(
            matches!(code, Some(1 | 64)),
            "{pointer}={value}: {code:?}: {output}"
        );
        assert_names_all(&output, &[value]);
    }
}

#[test]
fn another_keys_certificate_is_refused() {
    let setup = Setup::new();
    let other = Setup::new();
    setup.write(
        "tls.key",
        &std::fs::read_to_string(other.path("tls.key")).unwrap(),
    );
    let config = setup
        .write_config("mixed.yaml", &setup.config)
        .display()
        .to_string();
    let Some((code, output)) = herdgate(&setup, &["standalone", "-c", &config]) else {
        return;
    };
    assert!(matches!(code, Some(1 | 64)), "{code:?}: {output}");
    assert_names_all(&output, &["tls.key"]);
}

#[test]
fn flags_and_environment_win_over_the_file() {
    let setup = Setup::new();
    let config = setup
        .write_config("good.yaml", &setup.config)
        .display()
        .to_string();
    let bad_flag = ["check-config", "-c", &config, "--set", "admission.slices=7"];
    let Some((code, output)) = herdgate(&setup, &bad_flag) else {
        return;
    };
    assert_eq!(code, BAD_CONFIG, "{output}");
    assert_names_all(&output, &["admission.slices"]);

    let mut command = Command::new(skip::binary("herdgate").unwrap());
    command
        .args(["check-config", "-c", &config])
        .env("HERDGATE_ADMISSION__PATIENCE_SECONDS", "never");
    let (_, with_unknown) = run("environment-1", command, setup.folder.path(), PATIENT);
    let mut command = Command::new(skip::binary("herdgate").unwrap());
    command
        .args(["check-config", "-c", &config])
        .env("HERDGATE_ADMISSION__PATIENCESECONDS", "never");
    let (_, with_known) = run("environment-2", command, setup.folder.path(), PATIENT);
    let named = [with_unknown, with_known]
        .iter()
        .any(|output| output.contains("admission.patienceSeconds"));
    assert!(named, "the environment is read");
}

#[test]
fn unknown_flags_and_no_command_are_usage_errors() {
    let setup = Setup::new();
    for arguments in [&["standalone", "--listen"][..], &["serve"], &[]] {
        let Some((code, output)) = herdgate(&setup, arguments) else {
            return;
        };
        assert_eq!(code, BAD_CONFIG, "{arguments:?}: {output}");
    }
}

use herdgate_crds::{Authentication, MqttClusterSpec};

use super::{Login, Problems};

pub(super) fn login(spec: &MqttClusterSpec, problems: &mut Problems) -> Login {
    let authentication = &spec.authentication;
    let pattern = authentication.client_id_pattern.as_str();
    let rest = pattern.replacen("%u", "", 1);
    if pattern != "*" && (!pattern.contains("%u") || rest.contains(['%', '*'])) {
        let allowed = "must contain '%u' once (the user name), or be '*'";
        problems.add("spec.authentication.clientIdPattern", allowed);
    }
    check_waits(authentication, problems);
    Login {
        anonymous: authentication.anonymous,
        password_secret: authentication
            .password_secret_ref
            .as_ref()
            .map(|secret| secret.name.clone()),
        client_id_pattern: authentication.client_id_pattern.clone(),
        wrong_password_wait: authentication.wrong_password_wait,
        flapping: authentication.flapping,
    }
}

fn check_waits(authentication: &Authentication, problems: &mut Problems) {
    let (wrong, flapping) = (authentication.wrong_password_wait, authentication.flapping);
    for (field, value, allowed) in [
        ("withinSeconds", flapping.within_seconds, 0..=60),
        ("freeEnds", flapping.free_ends, 0..=1_000),
    ] {
        let field = format!("spec.authentication.flapping.{field}");
        problems.range(&field, value, allowed);
    }
    for (field, first, longest) in [
        (
            "wrongPasswordWait",
            wrong.first_milliseconds,
            wrong.longest_seconds,
        ),
        (
            "flapping",
            flapping.first_milliseconds,
            flapping.longest_seconds,
        ),
    ] {
        let field = format!("spec.authentication.{field}");
        problems.range(&format!("{field}.firstMilliseconds"), first, 0..=60_000);
        problems.range(&format!("{field}.longestSeconds"), longest, 0..=240);
        if i64::from(longest) * 1_000 < i64::from(first) {
            let text = "must not be shorter than `firstMilliseconds`";
            problems.add(format!("{field}.longestSeconds"), text);
        }
    }
}

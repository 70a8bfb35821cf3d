use herdgate_crds::{Authentication, HttpBackend, MqttClusterSpec};

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
    if let Some(http) = &authentication.http {
        check_http(http, problems);
    }
    Login {
        anonymous: authentication.anonymous,
        password_secret: authentication
            .password_secret_ref
            .as_ref()
            .map(|secret| secret.name.clone()),
        http: authentication.http.clone(),
        client_id_pattern: authentication.client_id_pattern.clone(),
        wrong_password_wait: authentication.wrong_password_wait,
        flapping: authentication.flapping,
    }
}

/// The schema says the same but for the port's end; an edge with a bad URL would not start.
fn check_http(http: &HttpBackend, problems: &mut Problems) {
    const FIELD: &str = "spec.authentication.http";
    let scheme = ["http://", "https://"]
        .into_iter()
        .find(|scheme| http.url.starts_with(scheme));
    let host = scheme.and_then(|scheme| http.url.strip_prefix(scheme)?.split(['/', '?']).next());
    if !host.is_some_and(is_host) {
        let allowed = "must be a URL with http or https, a host, and a port up to 65535 if any";
        problems.add(format!("{FIELD}.url"), allowed);
    }
    if (scheme == Some("https://")) != http.ca_secret_ref.is_some() {
        let text = "must be specified when `url` has https and may not be specified otherwise";
        problems.add(format!("{FIELD}.caSecretRef"), text);
    }
    let timeout = format!("{FIELD}.timeoutMilliseconds");
    problems.range(&timeout, http.timeout_milliseconds, 10..=60_000);
    let concurrency = format!("{FIELD}.concurrency");
    problems.range(&concurrency, http.concurrency, 1..=4_096);
}

/// With a port or without.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-[]:".contains(&byte);
    let has_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    !host.is_empty() && host.bytes().all(known) && has_port
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

//! The URL of a server that we ask.

use http::Uri;

/// What is allowed.
pub(super) const ALLOWED: &str =
    "a URL with http or https, a host, and no user, such as https://login.example.com/mqtt";

/// Longer ones are a mistake.
const MAX_BYTES: usize = 2048;

/// Absolute, with `http` or `https` and a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl(Uri);

impl HttpUrl {
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES || text.contains('#') {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let has_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority()?;
        // the library takes a port that is none for a part of the host's text
        let rest = authority.as_str().strip_prefix(authority.host())?;
        let port = rest.strip_prefix(':').map(str::parse::<u16>);
        let has_port = match port {
            None => rest.is_empty(),
            Some(port) => port.is_ok_and(|port| port != 0),
        };
        (has_scheme && !authority.host().is_empty() && has_port).then_some(Self(uri))
    }

    pub fn uri(&self) -> &Uri {
        &self.0
    }

    pub fn is_tls(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_and_host_are_needed_and_nothing_that_would_be_left_out() {
        for (good, is_tls) in [
            ("http://127.0.0.1:8080/login", false),
            ("https://login.example.com", true),
            ("http://login:80/a/b?c=d", false),
            ("https://[::1]:8443/", true),
        ] {
            let url = HttpUrl::parse(good).expect(good);
            assert_eq!(url.is_tls(), is_tls, "{good}");
        }
        for bad in [
            "",
            "/login",
            "login.example.com",
            "login.example.com:80",
            "ftp://a/",
            "http://",
            "http:///login",
            "http://:80/",
            "http://a:0/",
            "http://a:65536/",
            "http://a:b/",
            "http://user:pass@a/",
            "http://user@a/",
            "http://a/#b",
            "http://a b/",
        ] {
            assert_eq!(HttpUrl::parse(bad), None, "{bad}");
        }
    }
}

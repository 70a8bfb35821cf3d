//! Who may come in as what: decided over plain values, the password's hash aside.

use std::net::IpAddr;

use super::{LoginRequest, Refusal};
use crate::config::{Anonymous, ClientIdPattern};

/// What the configuration says.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) anonymous: Anonymous,
    pub(super) pattern: ClientIdPattern,
}

/// Who a client says it is, and what is left to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim<'a> {
    Anonymous,
    /// Proven by the certificate.
    Certificate(&'a str),
    /// To be proven by hashing.
    Password {
        user: &'a str,
        password: &'a [u8],
    },
}

/// No password is longer: what waits in the queue stays small.
pub const MAX_PASSWORD_BYTES: usize = 4096;

impl Policy {
    /// A password is always checked, with a certificate or without, and its user is who comes in: so a fleet may share
    /// a certificate and have passwords of its own. A user name without a password must be the certificate's.
    pub(super) fn claim<'a>(&self, request: &'a LoginRequest) -> Result<Claim<'a>, Refusal> {
        match (
            request.user_name.as_deref(),
            request.password.as_deref(),
            request.certificate.as_deref(),
        ) {
            (Some(user), Some(password), _) if password.len() <= MAX_PASSWORD_BYTES => {
                Ok(Claim::Password { user, password })
            }
            (None, None, Some(principal)) => Ok(Claim::Certificate(principal)),
            (Some(user), None, Some(principal)) if user == principal => {
                Ok(Claim::Certificate(principal))
            }
            (Some(_), _, _) | (_, Some(_), _) => Err(Refusal::BadUserNameOrPassword),
            (None, None, None) if self.admits_anonymous(request.peer.ip()) => Ok(Claim::Anonymous),
            (None, None, None) => Err(Refusal::NotAuthorized),
        }
    }

    /// What may stand beside a proof that `user` is who it is: the user's own name, and no password, which nobody would
    /// look at.
    pub(super) fn beside_proof(user: &str, request: &LoginRequest) -> Result<(), Refusal> {
        let name = request.user_name.as_deref();
        if name.is_none_or(|name| name == user) && request.password.is_none() {
            Ok(())
        } else {
            Err(Refusal::BadUserNameOrPassword)
        }
    }

    fn admits_anonymous(&self, peer: IpAddr) -> bool {
        match self.anonymous {
            Anonymous::Never => false,
            Anonymous::Loopback => peer.to_canonical().is_loopback(),
            Anonymous::Always => true,
        }
    }

    /// The id that `user` (`None`: anonymous) may have, `unique` being for those who ask for one.
    /// `known` says whose ids are taken: a longer known name keeps its ids from a shorter one, and all from the anonymous.
    pub(super) fn client_id(
        &self,
        user: Option<&str>,
        request: &LoginRequest,
        unique: &str,
        known: impl Fn(&str) -> bool,
    ) -> Result<String, Refusal> {
        let wanted = request.client_id.as_str();
        if wanted.is_empty() {
            return if request.may_assign_id {
                Ok(self.assign(user, unique))
            } else {
                Err(Refusal::ClientIdNotAllowed)
            };
        }
        let allowed = user.is_none_or(|user| self.pattern.allows(user, wanted));
        let longer = |owner: &&str| user.is_none_or(|user| owner.len() > user.len());
        let taken = self.pattern.owners(wanted).filter(longer).any(known);
        if allowed && !taken {
            Ok(wanted.to_owned())
        } else {
            Err(Refusal::ClientIdNotAllowed)
        }
    }

    fn assign(&self, user: Option<&str>, unique: &str) -> String {
        user.map_or_else(
            || format!("anonymous-{unique}"),
            |user| self.pattern.assign(user, unique),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn policy(anonymous: Anonymous) -> Policy {
        Policy {
            anonymous,
            pattern: ClientIdPattern::parse("%u").expect("pattern"),
        }
    }

    fn request(
        user: Option<&str>,
        password: Option<&str>,
        certificate: Option<&str>,
        peer: &str,
    ) -> LoginRequest {
        LoginRequest {
            client_id: "alice".to_owned(),
            may_assign_id: true,
            user_name: user.map(str::to_owned),
            password: password.map(|password| password.as_bytes().to_owned()),
            certificate: certificate.map(Into::into),
            listener: "mqtt".into(),
            peer: format!("{peer}:1000").parse().expect("address"),
            waiting_since: Instant::now(),
        }
    }

    const FAR: &str = "198.18.0.1";

    #[test]
    fn what_is_shown_is_what_is_claimed() {
        let alice = Claim::Password {
            user: "alice",
            password: b"pw",
        };
        for (user, password, certificate, claim) in [
            (Some("alice"), Some("pw"), None, Ok(alice)),
            (Some("alice"), Some("pw"), Some("fleet"), Ok(alice)),
            (
                Some("alice"),
                Some(""),
                None,
                Ok(Claim::Password {
                    user: "alice",
                    password: b"",
                }),
            ),
            (None, None, Some("alice"), Ok(Claim::Certificate("alice"))),
            (
                Some("alice"),
                None,
                Some("alice"),
                Ok(Claim::Certificate("alice")),
            ),
            (
                Some("bob"),
                None,
                Some("alice"),
                Err(Refusal::BadUserNameOrPassword),
            ),
            (
                Some("alice"),
                None,
                None,
                Err(Refusal::BadUserNameOrPassword),
            ),
            (None, Some("pw"), None, Err(Refusal::BadUserNameOrPassword)),
            (
                None,
                Some("pw"),
                Some("alice"),
                Err(Refusal::BadUserNameOrPassword),
            ),
            (None, None, None, Err(Refusal::NotAuthorized)),
        ] {
            let request = request(user, password, certificate, FAR);
            assert_eq!(
                policy(Anonymous::Never).claim(&request),
                claim,
                "{user:?} {password:?} {certificate:?}"
            );
        }
        let long = request(Some("alice"), Some(&"x".repeat(4097)), None, FAR);
        assert_eq!(
            policy(Anonymous::Never).claim(&long),
            Err(Refusal::BadUserNameOrPassword)
        );
    }

    #[test]
    fn nothing_that_is_shown_beside_a_proof_is_ignored() {
        let bad = Err(Refusal::BadUserNameOrPassword);
        for (user, password, allowed) in [
            (None, None, Ok(())),
            (Some("alice"), None, Ok(())),
            (Some("bob"), None, bad),
            (Some("alice"), Some("pw"), bad),
            (None, Some("pw"), bad),
        ] {
            let request = request(user, password, Some("fleet"), FAR);
            assert_eq!(Policy::beside_proof("alice", &request), allowed, "{user:?}");
        }
    }

    #[test]
    fn anonymous_only_from_where_it_is_allowed() {
        for (anonymous, peer, allowed) in [
            (Anonymous::Never, "127.0.0.1", false),
            (Anonymous::Loopback, "127.0.0.1", true),
            (Anonymous::Loopback, "127.9.9.9", true),
            (Anonymous::Loopback, "[::1]", true),
            (Anonymous::Loopback, "[::ffff:127.0.0.1]", true),
            (Anonymous::Loopback, FAR, false),
            (Anonymous::Loopback, "[::ffff:198.18.0.1]", false),
            (Anonymous::Always, FAR, true),
        ] {
            let claim =
                policy(anonymous).claim(&request(None, None, None, peer)) == Ok(Claim::Anonymous);
            assert_eq!(claim, allowed, "{anonymous:?} {peer}");
        }
    }

    #[test]
    fn an_id_is_its_users() {
        let known = |name: &str| ["alice", "a-b"].contains(&name);
        for (user, id, may_assign, given) in [
            (Some("alice"), "alice", true, Some("alice")),
            (Some("alice"), "alice-1", true, Some("alice-1")),
            (Some("alice"), "bob", true, None),
            (Some("a"), "a-b", true, None),
            (Some("a"), "a-b-c", true, None),
            (Some("a"), "a-c", true, Some("a-c")),
            (Some("a-b"), "a-b", true, Some("a-b")),
            (Some("alice"), "", true, Some("alice-77")),
            (Some("alice"), "", false, None),
            (None, "alice", true, None),
            (None, "alice-1", true, None),
            (None, "sensor", true, Some("sensor")),
            (None, "", true, Some("anonymous-77")),
        ] {
            let request = LoginRequest {
                client_id: id.to_owned(),
                may_assign_id: may_assign,
                ..request(user, None, None, FAR)
            };
            let id_given = policy(Anonymous::Always).client_id(user, &request, "77", known);
            assert_eq!(
                id_given,
                given.map(str::to_owned).ok_or(Refusal::ClientIdNotAllowed),
                "{user:?} {id}"
            );
        }
    }
}

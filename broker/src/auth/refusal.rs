//! Why a client may not come in, and what its CONNACK says.

use std::time::Duration;

/// Why a login failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Came without credentials where they are needed.
    NotAuthorized,
    /// User unknown or password wrong; which of the two is not told.
    BadUserNameOrPassword,
    /// The id is another's, or empty where none can be given.
    ClientIdNotAllowed,
    /// The login queue is full, or the client's patience ended in it.
    Busy,
    /// Passwords cannot be checked at all.
    Unavailable,
    /// Asks for a method of enhanced authentication that is not offered.
    UnknownMethod,
    /// Must wait: its user's last password was wrong, or it comes and goes.
    TooSoon,
}

/// A login that came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLogin {
    pub refusal: Refusal,
    /// With `TooSoon`: how long until it may come in. Otherwise how long its answer waits.
    pub wait: Duration,
}

impl From<Refusal> for NoLogin {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            wait: Duration::ZERO,
        }
    }
}

impl NoLogin {
    pub(super) fn too_soon(wait: Duration) -> Self {
        Self {
            refusal: Refusal::TooSoon,
            wait,
        }
    }

    pub(super) fn wrong(wait: Duration) -> Self {
        Self {
            refusal: Refusal::BadUserNameOrPassword,
            wait,
        }
    }
}

impl Refusal {
    /// In the order of the enum.
    #[cfg(test)]
    pub const ALL: [Self; 7] = [
        Self::NotAuthorized,
        Self::BadUserNameOrPassword,
        Self::ClientIdNotAllowed,
        Self::Busy,
        Self::Unavailable,
        Self::UnknownMethod,
        Self::TooSoon,
    ];

    /// The Reason String of a v5 CONNACK; says no more than the code does about who is known.
    pub fn text(self) -> &'static str {
        match self {
            Self::NotAuthorized => "a user name or a client certificate is needed here",
            Self::BadUserNameOrPassword => "the user is unknown or the password is wrong",
            Self::ClientIdNotAllowed => "this client id is not for this user",
            Self::Busy => "too many clients log in: come again later",
            Self::Unavailable => "logins cannot be checked now: come again later",
            Self::UnknownMethod => "this authentication method is not offered here",
            Self::TooSoon => {
                "after wrong passwords, or coming and going, there is a wait: come again later"
            }
        }
    }

    /// CONNACK return code (MQTT 3.1.1, 3.2.2.3).
    pub fn v3_code(self) -> u8 {
        match self {
            Self::ClientIdNotAllowed => 0x02,
            Self::Busy | Self::Unavailable | Self::TooSoon => 0x03,
            Self::BadUserNameOrPassword => 0x04,
            Self::NotAuthorized | Self::UnknownMethod => 0x05,
        }
    }

    /// CONNACK reason code (MQTT 5.0, 3.2.2.2).
    pub fn v5_code(self) -> u8 {
        match self {
            Self::ClientIdNotAllowed => 0x85,
            Self::BadUserNameOrPassword => 0x86,
            Self::NotAuthorized => 0x87,
            Self::Unavailable => 0x88,
            Self::Busy => 0x89,
            Self::UnknownMethod => 0x8C,
            Self::TooSoon => 0x9F,
        }
    }

    /// Whether the client has no part in it.
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable)
    }

    /// A label for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAuthorized => "not_authorized",
            Self::BadUserNameOrPassword => "bad_user_name_or_password",
            Self::ClientIdNotAllowed => "client_id_not_allowed",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::UnknownMethod => "unknown_method",
            Self::TooSoon => "too_soon",
        }
    }
}

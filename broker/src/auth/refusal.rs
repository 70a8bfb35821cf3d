//! Why a client may not come in, and what its CONNACK says.

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
}

impl Refusal {
    /// CONNACK return code (MQTT 3.1.1, 3.2.2.3).
    pub fn v3_code(self) -> u8 {
        match self {
            Self::ClientIdNotAllowed => 0x02,
            Self::Busy | Self::Unavailable => 0x03,
            Self::BadUserNameOrPassword => 0x04,
            Self::NotAuthorized => 0x05,
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
        }
    }

    /// A label for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAuthorized => "not_authorized",
            Self::BadUserNameOrPassword => "bad_user_name_or_password",
            Self::ClientIdNotAllowed => "client_id_not_allowed",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }
}

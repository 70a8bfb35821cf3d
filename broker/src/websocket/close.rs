//! Close codes, and the bodies of close frames.

/// Why a side closes (RFC 6455, section 7.4): a code that may stand in a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseCode(u16);

impl CloseCode {
    pub const NORMAL: Self = Self(1000);
    pub const GOING_AWAY: Self = Self(1001);
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// Text, where only binary is taken.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// A reason that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    pub const TOO_BIG: Self = Self(1009);

    pub fn get(self) -> u16 {
        self.0
    }

    /// 1004 to 1006 and 1015 are never sent; what is below 1000 or above 4999 has no meaning.
    fn new(code: u16) -> Option<Self> {
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999).then_some(Self(code))
    }
}

/// What a close frame says: a code, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close(pub Option<CloseCode>);

impl From<CloseCode> for Close {
    fn from(code: CloseCode) -> Self {
        Self(Some(code))
    }
}

/// What a client's close frame says. `Err`: the code to answer a malformed one with.
pub(super) fn read(body: &[u8]) -> Result<Close, CloseCode> {
    match body {
        [] => Ok(Close(None)),
        [high, low, reason @ ..] => {
            let code = CloseCode::new(u16::from_be_bytes([*high, *low]));
            let code = code.ok_or(CloseCode::PROTOCOL_ERROR)?;
            match str::from_utf8(reason) {
                Ok(_) => Ok(code.into()),
                Err(_) => Err(CloseCode::INVALID_DATA),
            }
        }
        [_] => Err(CloseCode::PROTOCOL_ERROR),
    }
}

/// The body of ours, without a reason: MQTT has said why.
pub(super) fn body(Close(code): Close) -> Vec<u8> {
    code.map_or_else(Vec::new, |code| code.0.to_be_bytes().to_vec())
}

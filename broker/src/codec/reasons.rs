//! Which reason code may stand in which packet of MQTT 5 (section 2.4).

use super::Violation;

/// `kind`: the packet's type. Codes of either direction are taken: swarm and broker share the codec.
pub(super) fn check(kind: u8, code: u8) -> Result<(), Violation> {
    let allowed = match kind {
        2 => matches!(code, 0 | 0x80..=0x8A | 0x8C | 0x90 | 0x95 | 0x97 | 0x99..=0x9D | 0x9F),
        4 | 5 => matches!(
            code,
            0 | 0x10 | 0x80 | 0x83 | 0x87 | 0x90 | 0x91 | 0x97 | 0x99
        ),
        6 | 7 => matches!(code, 0 | 0x92),
        9 => matches!(
            code,
            0..=2 | 0x80 | 0x83 | 0x87 | 0x8F | 0x91 | 0x97 | 0x9E | 0xA1 | 0xA2
        ),
        11 => matches!(code, 0 | 0x11 | 0x80 | 0x83 | 0x87 | 0x8F | 0x91),
        14 => matches!(
            code,
            0 | 4 | 0x80..=0x83 | 0x87 | 0x89 | 0x8B..=0x90 | 0x93..=0xA2
        ),
        15 => matches!(code, 0 | 0x18 | 0x19),
        _ => true,
    };
    if allowed {
        Ok(())
    } else {
        Err(Violation::ReasonCode)
    }
}

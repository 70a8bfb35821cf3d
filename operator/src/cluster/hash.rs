//! Short fingerprints of what was written, to see a change without reading it.

use aws_lc_rs::digest::{SHA256, digest};

/// Bytes kept; an accident among the few versions of one object is out of the question.
const BYTES: usize = 8;

/// Sixteen hexadecimal digits.
pub(crate) fn fingerprint(text: &str) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(BYTES * 2);
    for byte in digest(&SHA256, text.as_bytes()).as_ref().iter().take(BYTES) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_beginning_of_sha_256() {
        assert_eq!(fingerprint("abc"), "ba7816bf8f01cfea");
    }
}

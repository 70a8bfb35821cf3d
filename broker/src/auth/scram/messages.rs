//! The two messages of a client, read; the two of a server, written (RFC 5802, section 7).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Key;
use super::verifier::key;
use crate::auth::MechanismError;

/// A nonce is some tens of characters; more is somebody's play.
const MAX_NONCE_BYTES: usize = 256;

/// The client's first message, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFirst<'a> {
    /// Up to and with its second comma; the last message repeats it.
    pub(super) header: &'a str,
    /// What is signed.
    pub(super) bare: &'a str,
    /// The user to act as; none is the one that logs in.
    pub(super) acts_as: Option<String>,
    pub(super) user: String,
    pub(super) nonce: &'a str,
}

/// The client's last message, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFinal<'a> {
    /// What is signed.
    pub(super) without_proof: &'a str,
    /// The header of the first message, as it was encoded.
    pub(super) channel_binding: Vec<u8>,
    pub(super) nonce: &'a str,
    pub(super) proof: Key,
}

const fn malformed(what: &'static str) -> MechanismError {
    MechanismError::Malformed(what)
}

pub(super) fn client_first(data: &[u8]) -> Result<ClientFirst<'_>, MechanismError> {
    let text = std::str::from_utf8(data).map_err(|_| malformed("a message is not UTF-8"))?;
    let mut parts = text.splitn(3, ',');
    let flag = parts.next().unwrap_or_default();
    let acts_as = parts.next().ok_or(malformed("the header has no end"))?;
    let bare = parts.next().ok_or(malformed("the header has no end"))?;
    match flag {
        "n" | "y" => {}
        flag if flag.starts_with("p=") => return Err(MechanismError::ChannelBinding),
        _ => return Err(malformed("the channel binding flag is not n, y or p")),
    }
    let acts_as = match acts_as {
        "" => None,
        acts_as => {
            let name = acts_as.strip_prefix("a=");
            let name = name.and_then(unescaped);
            Some(name.ok_or(malformed("the user to act as is not a=name"))?)
        }
    };
    let mut attributes = bare.split(',');
    // m= announces what a server must know or refuse; ours knows none
    let user = attributes.next().and_then(|name| name.strip_prefix("n="));
    let user = user
        .and_then(unescaped)
        .ok_or(malformed("the user is not n=name"))?;
    let nonce = attributes.next().and_then(|nonce| nonce.strip_prefix("r="));
    let nonce = nonce
        .filter(|nonce| is_nonce(nonce))
        .ok_or(malformed("the nonce is not r= and printable"))?;
    Ok(ClientFirst {
        header: &text[..text.len() - bare.len()],
        bare,
        acts_as,
        user,
        nonce,
    })
}

pub(super) fn client_final(data: &[u8]) -> Result<ClientFinal<'_>, MechanismError> {
    let text = std::str::from_utf8(data).map_err(|_| malformed("a message is not UTF-8"))?;
    let (without_proof, proof) = text
        .rsplit_once(",p=")
        .ok_or(malformed("the proof is not last"))?;
    let mut attributes = without_proof.split(',');
    let binding = attributes.next().and_then(|part| part.strip_prefix("c="));
    let binding = binding.and_then(|binding| STANDARD.decode(binding).ok());
    let nonce = attributes.next().and_then(|part| part.strip_prefix("r="));
    Ok(ClientFinal {
        without_proof,
        channel_binding: binding.ok_or(malformed("the channel binding is not c= and base64"))?,
        nonce: nonce.ok_or(malformed("the nonce is not r="))?,
        proof: key(proof).ok_or(malformed("the proof is not 32 bytes in base64"))?,
    })
}

pub(super) fn server_first(nonce: &str, salt: &[u8], iterations: u32) -> String {
    let mut text = format!("r={nonce},s=");
    STANDARD.encode_string(salt, &mut text);
    // writing to a String cannot fail
    let _ = write!(text, ",i={iterations}");
    text
}

pub(super) fn server_final(signature: &Key) -> String {
    format!("v={}", STANDARD.encode(signature))
}

/// A name has `=2C` for a comma and `=3D` for an equals sign, and no other escapes.
fn unescaped(name: &str) -> Option<String> {
    let mut parts = name.split('=');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let (sign, rest) = if let Some(rest) = part.strip_prefix("2C") {
            (',', rest)
        } else {
            ('=', part.strip_prefix("3D")?)
        };
        text.push(sign);
        text.push_str(rest);
    }
    (!text.is_empty()).then_some(text)
}

fn is_nonce(text: &str) -> bool {
    (1..=MAX_NONCE_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unescaped() {
        for (name, text) in [
            ("alice", Some("alice")),
            ("a=2Cb=3Dc", Some("a,b=c")),
            ("=3D2C", Some("=2C")),
            ("a=2cb", None),
            ("a=", None),
            ("a=20b", None),
            ("", None),
        ] {
            assert_eq!(unescaped(name).as_deref(), text, "{name}");
        }
    }

    #[test]
    fn first_messages_are_read_or_refused_by_what_is_wrong() {
        let first = client_first(b"n,,n=us=3Der,r=abc,x=1").unwrap();
        assert_eq!(
            (first.header, first.bare, &*first.user, first.nonce),
            ("n,,", "n=us=3Der,r=abc,x=1", "us=er", "abc")
        );
        let first = client_first(b"y,a=bob,n=alice,r=abc").unwrap();
        assert_eq!(
            (first.header, first.acts_as.as_deref()),
            ("y,a=bob,", Some("bob"))
        );
        assert_eq!(
            client_first(b"p=tls-unique,,n=alice,r=abc"),
            Err(MechanismError::ChannelBinding)
        );
        for wrong in [
            &b"\xff,,n=alice,r=abc"[..],
            b"",
            b"n",
            b"n,",
            b"n,,",
            b"x,,n=alice,r=abc",
            b"n,bob,n=alice,r=abc",
            b"n,a=,n=alice,r=abc",
            b"n,,alice,r=abc",
            b"n,,n=,r=abc",
            b"n,,n=a=20,r=abc",
            b"n,,m=x,n=alice,r=abc",
            b"n,,n=alice",
            b"n,,n=alice,r=",
            b"n,,n=alice,r=a b",
            b"n,,n=alice,x=1,r=abc",
        ] {
            let error = client_first(wrong).expect_err("refused");
            assert!(
                matches!(error, MechanismError::Malformed(_)),
                "{error} {wrong:?}"
            );
        }
        let long = format!("n,,n=alice,r={}", "a".repeat(MAX_NONCE_BYTES + 1));
        assert!(client_first(long.as_bytes()).is_err());
    }

    #[test]
    fn last_messages_are_read_or_refused() {
        let proof = STANDARD.encode([7; 32]);
        let text = format!("c=biws,r=abc,x=1,p={proof}");
        let last = client_final(text.as_bytes()).unwrap();
        assert_eq!(
            (last.without_proof, &*last.channel_binding, last.nonce),
            ("c=biws,r=abc,x=1", &b"n,,"[..], "abc")
        );
        assert_eq!(last.proof, [7; 32]);
        for wrong in [
            format!("c=biws,r=abc,p={proof},x=1"),
            "c=biws,r=abc".to_owned(),
            format!("c=b?ws,r=abc,p={proof}"),
            format!("r=abc,p={proof}"),
            format!("c=biws,p={proof}"),
            "c=biws,r=abc,p=YQ==".to_owned(),
            format!(",p={proof}"),
        ] {
            assert!(client_final(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}

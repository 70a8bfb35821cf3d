//! PROXY headers, which come in pieces: a whole one is read the same however much follows it.

use herdgate::proxy_protocol::{Header, HeaderError, MOST_BYTES, parse};

pub(crate) fn run(data: &[u8]) {
    let whole = parse(data);
    match whole {
        Ok(Some(header)) => complete(data, header),
        Ok(None) => assert!(data.len() < MOST_BYTES, "more is awaited than is taken"),
        Err(error) => refused(data, error),
    }
}

/// It is found as soon as it is whole, not before, and what follows it does not matter.
fn complete(data: &[u8], header: Header) {
    assert!(header.len <= MOST_BYTES && header.len <= data.len());
    for len in 0..header.len {
        assert_eq!(
            parse(&data[..len]),
            Ok(None),
            "{len} bytes of {}",
            header.len
        );
    }
    assert_eq!(parse(&data[..header.len]), Ok(Some(header)));
    let followed = [&data[..header.len], b"\x10\x00\r\n"].concat();
    assert_eq!(parse(&followed), Ok(Some(header)));
}

/// Nothing that follows mends it.
fn refused(data: &[u8], error: HeaderError) {
    assert!(!data.is_empty(), "nothing is refused: {error}");
    let followed = [data, b"\r\n"].concat();
    assert!(
        parse(&followed).is_err(),
        "{error} is mended by what follows"
    );
}

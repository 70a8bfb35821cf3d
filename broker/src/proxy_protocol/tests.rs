use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

fn client(text: &str) -> Source {
    Source::Client(text.parse().unwrap())
}

fn whole(bytes: &[u8]) -> Source {
    let header = parse(bytes).unwrap().unwrap();
    assert_eq!(header.len, bytes.len());
    header.source
}

/// A header of version 2.
fn v2(command: u8, family: u8, behind: &[u8]) -> Vec<u8> {
    let length = u16::try_from(behind.len()).unwrap().to_be_bytes();
    [
        &v2::SIGNATURE[..],
        &[0x20 | command, family],
        &length,
        behind,
    ]
    .concat()
}

const V4_BEHIND: [u8; 12] = [198, 51, 100, 7, 203, 0, 113, 9, 0x1F, 0x90, 0x22, 0xB3];

#[test]
fn version_1_names_the_client() {
    assert_eq!(
        whole(b"PROXY TCP4 198.51.100.7 203.0.113.9 8080 8883\r\n"),
        client("198.51.100.7:8080")
    );
    assert_eq!(
        whole(b"PROXY TCP6 2001:db8::7 2001:db8::9 65535 0\r\n"),
        client("[2001:db8::7]:65535")
    );
    assert_eq!(
        whole(b"PROXY TCP6 ::ffff:198.51.100.7 ::1 1 2\r\n"),
        client("198.51.100.7:1"),
        "a mapped address is the IPv4 address"
    );
}

#[test]
fn who_speaks_for_itself_keeps_its_address() {
    for line in [
        "PROXY UNKNOWN\r\n",
        "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
    ] {
        assert_eq!(whole(line.as_bytes()), Source::Own, "{line}");
    }
    assert_eq!(whole(&v2(0, 0x00, &[])), Source::Own);
    assert_eq!(
        whole(&v2(0, 0x11, &V4_BEHIND)),
        Source::Own,
        "addresses of LOCAL are ignored"
    );
    assert_eq!(whole(&v2(1, 0x00, &[1, 2, 3])), Source::Own);
}

#[test]
fn version_2_names_the_client_and_tlvs_are_skipped() {
    assert_eq!(whole(&v2(1, 0x11, &V4_BEHIND)), client("198.51.100.7:8080"));
    let mut v6 = [0; 36];
    v6[..4].copy_from_slice(&[0x20, 1, 0x0D, 0xB8]);
    v6[15] = 7;
    v6[32..34].copy_from_slice(&[0, 80]);
    assert_eq!(whole(&v2(1, 0x21, &v6)), client("[2001:db8::7]:80"));
    let tlvs = [&V4_BEHIND[..], &[0x02, 0, 3, b'a', b'.', b'b', 0x04, 0, 1]].concat();
    assert_eq!(whole(&v2(1, 0x11, &tlvs)), client("198.51.100.7:8080"));
}

#[test]
fn what_follows_is_the_clients() {
    let mut bytes = v2(1, 0x11, &V4_BEHIND);
    let len = bytes.len();
    bytes.extend([22, 3, 1]);
    assert_eq!(parse(&bytes).unwrap().unwrap().len, len);
    let line = b"PROXY UNKNOWN\r\n\r\n";
    assert_eq!(parse(line).unwrap().unwrap().len, line.len() - 2);
}

#[test]
fn malformed_headers_of_version_1_are_refused() {
    for (line, error) in [
        (
            "PROXY TCP4 198.51.100.7 203.0.113.9 8080\r\n",
            HeaderError::Address,
        ),
        (
            "PROXY TCP4 198.51.100.7 203.0.113.9 8080 8883 1\r\n",
            HeaderError::Address,
        ),
        (
            "PROXY TCP4  198.51.100.7 203.0.113.9 8080 8883\r\n",
            HeaderError::Address,
        ),
        (
            "PROXY TCP4 198.51.100.07 203.0.113.9 8080 8883\r\n",
            HeaderError::Address,
        ),
        (
            "PROXY TCP4 2001:db8::7 2001:db8::9 1 2\r\n",
            HeaderError::Address,
        ),
        (
            "PROXY TCP6 198.51.100.7 203.0.113.9 1 2\r\n",
            HeaderError::Address,
        ),
        (
            "PROXY TCP4 198.51.100.7 203.0.113.9 65536 1\r\n",
            HeaderError::Address,
        ),
        (
            "PROXY TCP4 198.51.100.7 203.0.113.9 +1 1\r\n",
            HeaderError::Address,
        ),
        (
            "PROXY TCP4 198.51.100.7 203.0.113.9 01 1\r\n",
            HeaderError::Address,
        ),
        (
            "PROXY TCP5 198.51.100.7 203.0.113.9 1 1\r\n",
            HeaderError::Protocol,
        ),
        ("PROXY UNKNOWNS\r\n", HeaderError::Protocol),
        ("PROXY \r\n", HeaderError::Protocol),
        ("PROXY\r\n", HeaderError::NoHeader),
        ("proxy UNKNOWN\r\n", HeaderError::NoHeader),
        ("GET / HTTP/1.1\r\n", HeaderError::NoHeader),
    ] {
        assert_eq!(parse(line.as_bytes()), Err(error), "{line:?}");
    }
}

#[test]
fn malformed_headers_of_version_2_are_refused() {
    for (bytes, error) in [
        (v2(1, 0x11, &V4_BEHIND[..11]), HeaderError::TooShort(11)),
        (v2(1, 0x21, &[0; 35]), HeaderError::TooShort(35)),
        (v2(1, 0x31, &[0; 216]), HeaderError::Unix),
        (v2(1, 0x32, &[0; 216]), HeaderError::Unix),
        (v2(1, 0x12, &V4_BEHIND), HeaderError::Family(0x12)),
        (v2(1, 0x10, &V4_BEHIND), HeaderError::Family(0x10)),
        (v2(2, 0x11, &V4_BEHIND), HeaderError::Command(2)),
        (
            v2(0, 0x00, &[0; 4097]),
            HeaderError::TooLong { length: 4097 },
        ),
    ] {
        assert_eq!(parse(&bytes), Err(error));
    }
    let mut version_3 = v2(1, 0x11, &V4_BEHIND);
    version_3[12] = 0x31;
    assert_eq!(parse(&version_3), Err(HeaderError::Version(3)));
}

#[test]
fn a_header_that_could_not_end_in_time_is_refused_at_once() {
    let line = |len: usize| format!("PROXY UNKNOWN {}", "x".repeat(len - 14));
    assert_eq!(parse(line(106).as_bytes()), Ok(None));
    assert_eq!(parse(line(107).as_bytes()), Err(HeaderError::LineTooLong));
    let longest = format!("{}\r\n", line(105));
    assert_eq!(whole(longest.as_bytes()), Source::Own);
    // The length alone is enough to know.
    let begun = &v2(0, 0x00, &[0; 5000])[..16];
    assert_eq!(parse(begun), Err(HeaderError::TooLong { length: 5000 }));
    assert_eq!(parse(b"PX"), Err(HeaderError::NoHeader));
}

/// Bytes that come close to a header more often than any bytes do.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let line = "PROXY (TCP4|TCP6|UNKNOWN|x) [0-9a-f:. ]{0,80}(\r\n)?.{0,4}";
    let behind = prop::collection::vec(any::<u8>(), 0..60);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        line.prop_map(String::into_bytes),
        (0..3_u8, any::<u8>(), behind)
            .prop_map(|(command, family, behind)| v2(command, family, &behind)),
        (
            prop::sample::select(vec![0x11_u8, 0x21]),
            prop::collection::vec(any::<u8>(), 36..80)
        )
            .prop_map(|(family, behind)| v2(1, family, &behind)),
    ]
}

proptest! {
    #[test]
    fn any_bytes_end_well_however_they_come(bytes in nearly()) {
        let at_once = parse(&bytes);
        let mut first = None;
        for end in 0..=bytes.len() {
            match parse(&bytes[..end]) {
                Ok(None) => prop_assert!(end < MOST_BYTES),
                decided => { first = Some(decided); break; }
            }
        }
        // What is decided on a part is what the whole comes to.
        prop_assert_eq!(first.unwrap_or(Ok(None)), at_once);
        if let Ok(Some(header)) = at_once {
            prop_assert!(header.len <= bytes.len().min(MOST_BYTES));
            prop_assert_eq!(parse(&bytes[..header.len]), at_once);
        }
    }

    #[test]
    fn every_client_is_named_by_both_versions(ip: std::net::IpAddr, port: u16) {
        let wanted = Source::Client(SocketAddr::new(ip.to_canonical(), port));
        let (protocol, family, octets) = match ip {
            std::net::IpAddr::V4(ip) => ("TCP4", 0x11, ip.octets().to_vec()),
            std::net::IpAddr::V6(ip) => ("TCP6", 0x21, ip.octets().to_vec()),
        };
        prop_assert_eq!(whole(format!("PROXY {protocol} {ip} {ip} {port} 1\r\n").as_bytes()), wanted);
        let behind = [&octets[..], &octets, &port.to_be_bytes(), &[0, 1]].concat();
        prop_assert_eq!(whole(&v2(1, family, &behind)), wanted);
    }
}

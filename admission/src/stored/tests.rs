use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::allow::AllowList;
use crate::census::Tally;
use crate::slicing::{PrefixLengths, SlicePlan, Slicing};

fn spec(clients: u32) -> TableSpec {
    let mut tally = Tally::default();
    for client in 0..clients {
        tally.enter(IpAddr::V4((client << 7).into()), client % 3);
    }
    let prefix = PrefixLengths::default();
    let census = tally.census(prefix, &AllowList::default());
    let plan = SlicePlan::new(64, &Slicing::Ranges(prefix)).unwrap();
    plan.spec(census, true)
}

fn any_stored() -> impl Strategy<Value = Stored> {
    let trust = prop::sample::select(vec![
        AddressTrust::Unknown,
        AddressTrust::Trusted,
        AddressTrust::Inside,
    ]);
    let table = || prop::option::of(0_u32..200);
    let limits = (0_u64..60_000_000, any::<u32>(), any::<u32>());
    (any::<u64>(), table(), table(), trust, limits).prop_map(
        |(number, current, next, trust, (patience, entering, settling))| Stored {
            taken: number.rotate_left(7),
            reopening: ReopeningNumber(number),
            current: current.map(|clients| TableFor {
                reopening: ReopeningNumber(number),
                spec: spec(clients),
            }),
            next: next.map(spec),
            trust,
            limits: Limits {
                patience: Some(Duration::from_micros(patience)).filter(|some| !some.is_zero()),
                entering,
                settling,
            },
        },
    )
}

proptest! {
    #[test]
    fn bytes_bring_back_the_same(stored in any_stored()) {
        let bytes = stored.encode();
        prop_assert!(bytes.len() <= MOST_STORED_BYTES);
        prop_assert_eq!(Stored::decode(&bytes), Ok(stored));
    }

    #[test]
    fn a_file_cut_short_is_none(stored in any_stored(), at: prop::sample::Index) {
        let bytes = stored.encode();
        prop_assert!(Stored::decode(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn a_file_with_a_flipped_bit_is_none(stored in any_stored(), at: prop::sample::Index, bit in 0_u8..8) {
        let mut bytes = stored.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Stored::decode(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
        prop_assert!(Stored::decode(&bytes).is_err());
        let mut behind = MAGIC.to_vec();
        behind.push(VERSION);
        behind.extend(&bytes);
        let checksum = checksum(&behind);
        behind.extend(checksum);
        let _ = Stored::decode(&behind);
    }
}

#[test]
fn what_is_wrong_is_told() {
    let bytes = Stored::default().encode();
    assert_eq!(Stored::decode(b"mosquitto"), Err(StoredError::Magic));
    let mut newer = bytes.clone();
    newer[MAGIC.len()] = 2;
    assert_eq!(
        Stored::decode(&newer).unwrap_err().to_string(),
        "failed to read the stored admission: version 2 is not 1"
    );
    assert_eq!(
        Stored::decode(&bytes[..bytes.len() - 1]),
        Err(StoredError::Checksum)
    );
}

mod frames;
mod ours;
mod request;

/// A masked frame as a client sends it. `first`: its first byte.
fn frame(first: u8, body: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let length = body.len();
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        126..65_536 => {
            bytes.push(0x80 | 0x7E);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 0x7F);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    let masked = body.iter().zip(mask.iter().cycle());
    bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
    bytes
}

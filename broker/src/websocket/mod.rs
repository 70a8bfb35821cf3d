//! WebSocket (RFC 6455) as MQTT uses it: the server's side, binary messages, no extensions. Bytes in, bytes out; no
//! sockets and no time.

mod close;
mod control;
mod decoder;
mod encoder;
mod header;
mod mask;
mod request;
mod response;

#[cfg(test)]
mod tests;

pub use close::{Close, CloseCode};
pub use control::ControlFrames;
pub use decoder::{Decoded, Decoder, Ending};
pub use encoder::Encoder;
pub use request::{MOST_HEAD_BYTES, Upgrade, upgrade};
pub use response::Refusal;

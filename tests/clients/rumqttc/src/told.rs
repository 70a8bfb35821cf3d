//! What both of the library's event loops tell, in the same words.

use serde_json::Value;

pub enum Told {
    Connected {
        present: bool,
        assigned: Option<String>,
    },
    Granted(Vec<u8>),
    Unsubscribed,
    /// Of PUBACK or PUBREC.
    Reason(u8),
    /// A message is where its QoS says, or sent when that is 0.
    Done,
    Message(Value),
    Gone,
}

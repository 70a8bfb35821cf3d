//! How a link begins: the edge says HELLO, the shard answers WELCOME or closes.

use bytes::{BufMut, Bytes, BytesMut};
use herdgate_admission::report::EdgeId;

use super::fields::{FieldError, Reader, put_short};
use super::{Frame, WireError, put_frame};

/// What this release speaks. Any change of a frame's form is another version: 2 brought the limits of a listener, 3 how a
/// reopening is steered, census and tables, and who has settled.
pub const VERSION: u16 = 3;
/// Tells a link from whatever else might dial in.
const MAGIC: u32 = u32::from_be_bytes(*b"HGLK");
const HELLO: u8 = 0x01;
const WELCOME: u8 = 0x02;

/// An edge worker's first frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Hello {
    /// Oldest and newest version that the edge speaks.
    pub versions: (u16, u16),
    pub token: Bytes,
    pub edge: EdgeId,
    pub worker: u16,
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the token.
        f.debug_struct("Hello")
            .field("versions", &self.versions)
            .field("edge", &self.edge)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

/// The shard's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    pub version: u16,
    pub shard: u32,
    /// Another one than before: the shard restarted.
    pub boot_epoch: u64,
}

/// What may travel before a link is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeting {
    Hello(Hello),
    Welcome(Welcome),
}

impl Frame for Greeting {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Hello(hello) => put_frame(out, HELLO, |out| {
                out.put_u32(MAGIC);
                out.put_u16(hello.versions.0);
                out.put_u16(hello.versions.1);
                put_short(out, &hello.token);
                put_short(out, hello.edge.0.as_bytes());
                out.put_u16(hello.worker);
            }),
            Self::Welcome(welcome) => put_frame(out, WELCOME, |out| {
                out.put_u32(MAGIC);
                out.put_u16(welcome.version);
                out.put_u32(welcome.shard);
                out.put_u64(welcome.boot_epoch);
            }),
        }
    }

    fn decode(kind: u8, body: Bytes) -> Result<Self, WireError> {
        let body = Reader::new(body);
        let (name, frame) = match kind {
            HELLO => ("HELLO", hello(body)),
            WELCOME => ("WELCOME", welcome(body)),
            kind => return Err(WireError::UnknownKind { kind }),
        };
        frame.map_err(|source| WireError::Body { kind: name, source })
    }
}

fn magic(body: &mut Reader) -> Result<(), FieldError> {
    match body.u32("magic")? {
        MAGIC => Ok(()),
        value => Err(FieldError::Unknown {
            field: "magic",
            value,
        }),
    }
}

/// Later versions may append fields, so what follows the known ones is left alone.
fn hello(mut body: Reader) -> Result<Greeting, FieldError> {
    magic(&mut body)?;
    let versions = (body.u16("oldest version")?, body.u16("newest version")?);
    let token = body.short("token")?;
    let edge = EdgeId(body.text("edge")?.to_string());
    let worker = body.u16("worker")?;
    Ok(Greeting::Hello(Hello {
        versions,
        token,
        edge,
        worker,
    }))
}

fn welcome(mut body: Reader) -> Result<Greeting, FieldError> {
    magic(&mut body)?;
    let (version, shard) = (body.u16("version")?, body.u32("shard")?);
    let boot_epoch = body.u64("boot epoch")?;
    Ok(Greeting::Welcome(Welcome {
        version,
        shard,
        boot_epoch,
    }))
}

//! The handshake's bytes. Each message is a length (u32) and a body; numbers
//! are little-endian; a field of variable length has its length (u16) before
//! it.
//!
//! The first 12 bytes of the guest's message (magic, oldest and newest version)
//! and the form of a refusal stay as they are in every version, so that any
//! two versions can at least tell each other that they do not match.

mod bytes;

use bytes::{Reader, Writer};

use crate::{HandshakeError, Hello, Mode, Refusal, RefusalCode, Token};

/// The longest body of a handshake message.
pub(crate) const LIMIT: u32 = 4096;

const MAGIC: &[u8; 8] = b"VAMOS\0CH";
const MAX_MODULE: usize = 64;
const MAX_TOKEN: usize = 256;
/// Sentences are cut to this.
const MAX_TEXT: usize = 1024;
const WANTS_WINDOW: u16 = 1;

const WELCOME: u16 = 1;
const REFUSED: u16 = 2;

/// The guest's first message, as far as this side's version can read it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Greeting {
    /// The oldest and the newest version of the channel that the guest speaks.
    pub(crate) versions: (u16, u16),
    /// The rest; `None` if the version is not ours, so that it could not be read.
    pub(crate) hello: Option<Hello>,
}

/// How the guest gets the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// There is none.
    None = 0,
    /// A memfd comes with the message.
    Memfd = 1,
    /// It is a device of the guest.
    Device = 2,
}

/// The host's message to a guest that it admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Welcome {
    pub(crate) version: u16,
    pub(crate) offer: Offer,
    pub(crate) lane: u32,
    pub(crate) id: [u8; 16],
    pub(crate) epoch: u64,
    pub(crate) request_ring: u32,
    pub(crate) response_ring: u32,
}

/// The host's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Welcome(Welcome),
    Refused(Refusal),
}

/// The guest's last message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accept {
    pub(crate) mode: Mode,
    /// Why it is not the window that was offered.
    pub(crate) reason: String,
}

/// The guest's first message.
pub(crate) fn encode_hello(hello: &Hello, versions: (u16, u16)) -> Result<Vec<u8>, HandshakeError> {
    let mut out = Writer::new();
    out.bytes(MAGIC);
    out.u16(versions.0);
    out.u16(versions.1);
    out.u16(if hello.wants_window { WANTS_WINDOW } else { 0 });
    out.u32(hello.module_version);
    out.field("module name", hello.module.as_bytes(), MAX_MODULE)?;
    out.field("token", hello.token.as_bytes(), MAX_TOKEN)?;
    Ok(out.finish())
}

pub(crate) fn decode_hello(body: &[u8], known: (u16, u16)) -> Result<Greeting, HandshakeError> {
    let mut input = Reader {
        rest: body,
        message: "hello",
    };
    if input.take(8)? != MAGIC {
        return Err(input.malformed("it does not begin with the magic"));
    }
    let versions = (input.u16()?, input.u16()?);
    if common_version(versions, known).is_none() {
        return Ok(Greeting {
            versions,
            hello: None,
        });
    }
    let flags = input.u16()?;
    let hello = Hello {
        wants_window: flags & WANTS_WINDOW != 0,
        module_version: input.u32()?,
        module: input.text(MAX_MODULE)?,
        token: Token::new(input.field(MAX_TOKEN)?),
    };
    // What a newer guest adds at the end is not for us.
    Ok(Greeting {
        versions,
        hello: Some(hello),
    })
}

/// The newest version that both sides speak.
pub(crate) fn common_version(a: (u16, u16), b: (u16, u16)) -> Option<u16> {
    let newest = a.1.min(b.1);
    (newest >= a.0.max(b.0)).then_some(newest)
}

pub(crate) fn encode_answer(answer: &Answer) -> Vec<u8> {
    let mut out = Writer::new();
    match answer {
        Answer::Welcome(welcome) => {
            out.u16(WELCOME);
            out.u16(welcome.version);
            out.u16(welcome.offer as u16);
            out.u32(welcome.lane);
            out.bytes(&welcome.id);
            out.u64(welcome.epoch);
            out.u32(welcome.request_ring);
            out.u32(welcome.response_ring);
        }
        Answer::Refused(refusal) => {
            out.u16(REFUSED);
            out.u16(code_number(refusal.code));
            out.text(&refusal.message);
        }
    }
    out.finish()
}

pub(crate) fn decode_answer(body: &[u8]) -> Result<Answer, HandshakeError> {
    let mut input = Reader {
        rest: body,
        message: "answer to hello",
    };
    match input.u16()? {
        WELCOME => Ok(Answer::Welcome(Welcome {
            version: input.u16()?,
            offer: match input.u16()? {
                0 => Offer::None,
                1 => Offer::Memfd,
                2 => Offer::Device,
                _ => return Err(input.malformed("it offers a window in an unknown way")),
            },
            lane: input.u32()?,
            id: input.array()?,
            epoch: u64::from_le_bytes(input.array()?),
            request_ring: input.u32()?,
            response_ring: input.u32()?,
        })),
        REFUSED => {
            let code = code_from(input.u16()?);
            Ok(Answer::Refused(Refusal::new(code, input.text(MAX_TEXT)?)))
        }
        _ => Err(input.malformed("it is neither a welcome nor a refusal")),
    }
}

pub(crate) fn encode_accept(accept: &Accept) -> Vec<u8> {
    let mut out = Writer::new();
    out.u16(match accept.mode {
        Mode::Window => 1,
        Mode::Stream => 2,
    });
    out.text(&accept.reason);
    out.finish()
}

pub(crate) fn decode_accept(body: &[u8]) -> Result<Accept, HandshakeError> {
    let mut input = Reader {
        rest: body,
        message: "acceptance",
    };
    let mode = match input.u16()? {
        1 => Mode::Window,
        2 => Mode::Stream,
        _ => return Err(input.malformed("it names no known mode")),
    };
    Ok(Accept {
        mode,
        reason: input.text(MAX_TEXT)?,
    })
}

fn code_number(code: RefusalCode) -> u16 {
    match code {
        RefusalCode::ChannelVersion => 1,
        RefusalCode::UnknownModule => 2,
        RefusalCode::ModuleVersion => 3,
        RefusalCode::NotAllowed => 4,
        RefusalCode::NoLane => 5,
        RefusalCode::Unavailable => 6,
        RefusalCode::Other(number) => number,
    }
}

fn code_from(number: u16) -> RefusalCode {
    match number {
        1 => RefusalCode::ChannelVersion,
        2 => RefusalCode::UnknownModule,
        3 => RefusalCode::ModuleVersion,
        4 => RefusalCode::NotAllowed,
        5 => RefusalCode::NoLane,
        6 => RefusalCode::Unavailable,
        _ => RefusalCode::Other(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello {
            module: "store".into(),
            module_version: 3,
            wants_window: true,
            token: Token::new(*b"secret"),
        }
    }

    #[test]
    fn each_message_survives_a_round_trip() {
        let bytes = encode_hello(&hello(), (1, 1)).unwrap();
        let greeting = Greeting {
            versions: (1, 1),
            hello: Some(hello()),
        };
        assert_eq!(decode_hello(&bytes[4..], (1, 1)).unwrap(), greeting);

        let welcome = Welcome {
            version: 1,
            offer: Offer::Device,
            lane: 7,
            id: [9; 16],
            epoch: 11,
            request_ring: 4096,
            response_ring: 8192,
        };
        let refusal = Refusal::new(RefusalCode::Other(77), "no".repeat(9));
        for answer in [Answer::Welcome(welcome), Answer::Refused(refusal)] {
            assert_eq!(decode_answer(&encode_answer(&answer)[4..]).unwrap(), answer);
        }
        let accept = Accept {
            mode: Mode::Stream,
            reason: "no device".into(),
        };
        assert_eq!(decode_accept(&encode_accept(&accept)[4..]).unwrap(), accept);
    }

    #[test]
    fn every_truncated_message_is_malformed() {
        let bytes = encode_hello(&hello(), (1, 1)).unwrap();
        for end in 4..bytes.len() {
            assert!(decode_hello(&bytes[4..end], (1, 1)).is_err(), "{end}");
        }
    }

    #[test]
    fn a_hello_of_another_version_is_read_as_far_as_its_versions() {
        let mut bytes = encode_hello(&hello(), (5, 7)).unwrap();
        bytes.truncate(4 + 12);
        let greeting = decode_hello(&bytes[4..], (1, 1)).unwrap();
        assert_eq!(
            greeting,
            Greeting {
                versions: (5, 7),
                hello: None
            }
        );
    }

    #[test]
    fn the_newest_common_version_is_chosen() {
        assert_eq!(common_version((1, 4), (2, 6)), Some(4));
        assert_eq!(common_version((1, 1), (2, 6)), None);
        assert_eq!(common_version((9, 3), (1, 9)), None);
    }

    #[test]
    fn a_long_sentence_is_cut_between_characters() {
        let refusal = Refusal::new(RefusalCode::NoLane, "ä".repeat(1000));
        let Answer::Refused(cut) = decode_answer(&encode_answer(&Answer::Refused(refusal))[4..]).unwrap()
        else {
            panic!("a refusal stays one");
        };
        assert_eq!(cut.message.len(), 1024);
    }
}

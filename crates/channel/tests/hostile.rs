//! A peer that writes what it likes, into the window and into the socket: its
//! lane ends with an error, nobody panics or hangs, and other lanes go on.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use common::*;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};
use vamos_channel::*;

/// The window's layout as its specification has it, not as the code does.
mod window {
    pub(crate) const START: u64 = 0x20_0000;
    pub(crate) const LANE_TABLE: u64 = 4096;
    pub(crate) const RINGS: u64 = 12288; // with 8 lanes
    pub(crate) const REQUEST: (u64, u64) = (0, 4096);
    pub(crate) const RESPONSE: (u64, u64) = (1, 16384);
    pub(crate) const HEAD: u64 = 0;
    pub(crate) const TAIL: u64 = 1;
    pub(crate) const CONSUMER_SLEEPS: u64 = 2;
    pub(crate) const PRODUCER_SLEEPS: u64 = 3;
}
use window::*;

/// Writes into a lane's part of the window from the side.
struct Forger {
    file: File,
    lane: u64,
}

impl Forger {
    fn new(bed: &Bed, lane: u32) -> Self {
        let file = File::options()
            .read(true)
            .write(true)
            .open(bed.window_path())
            .unwrap();
        Self {
            file,
            lane: lane.into(),
        }
    }

    fn word(&self, (ring, _): (u64, u64), word: u64, value: u64) {
        let at = START + LANE_TABLE + self.lane * 1024 + ring * 512 + word * 128;
        self.file.write_all_at(&value.to_ne_bytes(), at).unwrap();
    }

    fn data(&self, (ring, _): (u64, u64), at: u64, bytes: &[u8]) {
        let start = START + RINGS + self.lane * (4096 + 16384) + ring * 4096;
        self.file.write_all_at(bytes, start + at).unwrap();
    }
}

/// Positions that cannot be, whatever a ring of 4 or 16 KiB holds.
const IMPOSSIBLE: [u64; 8] = [1, 7, 8 << 20, 16384 + 8, 1 << 32, 1 << 63, u64::MAX - 7, u64::MAX];

fn bed() -> Bed {
    Bed::new(Transport::VsockFormWindow)
}

/// Another lane of the same window still does its work.
fn goes_on(bed: &Bed) {
    let (mut guest, host) = bed.open();
    let host = echo(host);
    let mut body = Vec::new();
    for tag in 0..20 {
        let sent = pattern(3000, tag);
        guest.send(1, tag, &sent).unwrap();
        recv(&mut guest, &mut body).unwrap();
        assert!(body == sent);
    }
    drop(guest);
    assert_eq!(host.join().unwrap(), LaneError::Closed);
}

#[test]
fn an_impossible_request_head_ends_the_lane_on_the_host() {
    let bed = bed();
    for value in IMPOSSIBLE {
        let (mut guest, mut host) = bed.open();
        Forger::new(&bed, guest.index()).word(REQUEST, HEAD, value);
        assert!(host.has_input() && host.watch().has_input());
        let error = host.try_recv(&mut Vec::new()).unwrap_err();
        assert!(
            matches!(error, LaneError::Corrupt(Corruption::Head { head, .. }) if head == value),
            "{error}"
        );
        assert_eq!(host.try_recv(&mut Vec::new()), Err(error.clone()));
        assert_eq!(host.try_send(1, 1, b""), Err(error));
        assert_eq!(guest.recv(&mut Vec::new(), None), Err(LaneError::Closed));
    }
    goes_on(&bed);
}

#[test]
fn an_impossible_response_head_ends_the_lane_in_the_guest() {
    let bed = bed();
    for value in IMPOSSIBLE {
        let (mut guest, mut host) = bed.open();
        Forger::new(&bed, guest.index()).word(RESPONSE, HEAD, value);
        let error = guest.recv(&mut Vec::new(), None).unwrap_err();
        assert!(
            matches!(error, LaneError::Corrupt(Corruption::Head { head, .. }) if head == value),
            "{error}"
        );
        assert_eq!(guest.send(1, 1, b""), Err(error));
        assert_eq!(recv_as_host(&mut host, &mut Vec::new()), Err(LaneError::Closed));
    }
    goes_on(&bed);
}

#[test]
fn a_position_that_goes_back_ends_the_lane() {
    let bed = bed();
    let (mut guest, mut host) = bed.open();
    guest.send(1, 1, &[0; 100]).unwrap();
    recv_as_host(&mut host, &mut Vec::new()).unwrap();
    Forger::new(&bed, guest.index()).word(REQUEST, HEAD, 8);
    let error = host.try_recv(&mut Vec::new()).unwrap_err();
    assert!(
        matches!(error, LaneError::Corrupt(Corruption::Head { head: 8, .. })),
        "{error}"
    );
    goes_on(&bed);
}

#[test]
fn an_impossible_response_tail_ends_the_lane_on_the_host() {
    let bed = bed();
    for value in IMPOSSIBLE {
        let (guest, mut host) = bed.open();
        Forger::new(&bed, guest.index()).word(RESPONSE, TAIL, value);
        // A tail matters, and is looked at, when the ring is full as far as one knows.
        let error = (0..8)
            .find_map(|tag| host.try_send(1, tag, &[0; 3000]).err())
            .unwrap();
        assert!(
            matches!(error, LaneError::Corrupt(Corruption::Tail { tail, .. }) if tail == value),
            "{error}"
        );
        assert!(host.watch().has_input());
    }
    goes_on(&bed);
}

#[test]
fn an_impossible_request_tail_ends_the_lane_in_the_guest() {
    let bed = bed();
    for value in IMPOSSIBLE {
        let (mut guest, _host) = bed.open();
        Forger::new(&bed, guest.index()).word(REQUEST, TAIL, value);
        let error = guest.send(1, 1, &[0; 8000]).unwrap_err();
        assert!(
            matches!(error, LaneError::Corrupt(Corruption::Tail { tail, .. }) if tail == value),
            "{error}"
        );
    }
    goes_on(&bed);
}

#[test]
fn forged_sleep_words_cost_doorbells_and_nothing_else() {
    let bed = bed();
    // Not small ones: those could pass for real wishes, and who forges its own
    // wish has itself to blame if nobody rings for it.
    for value in [1 << 40, 1 << 63, u64::MAX] {
        let (mut guest, host) = bed.open();
        let forger = Forger::new(&bed, guest.index());
        for ring in [REQUEST, RESPONSE] {
            forger.word(ring, CONSUMER_SLEEPS, value);
            forger.word(ring, PRODUCER_SLEEPS, value);
        }
        let host = echo(host);
        let mut body = Vec::new();
        for tag in 0..20 {
            guest.send(1, tag, &pattern(2000, tag)).unwrap();
            assert_eq!(recv(&mut guest, &mut body).unwrap().tag, tag);
        }
        drop(guest);
        assert_eq!(host.join().unwrap(), LaneError::Closed);
    }
}

fn header(length: u32, opcode: u16, flags: u16, tag: u32, reserved: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes[4..6].copy_from_slice(&opcode.to_le_bytes());
    bytes[6..8].copy_from_slice(&flags.to_le_bytes());
    bytes[8..12].copy_from_slice(&tag.to_le_bytes());
    bytes[12..].copy_from_slice(&reserved.to_le_bytes());
    bytes
}

/// Frames that cannot be, with how much of a ring they claim to take, and a
/// word of the error that they must lead to.
fn impossible_frames() -> Vec<(Vec<u8>, u64, &'static str)> {
    let twice = [
        header(8, 1, 1, 1, 0).to_vec(),
        vec![0; 8],
        header(0, 1, 0, 2, 0).to_vec(),
    ]
    .concat();
    vec![
        (header(0, 1, 0, 1, 0).to_vec(), 8, "a frame of 0 bytes"),
        (header(1, 1, 0, 1, 0).to_vec(), 16, "a frame of 1 bytes"),
        (
            header(u32::MAX, 1, 0, 1, 0).to_vec(),
            4096,
            "a frame of 4294967295 bytes",
        ),
        (header(0, 1, 2, 1, 0).to_vec(), 16, "unknown flags"),
        (header(0, 1, 0xffff, 1, 0).to_vec(), 16, "unknown flags"),
        (header(0, 1, 0, 1, 1).to_vec(), 16, "reserved"),
        (header(0, 1, 1, 1, 0).to_vec(), 16, "empty"),
        (twice, 40, "came amid"),
    ]
}

#[test]
fn impossible_frames_end_the_lane_on_either_side() {
    let bed = bed();
    for (bytes, claimed, expected) in impossible_frames() {
        let (mut guest, mut host) = bed.open();
        let forger = Forger::new(&bed, guest.index());
        for ring in [REQUEST, RESPONSE] {
            forger.data(ring, 0, &bytes);
            forger.word(ring, HEAD, claimed);
        }
        let error = guest.recv(&mut Vec::new(), None).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let error = host.try_recv(&mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    goes_on(&bed);
}

#[test]
fn a_guest_that_scribbles_over_its_lane_for_a_while_harms_no_other() {
    let bed = bed();
    let (mut guest, host) = bed.open();
    let (mut other, other_host) = bed.open();
    let forger = Forger::new(&bed, guest.index());
    let end = Instant::now() + Duration::from_millis(500);
    let scribbler = thread::spawn(move || {
        let mut seed = 1_u64;
        while Instant::now() < end {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let (ring, value) = (
                if seed >> 60 & 1 == 0 { REQUEST } else { RESPONSE },
                seed >> (seed >> 58),
            );
            match seed >> 56 & 7 {
                word @ 0..4 => forger.word(ring, word, value),
                _ => forger.data(ring, (seed >> 20) % (ring.1 - 8), &value.to_ne_bytes()),
            }
        }
    });
    let (host, other_host) = (echo(host), echo(other_host));
    let victim = thread::spawn(move || {
        let mut body = Vec::new();
        while Instant::now() < end {
            let tried = guest
                .send(1, 1, &[1; 500])
                .and_then(|()| guest.recv(&mut body, Some(Instant::now() + Duration::from_millis(50))));
            if tried.is_err() {
                return;
            }
        }
    });
    let mut body = Vec::new();
    let mut tag = 0;
    while Instant::now() < end {
        other.send(1, tag, &pattern(1500, tag)).unwrap();
        assert_eq!(recv(&mut other, &mut body).unwrap().tag, tag);
        assert!(body == pattern(1500, tag));
        tag += 1;
    }
    scribbler.join().unwrap();
    victim.join().unwrap();
    drop(other);
    host.join().unwrap();
    assert_eq!(other_host.join().unwrap(), LaneError::Closed);
    goes_on(&bed);
}

/// A guest that speaks the handshake by hand.
struct RawGuest(UnixStream);

impl RawGuest {
    fn new(bed: &Bed) -> Self {
        let Endpoint::Unix(path) = &bed.endpoint else {
            panic!("a Unix socket")
        };
        Self(UnixStream::connect(path).unwrap())
    }

    fn message(body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32).to_le_bytes()[..], body].concat()
    }

    fn hello(versions: (u16, u16), flags: u16) -> Vec<u8> {
        let mut body = b"VAMOS\0CH".to_vec();
        body.extend(versions.0.to_le_bytes());
        body.extend(versions.1.to_le_bytes());
        body.extend(flags.to_le_bytes());
        body.extend(1_u32.to_le_bytes());
        body.extend(4_u16.to_le_bytes());
        body.extend(b"test");
        body.extend(6_u16.to_le_bytes());
        body.extend(b"sesame");
        Self::message(&body)
    }

    fn accept(mode: u16) -> Vec<u8> {
        Self::message(&[&mode.to_le_bytes()[..], &[0, 0]].concat())
    }

    fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    fn answer(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        let mut body = vec![0; u32::from_le_bytes(length) as usize];
        self.0.read_exact(&mut body).unwrap();
        body
    }

    /// Opens a lane in this mode (1: window, 2: stream).
    fn open(bed: &Bed, mode: u16) -> (Self, ServerLane) {
        let mut guest = Self::new(bed);
        guest.say(&Self::hello((1, 1), 1));
        guest.say(&Self::accept(mode));
        match bed.shake(bed.accept()) {
            Handshake::Ready(lane) => {
                guest.answer();
                (guest, lane)
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_handshake_that_ends_early_fails_wherever_it_ends() {
    let bed = bed();
    let whole = [RawGuest::hello((1, 1), 1), RawGuest::accept(2)].concat();
    for end in 0..whole.len() {
        let mut guest = RawGuest::new(&bed);
        guest.say(&whole[..end]);
        drop(guest);
        let Some(pending) = bed.listener.accept().unwrap() else {
            continue;
        };
        let ended = bed.shake(pending);
        assert!(matches!(ended, Handshake::Failed(_)), "{end}: {ended:?}");
        assert_eq!(bed.lanes.in_use(), 0);
    }
    goes_on(&bed);
}

#[test]
fn a_handshake_of_garbage_fails_at_once() {
    let bed = bed();
    let oversized = [&u32::MAX.to_le_bytes()[..], &[0; 100]].concat();
    let other_magic = RawGuest::message(b"VAMOS\0XX\x01\0\x01\0\0\0");
    let long_field = RawGuest::message(b"VAMOS\0CH\x01\0\x01\0\0\0\0\0\0\0\xff\xffxx");
    let empty = RawGuest::message(b"");
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        oversized,
        other_magic,
        long_field,
        empty,
    ] {
        let mut guest = RawGuest::new(&bed);
        guest.say(&bytes);
        let ended = bed.shake(bed.accept());
        let failed = matches!(
            &ended,
            Handshake::Failed(HandshakeError::Oversized { .. } | HandshakeError::Malformed { .. })
        );
        assert!(failed, "{ended:?}");
    }
    goes_on(&bed);
}

#[test]
fn a_handshake_that_comes_byte_by_byte_is_understood() {
    let bed = bed();
    let mut guest = RawGuest::new(&bed);
    let mut pending = bed.accept();
    let whole = [RawGuest::hello((1, 1), 1), RawGuest::accept(2)].concat();
    for byte in &whole[..whole.len() - 1] {
        guest.say(&[*byte]);
        assert!(matches!(
            pending.advance(&bed.policy, &bed.lanes),
            Handshake::NeedsInput
        ));
    }
    guest.say(&whole[whole.len() - 1..]);
    assert!(matches!(
        pending.advance(&bed.policy, &bed.lanes),
        Handshake::Ready(_)
    ));
    assert!(matches!(
        pending.advance(&bed.policy, &bed.lanes),
        Handshake::Failed(HandshakeError::Closed)
    ));
}

#[test]
fn a_guest_of_another_channel_version_is_told_so() {
    let bed = bed();
    let mut guest = RawGuest::new(&bed);
    guest.say(&RawGuest::hello((7, 9), 1));
    let Handshake::Refused(refusal) = bed.shake(bed.accept()) else {
        panic!("no common version")
    };
    assert_eq!(refusal.code, RefusalCode::ChannelVersion);
    assert!(refusal.message.contains("7 to 9"), "{refusal}");
    let answer = guest.answer();
    assert_eq!(answer[..6], [2, 0, 1, 0, refusal.message.len() as u8, 0]);
    assert_eq!(answer[6..], *refusal.message.as_bytes());
}

#[test]
fn a_guest_cannot_take_a_window_that_it_was_not_offered() {
    let bed = bed();
    let mut guest = RawGuest::new(&bed);
    guest.say(&RawGuest::hello((1, 1), 0));
    guest.say(&RawGuest::accept(1));
    let ended = bed.shake(bed.accept());
    assert!(
        matches!(ended, Handshake::Failed(HandshakeError::Malformed { .. })),
        "{ended:?}"
    );
    assert_eq!(bed.lanes.in_use(), 0);
}

#[test]
fn a_byte_that_is_no_doorbell_ends_the_lane() {
    let bed = bed();
    let (mut guest, mut host) = RawGuest::open(&bed, 1);
    guest.say(&[0xd0, 0xd0]);
    assert_eq!(host.drain_doorbells(), Ok(2));
    guest.say(&[0xd0, 0x17]);
    let error = LaneError::Corrupt(Corruption::NotADoorbell(0x17));
    assert_eq!(host.watch().drain_doorbells(), Err(error.clone()));
    assert_eq!(host.try_recv(&mut Vec::new()), Err(error));
    goes_on(&bed);
}

#[test]
fn a_flood_of_doorbells_is_taken_in_bounded_steps() {
    let bed = bed();
    let (mut guest, mut host) = RawGuest::open(&bed, 1);
    guest.say(&[0xd0; 10_000]);
    let mut total = 0;
    while total < 10_000 {
        let count = host.drain_doorbells().unwrap();
        assert!((1..=256).contains(&count));
        total += count;
    }
    assert_eq!(host.drain_doorbells(), Ok(0));
}

#[test]
fn a_stream_of_garbage_ends_the_lane() {
    let bed = Bed::new(Transport::UnixStream);
    let mut seed = 88_172_645_463_325_252_u64;
    for _ in 0..200 {
        let (mut guest, mut host) = RawGuest::open(&bed, 2);
        let garbage: Vec<u8> = (0..300)
            .map(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed as u8
            })
            .collect();
        guest.say(&garbage);
        drop(guest);
        assert!(recv_as_host(&mut host, &mut Vec::new()).is_err());
    }
    for (bytes, _, expected) in impossible_frames() {
        if !expected.starts_with("a frame of 0") && !expected.starts_with("a frame of 1") {
            let (mut guest, mut host) = RawGuest::open(&bed, 2);
            guest.say(&bytes);
            let error = recv_as_host(&mut host, &mut Vec::new()).unwrap_err().to_string();
            assert!(
                error.contains(expected) || error.contains("a frame of"),
                "{error}"
            );
        }
    }
    goes_on(&bed);
}

/// What a guest makes of a host that answers its hello with these bytes.
fn answered_with(bytes: Vec<u8>) -> ConnectError {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let host = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut hello = [0; 4];
        socket.read_exact(&mut hello).unwrap();
        socket
            .read_exact(&mut vec![0; u32::from_le_bytes(hello) as usize])
            .unwrap();
        socket.write_all(&bytes).unwrap();
        socket
    });
    let hello = Hello {
        module: "test".into(),
        module_version: 1,
        wants_window: true,
        token: Token::default(),
    };
    let options = ClientOptions {
        connect_timeout: Duration::from_millis(100),
        ..ClientOptions::default()
    };
    let error = ClientLane::connect(&Endpoint::Unix(path), &hello, &options).unwrap_err();
    drop(host.join().unwrap());
    error
}

#[test]
fn a_guest_believes_no_broken_host() {
    let cases: [(&[u8], &str); 7] = [
        (b"", "within 100ms"),
        (b"\xff\xff\xff\xff", "4294967295 bytes"),
        (b"\x02\0\0\0\x07\0", "neither a welcome nor a refusal"),
        (b"\x04\0\0\0\x01\0\x01\0", "ends too early"),
        (b"\x05\0\0\0\x02\0\x09\0\xff", "ends too early"),
        (b"\x08\0\0\0\x02\0\x09\0\x02\0\xff\xff", "not UTF-8"),
        (b"\x08\0\0\0\x02\0\x09\0\x02\0no", "refused the lane: no"),
    ];
    for (bytes, expected) in cases {
        let error = answered_with(bytes.to_vec()).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut welcome = vec![1, 0, 9, 0, 0, 0];
    welcome.extend([0; 4 + 16 + 8 + 4 + 4]);
    let error = answered_with(RawGuest::message(&welcome)).to_string();
    assert!(error.contains("version that was not offered"), "{error}");
}

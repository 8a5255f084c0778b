//! What holds for lanes in a window.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use common::*;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::Duration;
use vamos_channel::*;

#[test]
fn pipelined_messages_need_one_doorbell_at_most() {
    for transport in [Transport::UnixWindow, Transport::VsockFormWindow] {
        let bed = Bed::new(transport);
        let (mut guest, mut host) = bed.open();
        assert!(!host.sleep_begin(Wants {
            input: true,
            space: false
        }));
        for tag in 0..50 {
            guest.send(1, tag, b"pipelined").unwrap();
        }
        assert_eq!(guest.counters().doorbells_rung, 0);
        guest.flush().unwrap();
        guest.flush().unwrap();
        // Still asleep, but it was rung for already.
        guest.send(1, 50, b"one more").unwrap();
        guest.flush().unwrap();
        assert_eq!(
            (
                guest.counters().doorbells_rung,
                guest.counters().doorbells_suppressed
            ),
            (1, 1)
        );
        host.sleep_end();
        assert_eq!(host.drain_doorbells(), Ok(1));
        let mut body = Vec::new();
        for tag in 0..51 {
            assert_eq!(host.try_recv(&mut body).unwrap().unwrap().tag, tag);
        }
    }
}

#[test]
fn nobody_rings_for_a_host_that_is_awake_or_sleeps_by_its_timer() {
    let bed = Bed::new(Transport::UnixWindow);
    let (mut guest, mut host) = bed.open();
    for tag in 0..10 {
        guest.send(1, tag, b"").unwrap();
        guest.flush().unwrap();
        assert!(host.try_recv(&mut Vec::new()).unwrap().is_some());
    }
    assert!(!host.sleep_begin(Wants::default()));
    guest.send(1, 10, b"").unwrap();
    guest.flush().unwrap();
    assert_eq!(
        (
            guest.counters().doorbells_rung,
            guest.counters().doorbells_suppressed
        ),
        (0, 11)
    );
}

#[test]
fn a_host_that_sleeps_on_a_full_ring_is_woken_once_half_of_it_is_free() {
    let bed = Bed::new(Transport::UnixWindow);
    let (mut guest, mut host) = bed.open();
    for tag in 0..6 {
        host.try_send(1, tag, &[0; 4000]).unwrap();
    }
    assert!(!host.outbox_is_empty());
    assert!(!host.sleep_begin(Wants {
        input: false,
        space: true
    }));
    let mut body = Vec::new();
    recv(&mut guest, &mut body).unwrap();
    assert_eq!(guest.counters().doorbells_rung, 0, "a quarter is free");
    recv(&mut guest, &mut body).unwrap();
    recv(&mut guest, &mut body).unwrap();
    assert_eq!(guest.counters().doorbells_rung, 1, "half is free");
    assert!(host.watch().has_space());
    assert!(host.pump().unwrap());
}

#[test]
fn a_window_file_is_used_again_in_place_under_another_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("window");
    let (first, inode, size) = {
        let window = Window::create_file(&path, small_layout()).unwrap();
        let metadata = path.metadata().unwrap();
        (window.clone(), metadata.ino(), metadata.size())
    };
    assert_eq!(size, small_layout().file_size());
    let error = Window::create_file(&path, small_layout())
        .unwrap_err()
        .to_string();
    assert!(error.contains("another worker may use it"), "{error}");
    let (id, epoch) = (first.id(), first.epoch());
    drop(first);
    let second = Window::create_file(&path, small_layout()).unwrap();
    assert_eq!((path.metadata().unwrap().ino(), second.id()), (inode, id));
    assert_ne!(second.epoch(), epoch);
    drop(second);
    let larger = Layout::new(64, 1 << 16, 1 << 20).unwrap();
    let error = Window::create_file(&path, larger).unwrap_err();
    assert!(matches!(error, WindowError::FileSize { .. }), "{error}");
}

#[test]
fn a_window_file_carries_the_information_block_of_a_devdax_device() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("window");
    let window = Window::create_file(&path, small_layout()).unwrap();
    let mut block = [0; 4096];
    File::open(&path)
        .unwrap()
        .read_exact_at(&mut block, 4096)
        .unwrap();
    assert_eq!(&block[..16], b"NVDIMM_DAX_INFO\0");
    assert_eq!(block[16..32], window.id());
    let mut magic = [0; 8];
    File::open(&path)
        .unwrap()
        .read_exact_at(&mut magic, 0x20_0000)
        .unwrap();
    assert_eq!(&magic, b"VAMOSWIN");
}

#[test]
fn a_guest_without_the_device_talks_in_the_stream_and_both_sides_know_why() {
    let mut bed = Bed::new(Transport::VsockFormWindow);
    for (source, expected) in [
        (None, "no device was named"),
        (
            Some(WindowSource::Dax("/dev/no_such_dax".into())),
            "cannot find the size of /dev/no_such_dax",
        ),
        (
            Some(WindowSource::Dax("/dev/null".into())),
            "cannot find the size of /dev/null",
        ),
        (
            Some(WindowSource::File {
                path: "/proc/self/exe".into(),
                offset: 0,
            }),
            "cannot open",
        ),
    ] {
        bed.options.window = source;
        let (mut guest, host) = bed.open();
        assert_eq!((guest.mode(), host.mode()), (Mode::Stream, Mode::Stream));
        assert_eq!(guest.fallback_reason(), host.fallback_reason());
        assert!(
            guest.fallback_reason().unwrap().contains(expected),
            "{:?}",
            guest.fallback_reason()
        );
        let host = echo(host);
        guest.send(1, 1, b"works").unwrap();
        recv(&mut guest, &mut Vec::new()).unwrap();
        drop(guest);
        host.join().unwrap();
    }
}

#[test]
fn a_guest_does_not_enter_another_window_than_its_hosts() {
    let mut bed = Bed::new(Transport::VsockFormWindow);
    let other = bed.dir.path().join("other");
    let _other = Window::create_file(&other, small_layout()).unwrap();
    bed.options.window = Some(WindowSource::File {
        path: other,
        offset: 0x20_0000,
    });
    let (guest, _host) = bed.open();
    assert_eq!(guest.mode(), Mode::Stream);
    let reason = guest.fallback_reason().unwrap();
    assert!(
        reason.contains("not the one that the host serves (its id differs)"),
        "{reason}"
    );
}

#[test]
fn a_lane_of_a_hosts_former_life_says_so_and_is_left_alone() {
    let bed = Bed::new(Transport::VsockFormWindow);
    let (mut guest, host) = bed.open();
    guest.send(1, 1, b"before").unwrap();
    let path = bed.window_path();
    // The host dies and starts anew.
    let Bed {
        lanes,
        listener,
        dir: _dir,
        ..
    } = bed;
    drop((host, lanes, listener));
    let _window = Window::create_file(&path, small_layout()).unwrap();
    assert_eq!(guest.send(1, 2, b"after"), Err(LaneError::Superseded));
    assert_eq!(guest.recv(&mut Vec::new(), None), Err(LaneError::Superseded));
}

#[test]
fn a_lane_that_this_process_still_holds_is_not_entered_twice() {
    let bed = Bed::new(Transport::VsockFormWindow);
    let layout = Layout::new(1, 4096, 4096).unwrap();
    let bed = Bed::with(bed.transport, layout, ListenerOptions::default());
    // The host forgets its only lane while the guest still holds its end.
    let (guest, host) = bed.open();
    drop(host);
    let connecting = bed.connecting();
    for attempt in 0..9 {
        let ended = bed.shake(bed.accept());
        assert!(
            matches!(ended, Handshake::Failed(HandshakeError::Closed)),
            "{attempt}: {ended:?}"
        );
    }
    let error = connecting.join().unwrap().unwrap_err();
    assert!(
        matches!(error, ConnectError::LaneStillHeld { lane: 0 }),
        "{error}"
    );
    drop(guest);
    bed.open();
}

#[test]
fn a_guest_that_still_holds_all_lanes_but_one_is_let_into_that_one() {
    let layout = Layout::new(16, 4096, 4096).unwrap();
    let bed = Bed::with(Transport::VsockFormWindow, layout, ListenerOptions::default());
    // The host forgets all lanes. One of the guest's sessions notices, the others are idle.
    let (mut guests, hosts): (Vec<_>, Vec<_>) = (0..16).map(|_| bed.open()).unzip();
    drop(hosts);
    let left = guests.remove(13).index();
    let connecting = bed.connecting();
    let host = loop {
        match bed.shake(bed.accept()) {
            Handshake::Ready(lane) => break lane,
            Handshake::Failed(HandshakeError::Closed) => {}
            other => panic!("{other:?}"),
        }
        assert!(!connecting.is_finished(), "{:?}", connecting.join());
    };
    let mut guest = connecting.join().unwrap().unwrap();
    assert_eq!((guest.index(), guest.mode()), (left, Mode::Window));
    let host = echo(host);
    guest.send(1, 1, b"works").unwrap();
    recv(&mut guest, &mut Vec::new()).unwrap();
    drop(guest);
    host.join().unwrap();
}

fn memfd(size: u64, seals: SealFlags) -> OwnedFd {
    let fd = memfd_create("test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&fd, size).unwrap();
    fcntl_add_seals(&fd, seals).unwrap();
    fd
}

#[test]
fn a_guest_maps_no_memory_that_could_shrink_and_no_other_file() {
    let unsealed = Window::open_fd(memfd(2 << 20, SealFlags::GROW)).unwrap_err();
    assert!(matches!(unsealed, WindowError::NotSealed), "{unsealed}");
    let file = File::open("/proc/self/exe").unwrap();
    assert!(matches!(
        Window::open_fd(file.into()),
        Err(WindowError::NotSealed)
    ));
    let empty = Window::open_fd(memfd(2 << 20, SealFlags::SHRINK)).unwrap_err();
    assert!(matches!(empty, WindowError::NoMagic(0)), "{empty}");
    assert!(Window::open_fd(memfd(0, SealFlags::SHRINK)).is_err());
}

#[test]
fn a_header_that_contradicts_itself_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("window");
    let _window = Window::create_file(&path, small_layout()).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    let open = || Window::open_file(Path::new(&path), 0x20_0000);
    assert_eq!(open().unwrap().layout(), small_layout());
    for word in [0, 1, 2, 6, 7, 8, 9, 10] {
        let mut former = [0; 8];
        file.read_exact_at(&mut former, 0x20_0000 + 8 * word).unwrap();
        for forged in [0, 1, 3, 1 << 20, 1 << 33, u64::MAX] {
            if forged.to_ne_bytes() != former {
                file.write_all_at(&forged.to_ne_bytes(), 0x20_0000 + 8 * word)
                    .unwrap();
                assert!(open().is_err(), "word {word} = {forged}: {:?}", open());
            }
        }
        file.write_all_at(&former, 0x20_0000 + 8 * word).unwrap();
    }
    open().unwrap();
}

#[test]
fn a_live_listener_is_not_replaced_and_a_stale_one_is() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::Unix(dir.path().join("socket"));
    let Endpoint::Unix(path) = &endpoint else {
        unreachable!()
    };
    let listener = Listener::bind(&endpoint, ListenerOptions::default()).unwrap();
    let error = Listener::bind(&endpoint, ListenerOptions::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("another process listens there"), "{error}");
    drop(listener);
    assert!(!path.exists());
    drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    assert!(path.exists());
    drop(Listener::bind(&endpoint, ListenerOptions::default()).unwrap());
    std::fs::write(path, "a file").unwrap();
    let error = Listener::bind(&endpoint, ListenerOptions::default()).unwrap_err();
    assert!(matches!(error, ListenError::Occupied { .. }), "{error}");
}

#[test]
fn a_guest_says_where_nobody_listens() {
    let hello = Hello {
        module: "test".into(),
        module_version: 1,
        wants_window: true,
        token: Token::default(),
    };
    let options = ClientOptions {
        connect_timeout: Duration::from_millis(300),
        ..ClientOptions::default()
    };
    let connect = |text: &str| {
        ClientLane::connect(&text.parse().unwrap(), &hello, &options)
            .unwrap_err()
            .to_string()
    };
    let error = connect("unix:/nowhere/vamos.sock");
    assert!(
        error.starts_with("cannot connect to unix:/nowhere/vamos.sock: No such file"),
        "{error}"
    );
    let error = connect("vsock:ANY:5000");
    assert!(error.contains("can be listened on, not connected to"), "{error}");
    let error = connect("vsock:2:4000000000");
    assert!(
        error.starts_with("cannot connect to vsock:2:4000000000"),
        "{error}"
    );
}

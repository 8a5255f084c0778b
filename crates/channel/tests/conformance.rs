//! What holds on every transport.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod common;

use common::*;
use std::thread;
use std::time::{Duration, Instant};
use vamos_channel::*;

macro_rules! on_every_transport {
    ($($name:ident)*) => {
        mod unix_window { $( #[test] fn $name() { super::run(super::Transport::UnixWindow, super::$name); } )* }
        mod unix_stream { $( #[test] fn $name() { super::run(super::Transport::UnixStream, super::$name); } )* }
        mod vsock_form_window {
            $( #[test] fn $name() { super::run(super::Transport::VsockFormWindow, super::$name); } )*
        }
        mod vsock_loopback {
            $( #[test] fn $name() { super::run(super::Transport::VsockLoopback, super::$name); } )*
        }
    };
}

on_every_transport! {
    messages_of_every_size_arrive_whole
    messages_arrive_in_order_with_their_opcodes_and_tags
    a_long_answer_streams_while_the_guest_reads
    both_sides_may_send_more_than_the_rings_hold_before_they_read
    a_receive_without_a_message_ends_at_its_deadline
    a_sleeping_guest_is_woken
    a_sleeping_host_is_woken
    what_the_guest_sent_before_it_left_is_received_before_the_end
    what_the_host_sent_before_it_left_is_received_before_the_end
    what_the_host_sent_is_received_even_if_the_guest_asks_once_more
    a_message_over_the_limit_is_refused_and_the_lane_goes_on
    a_message_over_the_receivers_limit_ends_the_lane
    the_outbox_is_bounded_and_takes_one_message_of_any_size
    both_sides_count_the_same
    a_send_to_a_host_that_takes_nothing_times_out
    a_watch_sees_from_another_thread_what_the_lane_has_to_do
    a_guest_with_the_wrong_token_is_refused
    a_guest_of_an_unknown_module_is_refused
    a_guest_of_another_module_version_is_refused
    a_guest_is_refused_when_all_lanes_are_in_use
    a_lane_is_free_again_when_its_watches_are_gone
    a_silent_guest_holds_up_nobody_and_is_given_up
    many_lanes_work_at_once
}

fn run(transport: Transport, test: fn(Bed)) {
    if transport.is_here() {
        test(Bed::new(transport));
    }
}

fn messages_of_every_size_arrive_whole(bed: Bed) {
    let (mut guest, host) = bed.open();
    let host = echo(host);
    let mut body = Vec::new();
    let small = (0..200).chain([1007, 1008, 1009, 4079, 4080, 4081, 4096, 16383, 16384, 16385]);
    for length in small.chain([65_519, 65_536, 65_537, 200_000, 3 << 20]) {
        let sent = pattern(length, length as u32);
        guest.send(7, length as u32, &sent).unwrap();
        let received = recv(&mut guest, &mut body).unwrap();
        assert_eq!(
            received,
            Received {
                opcode: 7,
                tag: length as u32
            }
        );
        assert!(
            body == sent,
            "{length} bytes came back as {} or altered",
            body.len()
        );
    }
    drop(guest);
    assert_eq!(host.join().unwrap(), LaneError::Closed);
}

fn messages_arrive_in_order_with_their_opcodes_and_tags(bed: Bed) {
    let (mut guest, mut host) = bed.open();
    let sender = thread::spawn(move || {
        for tag in 0..10_000_u32 {
            guest
                .send(tag as u16, tag.wrapping_mul(77), &pattern(tag as usize % 97, tag))
                .unwrap();
        }
        guest.flush().unwrap();
        guest
    });
    let mut body = Vec::new();
    for tag in 0..10_000_u32 {
        let received = recv_as_host(&mut host, &mut body).unwrap();
        assert_eq!(
            received,
            Received {
                opcode: tag as u16,
                tag: tag.wrapping_mul(77)
            }
        );
        assert_eq!(body, pattern(tag as usize % 97, tag));
    }
    drop(sender.join().unwrap());
}

fn a_long_answer_streams_while_the_guest_reads(bed: Bed) {
    let (mut guest, mut host) = bed.open();
    let host = thread::spawn(move || {
        let mut body = Vec::new();
        recv_as_host(&mut host, &mut body).unwrap();
        for tag in 0..2000 {
            send_as_host(&mut host, 2, tag, &pattern(3000, tag)).unwrap();
        }
        finish_as_host(&mut host).unwrap();
        host
    });
    guest.send(1, 0, b"scan").unwrap();
    let mut body = Vec::new();
    for tag in 0..2000 {
        assert_eq!(recv(&mut guest, &mut body).unwrap(), Received { opcode: 2, tag });
        assert!(body == pattern(3000, tag));
    }
    drop(host.join().unwrap());
}

fn both_sides_may_send_more_than_the_rings_hold_before_they_read(bed: Bed) {
    let (mut guest, host) = bed.open();
    let host = echo(host);
    // The guest reads nothing before it has sent all: 4 MB each way.
    for tag in 0..2000 {
        guest.send(1, tag, &pattern(2000, tag)).unwrap();
    }
    let mut body = Vec::new();
    for tag in 0..2000 {
        assert_eq!(recv(&mut guest, &mut body).unwrap().tag, tag);
        assert!(body == pattern(2000, tag));
    }
    drop(guest);
    assert_eq!(host.join().unwrap(), LaneError::Closed);
}

fn a_receive_without_a_message_ends_at_its_deadline(bed: Bed) {
    let (mut guest, _host) = bed.open();
    let start = Instant::now();
    let mut body = Vec::new();
    assert_eq!(
        guest.recv(&mut body, Some(start + Duration::from_millis(30))),
        Ok(None)
    );
    assert!((Duration::from_millis(30)..PATIENCE).contains(&start.elapsed()));
    assert_eq!(guest.recv(&mut body, Some(start)), Ok(None));
    assert_eq!(guest.try_recv(&mut body), Ok(None));
}

fn a_sleeping_guest_is_woken(bed: Bed) {
    let (mut guest, mut host) = bed.open();
    guest.set_poll_budget(Duration::ZERO);
    let sleeper = thread::spawn(move || {
        let mut body = Vec::new();
        let received = recv(&mut guest, &mut body).unwrap();
        (received, body, guest)
    });
    thread::sleep(Duration::from_millis(50));
    host.try_send(5, 6, b"good morning").unwrap();
    host.flush().unwrap();
    let (received, body, guest) = sleeper.join().unwrap();
    assert_eq!(
        (received.opcode, received.tag, &body[..]),
        (5, 6, &b"good morning"[..])
    );
    assert!(guest.counters().sleeps >= 1);
    assert_eq!(host.counters().doorbells_rung, 1);
}

fn a_sleeping_host_is_woken(bed: Bed) {
    let (mut guest, mut host) = bed.open();
    let sleeper = thread::spawn(move || {
        let mut body = Vec::new();
        recv_as_host(&mut host, &mut body).unwrap();
        (body, host)
    });
    thread::sleep(Duration::from_millis(50));
    guest.send(1, 1, b"good morning").unwrap();
    guest.flush().unwrap();
    let (body, _host) = sleeper.join().unwrap();
    assert_eq!(body, b"good morning");
    assert_eq!(guest.counters().doorbells_rung, 1);
}

fn what_the_guest_sent_before_it_left_is_received_before_the_end(bed: Bed) {
    let (mut guest, mut host) = bed.open();
    guest.send(1, 1, b"last words").unwrap();
    guest.flush().unwrap();
    drop(guest);
    let mut body = Vec::new();
    assert_eq!(recv_as_host(&mut host, &mut body).unwrap().tag, 1);
    assert_eq!(body, b"last words");
    assert_eq!(recv_as_host(&mut host, &mut body), Err(LaneError::Closed));
    assert_eq!(host.try_recv(&mut body), Err(LaneError::Closed));
    assert_eq!(host.try_send(1, 1, b"too late"), Err(LaneError::Closed));
}

fn what_the_host_sent_before_it_left_is_received_before_the_end(bed: Bed) {
    let (mut guest, mut host) = bed.open();
    host.try_send(1, 1, b"last words").unwrap();
    host.flush().unwrap();
    drop(host);
    let mut body = Vec::new();
    assert_eq!(recv(&mut guest, &mut body).unwrap().tag, 1);
    assert_eq!(body, b"last words");
    assert_eq!(guest.recv(&mut body, None), Err(LaneError::Closed));
    assert_eq!(guest.send(1, 1, b"too late"), Err(LaneError::Closed));
}

fn what_the_host_sent_is_received_even_if_the_guest_asks_once_more(bed: Bed) {
    let (mut guest, mut host) = bed.open();
    // So much that in a window the guest frees room that the host has asked for.
    for tag in 0..7 {
        host.try_send(1, tag, &[9; 2000]).unwrap();
    }
    host.flush().unwrap();
    host.sleep_begin(Wants {
        input: true,
        space: true,
    });
    drop(host);
    guest.send(1, 1, b"are you there?").unwrap();
    let mut body = Vec::new();
    for tag in 0..7 {
        assert_eq!(recv(&mut guest, &mut body).unwrap().tag, tag);
        assert_eq!(body, [9; 2000]);
    }
    assert_eq!(guest.recv(&mut body, None), Err(LaneError::Closed));
}

fn a_message_over_the_limit_is_refused_and_the_lane_goes_on(mut bed: Bed) {
    bed.options.max_message = 1000;
    let (mut guest, host) = bed.open();
    let host = echo(host);
    assert_eq!(
        guest.send(1, 1, &[0; 1001]),
        Err(LaneError::TooLong {
            length: 1001,
            limit: 1000
        })
    );
    guest.send(1, 2, &[0; 1000]).unwrap();
    assert_eq!(recv(&mut guest, &mut Vec::new()).unwrap().tag, 2);
    drop(guest);
    host.join().unwrap();
}

fn a_message_over_the_receivers_limit_ends_the_lane(bed: Bed) {
    let options = ListenerOptions {
        max_message: 10_000,
        ..ListenerOptions::default()
    };
    let bed = Bed::with(bed.transport, small_layout(), options);
    let (mut guest, mut host) = bed.open();
    let receiver = thread::spawn(move || recv_as_host(&mut host, &mut Vec::new()));
    // The guest may notice in the middle of its message.
    let _ = guest.send(3, 4, &[0; 100_000]).and_then(|()| guest.flush());
    let Err(LaneError::Corrupt(Corruption::MessageTooLong {
        opcode: 3,
        tag: 4,
        limit: 10_000,
        ..
    })) = receiver.join().unwrap()
    else {
        panic!("the message is too long");
    };
    assert_eq!(guest.recv(&mut Vec::new(), None), Err(LaneError::Closed));
}

fn the_outbox_is_bounded_and_takes_one_message_of_any_size(bed: Bed) {
    let options = ListenerOptions {
        max_outbox: 100_000,
        ..ListenerOptions::default()
    };
    let bed = Bed::with(bed.transport, small_layout(), options);
    let (mut guest, mut host) = bed.open();
    let large = pattern(8 << 20, 9);
    host.try_send(1, 0, &large).unwrap();
    assert!(!host.outbox_is_empty());
    let refused = host.try_send(1, 1, &[0; 100_000]).unwrap_err();
    assert!(
        matches!(refused, LaneError::OutboxFull { limit: 100_000, .. }),
        "{refused}"
    );
    assert!(!refused.is_fatal());
    let receiver = thread::spawn(move || {
        let mut body = Vec::new();
        recv(&mut guest, &mut body).unwrap();
        body
    });
    finish_as_host(&mut host).unwrap();
    assert!(host.outbox_is_empty() && host.outbox_bytes() == 0);
    assert!(receiver.join().unwrap() == large);
}

fn both_sides_count_the_same(bed: Bed) {
    let (mut guest, mut host) = bed.open();
    let mut body = Vec::new();
    for tag in 0..10 {
        guest.send(1, tag, &[1; 2500]).unwrap();
        guest.flush().unwrap();
        recv_as_host(&mut host, &mut body).unwrap();
        host.try_send(1, tag, &[2; 30]).unwrap();
        host.flush().unwrap();
        recv(&mut guest, &mut body).unwrap();
    }
    let (guest, host) = (guest.counters(), host.counters());
    assert_eq!((guest.messages_sent, guest.bytes_sent), (10, 25_000));
    assert_eq!((guest.messages_received, guest.bytes_received), (10, 300));
    let sent = |c: &LaneCounters| (c.messages_sent, c.frames_sent, c.bytes_sent);
    let received = |c: &LaneCounters| (c.messages_received, c.frames_received, c.bytes_received);
    assert_eq!(sent(&guest), received(&host));
    assert_eq!(sent(&host), received(&guest));
    if bed.transport.has_window() {
        assert_eq!(guest.frames_sent, 30);
        assert_eq!(guest.doorbells_rung + guest.doorbells_suppressed, 10);
    }
}

fn a_send_to_a_host_that_takes_nothing_times_out(mut bed: Bed) {
    bed.options.send_timeout = Some(Duration::from_millis(50));
    let (mut guest, _host) = bed.open();
    let body = vec![0; 64 << 20];
    assert_eq!(
        guest.send(1, 1, &body),
        Err(LaneError::SendTimedOut(Duration::from_millis(50)))
    );
}

fn a_watch_sees_from_another_thread_what_the_lane_has_to_do(bed: Bed) {
    let (mut guest, mut host) = bed.open();
    let (watch, input) = (
        host.watch(),
        Wants {
            input: true,
            space: true,
        },
    );
    assert!(!watch.has_input() && !watch.wants_space() && watch.has_space());
    assert!(!watch.sleep_begin(input));
    guest.send(1, 1, b"x").unwrap();
    guest.flush().unwrap();
    let woken = thread::spawn({
        let watch = watch.clone();
        move || {
            wait_for(&watch, rustix::event::PollFlags::IN, PATIENCE);
            watch.sleep_end();
            watch.drain_doorbells().unwrap();
            watch.has_input()
        }
    });
    assert!(woken.join().unwrap());
    assert!(host.try_recv(&mut Vec::new()).unwrap().is_some());
    assert!(!watch.has_input());
    // Something that does not fit makes space matter.
    host.try_send(1, 1, &vec![0; 8 << 20]).unwrap();
    assert!(watch.wants_space() && !watch.has_space() && !watch.sleep_begin(input));
    assert_eq!(watch.counters(), host.counters());
    drop(guest);
}

fn a_guest_with_the_wrong_token_is_refused(mut bed: Bed) {
    bed.hello.token = Token::new(*b"simsim");
    let (guest, host) = bed.refuse();
    assert_eq!((guest.code, &guest), (RefusalCode::NotAllowed, &host));
    assert_eq!(bed.lanes.in_use(), 0);
}

fn a_guest_of_an_unknown_module_is_refused(mut bed: Bed) {
    bed.hello.module = "queue".into();
    let (guest, host) = bed.refuse();
    assert_eq!((guest.code, &guest), (RefusalCode::UnknownModule, &host));
    assert_eq!(guest.message, "there is no module \"queue\" here, only: test");
}

fn a_guest_of_another_module_version_is_refused(mut bed: Bed) {
    bed.hello.module_version = 3;
    let (guest, host) = bed.refuse();
    assert_eq!((guest.code, &guest), (RefusalCode::ModuleVersion, &host));
    assert!(
        guest.message.contains("version 3") && guest.message.contains("1 to 2"),
        "{guest}"
    );
}

fn a_guest_is_refused_when_all_lanes_are_in_use(bed: Bed) {
    let open: Vec<_> = (0..8).map(|_| bed.open()).collect();
    let (guest, host) = bed.refuse();
    assert_eq!((guest.code, &guest), (RefusalCode::NoLane, &host));
    drop(open);
    bed.open();
}

fn a_lane_is_free_again_when_its_watches_are_gone(bed: Bed) {
    let (guest, host) = bed.open();
    let watch = host.watch();
    drop(host);
    assert_eq!(bed.lanes.in_use(), 1);
    drop(watch);
    assert_eq!(bed.lanes.in_use(), 0);
    drop(guest);
}

fn a_silent_guest_holds_up_nobody_and_is_given_up(bed: Bed) {
    let options = ListenerOptions {
        handshake_timeout: Duration::from_millis(60),
        ..ListenerOptions::default()
    };
    let bed = Bed::with(bed.transport, small_layout(), options);
    let Endpoint::Unix(path) = &bed.endpoint else {
        return;
    };
    let _silent = std::os::unix::net::UnixStream::connect(path).unwrap();
    let pending = bed.accept();
    let (mut guest, host) = bed.open();
    let host = echo(host);
    guest.send(1, 1, b"hello").unwrap();
    recv(&mut guest, &mut Vec::new()).unwrap();
    assert!(matches!(
        bed.shake(pending),
        Handshake::Failed(HandshakeError::TimedOut(_))
    ));
    drop(guest);
    host.join().unwrap();
}

fn many_lanes_work_at_once(bed: Bed) {
    let lanes: Vec<_> = (0..8).map(|_| bed.open()).collect();
    let workers: Vec<_> = lanes
        .into_iter()
        .map(|(mut guest, host)| {
            let host = echo(host);
            thread::spawn(move || {
                let mut body = Vec::new();
                for tag in 0..300 {
                    let sent = pattern(tag as usize * 7 % 3000, guest.index() * 1000 + tag);
                    guest.send(1, tag, &sent).unwrap();
                    assert_eq!(recv(&mut guest, &mut body).unwrap().tag, tag);
                    assert!(body == sent);
                }
                drop(guest);
                host.join().unwrap()
            })
        })
        .collect();
    for worker in workers {
        assert_eq!(worker.join().unwrap(), LaneError::Closed);
    }
}

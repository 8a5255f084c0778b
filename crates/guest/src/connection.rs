//! One lane and what is under way on it.

use crate::streams::{Streams, trim};
use crate::{Client, Config, Error};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vamos_channel::{ClientLane, ClientOptions, Hello, LaneCounters, LaneProbe, Mode, Token, WindowSource};
use vamos_proto::{MODULE_NAME, MODULE_VERSION, Request, Response, Write, Written};

/// How often a waiting session asks its interrupt whether to go on.
pub(crate) const INTERRUPT_INTERVAL: Duration = Duration::from_millis(20);

/// How long an interrupted request may take to end before the lane is given up.
const CANCEL_GRACE: Duration = Duration::from_secs(10);

/// How often at most a lane is looked at by a system call before something begins on it.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// A connected lane: sends requests, sorts what arrives.
#[derive(Debug)]
pub(crate) struct Connection {
    lane: ClientLane,
    next_tag: u32,
    /// The encoded request.
    request: Vec<u8>,
    /// The answer that was last waited for.
    answer: Vec<u8>,
    pub(crate) streams: Streams,
    /// Writes without answer are under way; a failure would not be known yet.
    unsettled: bool,
    /// Writes whose answers nobody has waited for yet, and those that came.
    ahead: Vec<(u32, Option<Result<Written, Error>>)>,
    /// When it was last looked whether the host has hung up.
    looked: Instant,
    /// Something that was done depends on the host's process; see [`Self::rely_on`].
    relied_on: bool,
}

impl Connection {
    /// Connects and shakes hands.
    pub(crate) fn open(client: &Client, config: &Arc<Config>, session: u64) -> Result<Self, Error> {
        let hello = Hello {
            module: MODULE_NAME.to_owned(),
            module_version: MODULE_VERSION,
            wants_window: true,
            token: Token::new(config.token.as_slice()),
        };
        let options = ClientOptions {
            window: config.window.clone().map(WindowSource::Dax),
            connect_timeout: config.connect_timeout,
            poll_budget: config.poll_budget,
            ..ClientOptions::default()
        };
        let lane =
            ClientLane::connect(&config.endpoint, &hello, &options).map_err(|cause| Error::HostAway {
                endpoint: config.endpoint.to_string(),
                cause,
            })?;
        client.connected(session, lane.fallback_reason().map(str::to_owned));
        Ok(Self {
            lane,
            next_tag: 1,
            request: Vec::new(),
            answer: Vec::new(),
            streams: Streams::default(),
            unsettled: false,
            ahead: Vec::new(),
            looked: Instant::now(),
            relied_on: false,
        })
    }

    /// From now on the lane's end is for the session to hear of, even when nothing is
    /// under way: what it has done may have been lost with the host's process.
    pub(crate) fn rely_on(&mut self) {
        self.relied_on = true;
    }

    /// Whether the lane has ended and nothing was lost with it.
    pub(crate) fn is_replaceable(&mut self) -> bool {
        let unused = self.streams.is_empty() && self.ahead.is_empty() && !self.unsettled;
        unused && !self.relied_on && self.has_ended()
    }

    fn has_ended(&mut self) -> bool {
        if self.lane.has_ended() {
            return true;
        }
        if self.looked.elapsed() < LOOK_INTERVAL {
            return false;
        }
        self.looked = Instant::now();
        !self.probe().is_open()
    }

    pub(crate) fn counters(&self) -> LaneCounters {
        self.lane.counters()
    }

    /// What tells whether the host is still there.
    pub(crate) fn probe(&self) -> LaneProbe {
        self.lane.probe()
    }

    /// The tag that the next request will have.
    pub(crate) fn next_tag(&self) -> u32 {
        self.next_tag
    }

    /// Puts a request into the ring, without ringing. Returns its tag.
    pub(crate) fn send(&mut self, request: &Request<'_>) -> Result<u32, Error> {
        let tag = self.next_tag;
        self.next_tag = self.next_tag.checked_add(1).unwrap_or(1);
        self.request.clear();
        let opcode = request.encode(&mut self.request);
        self.lane.send(opcode, tag, &self.request)?;
        Ok(tag)
    }

    /// Sees that the host finds what was sent within about a second: it looks into the
    /// rings by itself, but the stream keeps what was not flushed.
    pub(crate) fn flush_unhurried(&mut self) -> Result<(), Error> {
        match self.lane.mode() {
            Mode::Window => Ok(()),
            Mode::Stream => self.flush(),
        }
    }

    /// Tells a sleeping host that there is something to do.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        Ok(self.lane.flush()?)
    }

    /// The answer to the request with this tag; rows of cursors that come before
    /// it are put where they belong.
    pub(crate) fn answer(
        &mut self,
        tag: u32,
        interrupt: Option<&(dyn Fn() -> bool + Send)>,
    ) -> Result<Response<'_>, Error> {
        let mut patience = Patience::new(interrupt);
        let opcode = loop {
            let mut body = std::mem::take(&mut self.answer);
            let received = self.lane.recv(&mut body, patience.deadline())?;
            match received {
                Some(received) if received.tag == tag => {
                    self.answer = body;
                    break received.opcode;
                }
                Some(received) => self.sort(received.opcode, received.tag, body)?,
                None => {
                    self.answer = body;
                    self.interrupted(tag, &mut patience)?;
                }
            }
        };
        Ok(Response::decode(opcode, &self.answer)?)
    }

    /// Waits until something arrives for the cursor with this tag.
    pub(crate) fn wait_for_rows(
        &mut self,
        tag: u32,
        interrupt: Option<&(dyn Fn() -> bool + Send)>,
    ) -> Result<(), Error> {
        let mut patience = Patience::new(interrupt);
        loop {
            let mut body = self.streams.buffer();
            match self.lane.recv(&mut body, patience.deadline())? {
                Some(received) => {
                    self.sort(received.opcode, received.tag, body)?;
                    if received.tag == tag {
                        return Ok(());
                    }
                }
                None => {
                    self.streams.recycle(body);
                    self.interrupted(tag, &mut patience)?;
                }
            }
        }
    }

    /// Sends a write without answer.
    pub(crate) fn send_unanswered(&mut self, write: Write<'_>) -> Result<(), Error> {
        self.unsettled = true;
        self.send(&Request::Write(Write {
            answer: false,
            ..write
        }))
        .map(drop)
    }

    /// Nobody will ask for the answers that are still to come: what was sent ahead is to
    /// be undone. Writes that wait for a lock, or for their turn, must not keep that
    /// waiting, each as long as a lock wait may last.
    pub(crate) fn cancel_ahead(&mut self) -> Result<(), Error> {
        let unanswered = self.ahead.iter().filter(|(_, answer)| answer.is_none());
        let tags: Vec<_> = unanswered.map(|(tag, _)| *tag).collect();
        for tag in tags {
            self.send(&Request::Cancel(tag))?;
        }
        Ok(())
    }

    /// Waits until what was sent ahead is done or cancelled.
    ///
    /// # Errors
    /// The failure by which the transaction ended; others are undone with their writes.
    pub(crate) fn undo_ahead(&mut self, interrupt: Option<&(dyn Fn() -> bool + Send)>) -> Result<(), Error> {
        self.cancel_ahead()?;
        while let Some(&(tag, _)) = self.ahead.first() {
            match self.answer_ahead(tag, interrupt) {
                Err(error) if error.ended_transaction() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Sends a write whose answer is asked for later, and wakes the host for it.
    pub(crate) fn send_ahead(&mut self, request: &Request<'_>) -> Result<u32, Error> {
        let tag = self.send(request)?;
        self.ahead.push((tag, None));
        self.flush()?;
        Ok(tag)
    }

    /// The answer of a write that was sent ahead.
    pub(crate) fn answer_ahead(
        &mut self,
        tag: u32,
        interrupt: Option<&(dyn Fn() -> bool + Send)>,
    ) -> Result<Written, Error> {
        let lost = || Error::Protocol {
            what: "a write's answer was asked for twice".into(),
        };
        let place = self
            .ahead
            .iter()
            .position(|(sent, _)| *sent == tag)
            .ok_or_else(lost)?;
        match self.ahead.remove(place).1 {
            Some(answered) => answered,
            None => read_written(self.answer(tag, interrupt)?),
        }
    }

    /// Waits until all writes without answer are done and reports a failure.
    pub(crate) fn settle(&mut self, interrupt: Option<&(dyn Fn() -> bool + Send)>) -> Result<(), Error> {
        if !self.unsettled {
            return Ok(());
        }
        let tag = self.send(&Request::Ping(()))?;
        let settled = match self.answer(tag, interrupt)? {
            Response::Done(()) => Ok(()),
            Response::Failed(failure) => Err(failure.into()),
            other => return Err(Error::unexpected(other.opcode(), "a ping")),
        };
        self.unsettled = false;
        settled
    }

    /// The transaction's end tells of all writes before it.
    pub(crate) fn end_of_transaction(&mut self) {
        self.unsettled = false;
        self.ahead.clear();
        self.streams.clear();
        trim(&mut self.request);
        trim(&mut self.answer);
    }

    /// Puts a message that nobody waits for where it belongs.
    fn sort(&mut self, opcode: u16, tag: u32, body: Vec<u8>) -> Result<(), Error> {
        if let Some(stream) = self.streams.get_mut(tag) {
            match Response::decode(opcode, &body)? {
                Response::Rows(_) => stream.blocks.push_back((opcode, body)),
                Response::Rejected(rows) => stream.rejected += rows,
                Response::LastRows(_) => {
                    stream.finished = true;
                    stream.blocks.push_back((opcode, body));
                }
                Response::Failed(failure) => {
                    stream.finished = true;
                    stream.failure = Some(failure.into());
                }
                other => return Err(Error::unexpected(other.opcode(), "a scan")),
            }
            return Ok(());
        }
        if let Some((_, answer)) = self.ahead.iter_mut().find(|(sent, _)| *sent == tag) {
            *answer = Some(read_written(Response::decode(opcode, &body)?));
            self.streams.recycle(body);
            return Ok(());
        }
        // What is left belongs to a cursor that was closed before its end.
        self.streams.recycle(body);
        Ok(())
    }

    /// Nothing arrived for a while: asks whether to go on waiting.
    fn interrupted(&mut self, tag: u32, patience: &mut Patience<'_>) -> Result<(), Error> {
        match patience.next() {
            Step::Wait => Ok(()),
            Step::Cancel => {
                self.send(&Request::Cancel(tag))?;
                self.flush()
            }
            Step::GiveUp => Err(Error::ConnectionLost {
                reason: format!(
                    "a cancelled request did not end within {} s",
                    CANCEL_GRACE.as_secs()
                ),
            }),
        }
    }
}

/// What became of a write.
fn read_written(response: Response<'_>) -> Result<Written, Error> {
    match response {
        Response::Written(written) => Ok(written),
        Response::Failed(failure) => Err(failure.into()),
        other => Err(Error::unexpected(other.opcode(), "a write")),
    }
}

/// What to do when nothing has arrived.
enum Step {
    Wait,
    Cancel,
    GiveUp,
}

/// How long to wait and when to stop.
struct Patience<'i> {
    interrupt: Option<&'i (dyn Fn() -> bool + Send)>,
    cancelled: Option<Instant>,
}

impl<'i> Patience<'i> {
    fn new(interrupt: Option<&'i (dyn Fn() -> bool + Send)>) -> Self {
        Self {
            interrupt,
            cancelled: None,
        }
    }

    /// Without an interrupt a wait has no end but the lane's: the host answers
    /// every request, and its death closes the lane.
    fn deadline(&self) -> Option<Instant> {
        self.interrupt.map(|_| Instant::now() + INTERRUPT_INTERVAL)
    }

    fn next(&mut self) -> Step {
        match self.cancelled {
            Some(since) if since.elapsed() > CANCEL_GRACE => Step::GiveUp,
            Some(_) => Step::Wait,
            None if self.interrupt.is_some_and(|stop| stop()) => {
                self.cancelled = Some(Instant::now());
                Step::Cancel
            }
            None => Step::Wait,
        }
    }
}

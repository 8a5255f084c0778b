//! One lane's session: its loop.

use super::Limits;
use super::current::{Current, failure, refusal};
use super::inbox::{Inbox, Message};
use super::metrics::RequestCounters;
use super::race::{Raced, Until, race};
use super::streams::{Stream, Streams, Turn};
use super::tables::TemporaryTables;
use crate::module::SessionEnd;
use crate::runtime::{Lane, LaneEnd, yield_now};
use std::sync::Arc;
use vamos_channel::LaneError;
use vamos_proto::{ErrorCode, Failure, Request, Response, RowBlockBuilder};
use vamos_store::{Build, Store};

/// Requests served before the streams, and other lanes, get their turn.
const REQUESTS_PER_TURN: usize = 16;

/// Buffers that grew larger than this for one message are given back.
pub(super) const KEPT_BUFFER: usize = 1 << 20;

/// A session of the store.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) lane: Lane,
    pub(super) inbox: Inbox,
    pub(super) store: Arc<Store>,
    pub(super) current: Current,
    /// Behind the transaction, which ends first.
    pub(super) temporary: TemporaryTables,
    pub(super) streams: Streams,
    pub(super) limits: Limits,
    pub(super) rows: RowBlockBuilder,
    /// Indexes that are being built.
    pub(super) builds: Vec<Build>,
    counters: Arc<RequestCounters>,
    /// The buffer of the last message's body, for the next one.
    spare: Vec<u8>,
    reply: Vec<u8>,
}

impl Session {
    pub(super) fn new(lane: Lane, store: Arc<Store>, counters: Arc<RequestCounters>, limits: Limits) -> Self {
        Self {
            lane,
            inbox: Inbox::new(limits.read_ahead),
            current: Current::new(store.clone()),
            temporary: TemporaryTables::new(store.clone()),
            store,
            streams: Streams::default(),
            limits,
            rows: RowBlockBuilder::new(),
            builds: Vec::new(),
            counters,
            spare: Vec::new(),
            reply: Vec::new(),
        }
    }

    /// Serves the lane until its end; what is open then is rolled back.
    pub(super) async fn run(mut self) -> SessionEnd {
        loop {
            if let Err(end) = self.turn().await {
                return end;
            }
        }
    }

    /// Some requests, then one batch of one stream; or waiting for either.
    async fn turn(&mut self) -> Result<(), SessionEnd> {
        // Who always has something to do never waits, and so hears it only here.
        if self.lane.runtime().is_shutting_down() {
            return Err(LaneEnd::Shutdown.into());
        }
        let mut served = 0;
        while served < REQUESTS_PER_TURN
            && let Some(message) = self.next_message()?
        {
            served += 1;
            self.serve(message).await?;
        }
        // A batch is made only when all before it is in the ring: the reader's
        // pace is the stream's pace, and no more than one batch waits here.
        let streamed = self.lane.pump()? && self.stream().await?;
        if streamed || served == REQUESTS_PER_TURN {
            yield_now().await;
        } else if served == 0 {
            self.lane.set_streams(!self.streams.is_empty());
            self.lane.changed().await?;
        }
        Ok(())
    }

    fn next_message(&mut self) -> Result<Option<Message>, SessionEnd> {
        if let Some(message) = self.inbox.pop() {
            return Ok(Some(message));
        }
        let mut body = std::mem::take(&mut self.spare);
        match self.lane.try_recv(&mut body)? {
            Some(received) => Ok(Some(Message {
                opcode: received.opcode,
                tag: received.tag,
                body,
                cancelled: false,
            })),
            None => {
                self.spare = body;
                Ok(None)
            }
        }
    }

    async fn serve(&mut self, message: Message) -> Result<(), SessionEnd> {
        self.counters.count(message.opcode);
        let request = Request::decode(message.opcode, &message.body)
            .map_err(|error| SessionEnd::Misbehaved(error.to_string()))?;
        self.execute(message.tag, message.cancelled, request).await?;
        let mut body = message.body;
        if body.capacity() <= KEPT_BUFFER {
            body.clear();
            self.spare = body;
        }
        Ok(())
    }

    /// Sends an answer.
    pub(super) async fn answer(&mut self, tag: u32, response: &Response<'_>) -> Result<(), SessionEnd> {
        self.reply.clear();
        let opcode = response.encode(&mut self.reply);
        match self.lane.send(opcode, tag, &self.reply).await {
            Ok(()) => {}
            Err(LaneEnd::Lane(LaneError::TooLong { length, limit })) => {
                let message = format!(
                    "the answer has {length} bytes and the longest message {limit}; ask for less at once"
                );
                self.reply.clear();
                let opcode = Response::Failed(refusal(ErrorCode::Invalid, message)).encode(&mut self.reply);
                self.lane.send(opcode, tag, &self.reply).await?;
            }
            Err(end) => return Err(end.into()),
        }
        if self.reply.capacity() > KEPT_BUFFER {
            self.reply = Vec::new();
        }
        Ok(())
    }

    /// Sends a failure.
    pub(super) async fn fail(&mut self, tag: u32, failure: Failure<'static>) -> Result<(), SessionEnd> {
        self.answer(tag, &Response::Failed(failure)).await
    }

    /// The transaction is over, and with it the scans that read in it.
    pub(super) async fn end_streams(&mut self) -> Result<(), SessionEnd> {
        for tag in self.streams.end_all() {
            let ended = refusal(ErrorCode::Cancelled, "the scan's transaction is over");
            self.fail(tag, ended).await?;
        }
        Ok(())
    }

    /// Makes and sends the next batch of the stream whose turn it is; says
    /// whether there was one.
    async fn stream(&mut self) -> Result<bool, SessionEnd> {
        let Some(mut stream) = self.streams.next() else {
            return Ok(false);
        };
        match self.next_batch(&mut stream).await? {
            Turn::Interrupted => {
                self.streams.add(stream);
                return Ok(true);
            }
            Turn::Failed(failure) => self.fail(stream.tag, failure).await?,
            // So many rows were rejected that others must have their turn.
            Turn::Batch(false) if stream.rows.is_empty() => self.streams.add(stream),
            Turn::Batch(true) => {
                self.tell_rejected(&mut stream).await?;
                let rows = std::mem::take(&mut stream.rows);
                self.answer(stream.tag, &Response::LastRows(rows.block())).await?;
            }
            Turn::Batch(false) => {
                self.tell_rejected(&mut stream).await?;
                let rows = std::mem::take(&mut stream.rows);
                let rung = self.lane.doorbells_rung();
                self.answer(stream.tag, &Response::Rows(rows.block())).await?;
                stream.sent(&rows, self.lane.doorbells_rung() > rung);
                stream.rows = rows;
                stream.rows.recycle(KEPT_BUFFER);
                self.streams.add(stream);
            }
        }
        Ok(true)
    }

    /// Tells, ahead of a batch, how many rows were left out.
    async fn tell_rejected(&mut self, stream: &mut Stream) -> Result<(), SessionEnd> {
        match stream.cursor.take_rejected() {
            0 => Ok(()),
            rejected => self.answer(stream.tag, &Response::Rejected(rejected)).await,
        }
    }

    async fn next_batch(&mut self, stream: &mut Stream) -> Result<Turn, SessionEnd> {
        loop {
            let Some(transaction) = self.current.opened() else {
                return Ok(Turn::Failed(refusal(
                    ErrorCode::Invalid,
                    "the scan's transaction is over",
                )));
            };
            // A batch that waits for a lock makes way for whatever else the guest
            // wants on this lane, and goes on afterwards.
            let work = stream.fill(transaction);
            let raced = race(&mut self.lane, &mut self.inbox, Until::Anything, work).await?;
            let at_end = match raced {
                Raced::Done(Ok(at_end)) => at_end,
                Raced::Done(Err(error)) => return Ok(Turn::Failed(failure(&error))),
                Raced::Interrupted => return Ok(Turn::Interrupted),
            };
            if !at_end {
                return Ok(Turn::Batch(false));
            }
            let Some(transaction) = self.current.opened() else {
                continue;
            };
            match stream.next_range(transaction) {
                Ok(false) => return Ok(Turn::Batch(true)),
                Ok(true) if stream.is_full() => return Ok(Turn::Batch(false)),
                Ok(true) => {}
                Err(error) => return Ok(Turn::Failed(failure(&error))),
            }
        }
    }
}

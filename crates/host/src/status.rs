//! What `vamos status` shows: as it travels from worker to supervisor to the
//! operator, in JSON.

use crate::runtime::RuntimeCounters;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vamos_channel::LaneCounters;

/// The state of vamosd and its guests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The version of vamosd.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since its start.
    pub uptime_s: u64,
    /// The guests in the order of the configuration.
    pub guests: Vec<GuestStatus>,
}

/// How it is with a guest's worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuestState {
    /// It opens its store.
    Starting,
    /// It serves.
    Running,
    /// It ended and is started again soon.
    Waiting,
    /// It is finishing, or has finished.
    Stopping,
}

impl GuestState {
    /// The state as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Stopping => "stopping",
        }
    }
}

/// A guest and its worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GuestStatus {
    /// The guest's name.
    pub name: String,
    /// Where it connects.
    pub listen: String,
    /// Where its window is.
    pub window: String,
    /// How it is with its worker.
    pub state: GuestState,
    /// The worker's process.
    pub pid: Option<u32>,
    /// The worker's memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// How often the worker was started again.
    pub restarts: u64,
    /// How it ended the last time.
    pub last_end: Option<String>,
    /// What the worker says; none if it does not run, or does not answer.
    pub worker: Option<WorkerStatus>,
}

/// What a worker says of itself. Counters count from its start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// Seconds since its start.
    pub uptime_s: u64,
    /// Milliseconds of processor time.
    pub cpu_ms: u64,
    /// What confines it.
    pub sandbox: Vec<Measure>,
    /// Its lanes.
    pub lanes: LaneStatus,
    /// What went over its lanes.
    pub traffic: Traffic,
    /// Its threads.
    pub runtime: RuntimeCounters,
    /// Its modules.
    pub modules: Vec<ModuleStatus>,
}

/// One means of confinement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Which one.
    pub name: String,
    /// Whether it is in force.
    pub in_force: bool,
    /// How far, or why not.
    pub detail: String,
}

/// The lanes of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneStatus {
    /// Open now.
    pub open: u64,
    /// The most that may be.
    pub most: u64,
    /// Opened.
    pub accepted: u64,
    /// Refused, with a word to the guest.
    pub refused: u64,
    /// Given up in the handshake.
    pub failed: u64,
}

/// What went over all lanes, open and closed, seen from the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Messages from the guest.
    pub messages_in: u64,
    /// Messages to the guest.
    pub messages_out: u64,
    /// Frames from the guest.
    pub frames_in: u64,
    /// Frames to the guest.
    pub frames_out: u64,
    /// Bytes of message bodies from the guest.
    pub bytes_in: u64,
    /// Bytes of message bodies to the guest.
    pub bytes_out: u64,
    /// Doorbells from the guest: switches from guest to host.
    pub doorbells_in: u64,
    /// Doorbells to the guest: interrupts.
    pub doorbells_out: u64,
    /// Messages to the guest that needed no doorbell.
    pub doorbells_suppressed: u64,
    /// Times that the host asked for a doorbell on a lane.
    pub sleeps: u64,
}

impl From<LaneCounters> for Traffic {
    fn from(counters: LaneCounters) -> Self {
        Self {
            messages_in: counters.messages_received,
            messages_out: counters.messages_sent,
            frames_in: counters.frames_received,
            frames_out: counters.frames_sent,
            bytes_in: counters.bytes_received,
            bytes_out: counters.bytes_sent,
            doorbells_in: counters.doorbells_received,
            doorbells_out: counters.doorbells_rung,
            doorbells_suppressed: counters.doorbells_suppressed,
            sleeps: counters.sleeps,
        }
    }
}

/// A module of a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModuleStatus {
    /// Its name.
    pub name: String,
    /// How often each request came; those that never came are left out.
    pub requests: BTreeMap<String, u64>,
    /// Its own state.
    pub state: serde_json::Value,
}

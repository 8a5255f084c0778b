//! Resource limits.

use crate::config::ByteSize;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that a worker may have: table files, and two for each lane.
const DESCRIPTORS: u64 = 65_536;

/// Sets the limits, hard and soft.
pub(super) fn apply(memory: ByteSize) -> Result<String, String> {
    // A core file would hold the guest's data.
    set(Resource::Core, 0)?;
    let most = getrlimit(Resource::Nofile).maximum.unwrap_or(DESCRIPTORS);
    let descriptors = DESCRIPTORS.min(most);
    set(Resource::Nofile, descriptors)?;
    if memory.0 == 0 {
        return Ok(format!(
            "no core file, {descriptors} descriptors, memory unlimited"
        ));
    }
    // Private writable memory: what the process itself uses, and not the
    // window, which is shared.
    set(Resource::Data, memory.0)?;
    Ok(format!(
        "no core file, {descriptors} descriptors, {memory} of memory"
    ))
}

fn set(resource: Resource, limit: u64) -> Result<(), String> {
    let limit = Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    };
    setrlimit(resource, limit).map_err(|error| format!("{resource:?}: {error}"))
}

//! What confines a worker, entered before it reads a byte from its guest.
//!
//! A guest that takes its worker over should gain nothing but what it had: its
//! own store. So the worker gives up, in this order, new privileges, resources
//! beyond its limits ([`limits`]), all files but its store's ([`files`]) and all
//! system calls but those that serving takes ([`calls`]). Each of them is
//! inherited by threads that start later; the store, which starts threads of its
//! own, is therefore opened inside.

mod calls;
mod files;
mod limits;

use crate::config::Guest;
use crate::status::Measure;
use std::path::Path;

/// Confines this process. What the kernel does not offer is reported and left
/// out; a warning says so.
///
/// To be called while the process has one thread.
pub fn enter(guest: &Guest, store: &Path) -> Vec<Measure> {
    let measures = vec![
        measure("no new privileges", no_new_privileges()),
        measure("resource limits", limits::apply(guest.memory_limit)),
        measure("landlock", files::confine(store)),
        measure("seccomp", calls::confine()),
    ];
    for measure in &measures {
        if measure.in_force {
            tracing::debug!(detail = measure.detail, "sandbox: {}", measure.name);
        } else {
            tracing::warn!(reason = measure.detail, "the sandbox lacks: {}", measure.name);
        }
    }
    measures
}

fn measure(name: &str, result: Result<String, String>) -> Measure {
    let (in_force, detail) = match result {
        Ok(detail) => (true, detail),
        Err(reason) => (false, reason),
    };
    Measure {
        name: name.into(),
        in_force,
        detail,
    }
}

fn no_new_privileges() -> Result<String, String> {
    rustix::thread::set_no_new_privs(true).map_err(|error| error.to_string())?;
    Ok("execve gives none".into())
}

//! The host runtime of VAMOS: `vamosd`, its workers, and the modules they run.
//!
//! [`supervisor`] starts one [`worker`] process for each guest and looks after
//! it. A worker enters its [sandbox](worker::sandbox) before it reads a byte
//! from its guest, and then serves the guest's lanes in a [`runtime`] of a few
//! threads. What a session on a lane means is the business of a [`module`]; the
//! [store module](store_module) is the first one.
//!
//! This crate knows nothing of SQL, and nothing of how the store keeps its bytes.

#![forbid(unsafe_code)]

pub mod backup;
pub mod config;
pub mod logging;
pub mod module;
pub mod runtime;
pub mod status;
pub mod store_module;
pub mod supervisor;
pub mod worker;

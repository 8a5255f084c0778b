//! The evaluation: what VAMOS costs and gains beside its peers, as raw rows that
//! reports are drawn from.
//!
//! An [`Arm`](arm::Arm) is an engine in a place (natively, or in a guest on some
//! device); a [`Case`](sample::Case) is a workload with its size; one measured
//! run of a case on an arm is a [`Sample`](sample::Sample), a line of the raw file.

pub mod arm;
pub mod dataset;
pub mod native;
pub mod plan;
pub mod sample;
pub mod settings;
pub mod sysbench;
pub mod workload;

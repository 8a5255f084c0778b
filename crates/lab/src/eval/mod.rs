//! The evaluation: what VAMOS costs and gains beside its peers, as raw rows that
//! reports are drawn from.
//!
//! An [`Arm`](arm::Arm) is an engine in a place (natively, or in a guest on some
//! device); a [`Case`](sample::Case) is a workload with its size; one measured
//! run of a case on an arm is a [`Sample`](sample::Sample), a line of the raw
//! file ([`raw`]). [`Runs`](runs::Runs) groups the lines by case and arm;
//! [`goals`] compares them with what VAMOS is to reach; [`report`] draws it all.

pub mod arm;
pub mod dataset;
pub mod goals;
pub mod guest;
pub mod machine;
pub mod measure;
pub mod micro;
pub mod native;
pub mod plan;
mod progress;
pub mod raw;
pub mod recipe;
pub mod report;
pub mod run;
pub mod running;
pub mod runs;
pub mod sample;
pub mod settings;
pub mod slope;
pub mod stats;
pub mod sysbench;
mod tpcc;
pub mod workload;

//! Real data to work with.

pub mod debian_index;

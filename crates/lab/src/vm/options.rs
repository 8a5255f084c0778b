//! What a virtual machine is made of.

use std::path::PathBuf;

use super::{Storage, Vsock};

/// The device that presents the window to the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowDevice {
    /// An NVDIMM.
    Nvdimm,
    /// A virtio-pmem device, as Cloud Hypervisor and Firecracker have it.
    VirtioPmem,
}

/// The shared-memory window: a file that the host side made.
#[derive(Debug, Clone)]
pub struct Window {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes, a multiple of 2 MiB.
    pub bytes: u64,
    /// How the guest sees it.
    pub device: WindowDevice,
}

/// What a virtual machine is made of.
#[derive(Debug, Clone)]
pub struct VmOptions {
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Virtual processors; at least two, for multi-threaded TCG to emit fences.
    pub cpus: u32,
    /// The window, if any.
    pub window: Option<Window>,
    /// vsock, if any.
    pub vsock: Option<Vsock>,
    /// A payload disk, see [`Payload`](crate::payload::Payload).
    pub payload: Option<PathBuf>,
    /// How the guest reaches MariaDB's files.
    pub storage: Storage,
    /// Whether to count kicks: a few hundred instructions of the guest's kernel
    /// for each; of an NVMe disk a line in a file that QEMU writes.
    pub count_kicks: bool,
    /// Whether to count the guest's instructions, which slows it down to about
    /// half. Only emulation can.
    pub count_instructions: bool,
    /// A loopback port that leads to the guest's MariaDB; 0 takes a free one.
    pub mysql_port: Option<u16>,
    /// Further words for the kernel's command line.
    pub kernel_args: String,
}

impl Default for VmOptions {
    fn default() -> Self {
        Self {
            memory_mib: 1024,
            cpus: 2,
            window: None,
            vsock: None,
            payload: None,
            storage: Storage::VirtioBlk,
            count_kicks: true,
            count_instructions: false,
            mysql_port: Some(0),
            kernel_args: String::new(),
        }
    }
}

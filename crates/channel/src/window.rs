//! A window: made by the host, opened by the guest.

use crate::{Layout, WindowError};
use std::os::fd::OwnedFd;
use std::path::Path;

/// A mapped window. A clone is another handle on the same mapping.
#[derive(Clone, Debug)]
pub struct Window(());

impl Window {
    /// Host: makes a window in sealed anonymous memory, to be passed over Unix
    /// sockets.
    ///
    /// # Errors
    /// [`WindowError`] if the kernel gives no memory.
    pub fn create_memfd(_layout: Layout) -> Result<Self, WindowError> {
        todo!()
    }

    /// Host: makes a window in a file that backs a devdax device of the guest,
    /// with the devdax information block at 4096 and the window at 2 MiB. A
    /// file of the right size is used again in place, since a hypervisor may
    /// have it mapped, under a new epoch.
    ///
    /// # Errors
    /// [`WindowError`] if the file cannot be made, or is there with another
    /// size.
    pub fn create_file(_path: &Path, _layout: Layout) -> Result<Self, WindowError> {
        todo!()
    }

    /// Guest: maps a window that was passed as a sealed memfd.
    ///
    /// # Errors
    /// [`WindowError`] if it is not sealed against shrinking, or is no window.
    pub fn open_fd(_fd: OwnedFd) -> Result<Self, WindowError> {
        todo!()
    }

    /// Guest: maps the window behind a devdax device such as `/dev/dax0.0`.
    ///
    /// # Errors
    /// [`WindowError`] if it cannot be opened, or holds no window.
    pub fn open_dax(_path: &Path) -> Result<Self, WindowError> {
        todo!()
    }

    /// Guest: maps a window in a regular file, which starts at `offset`. For
    /// tests, and for hypervisors that share a file with their guest.
    ///
    /// # Errors
    /// [`WindowError`] if it cannot be opened, or holds no window.
    pub fn open_file(_path: &Path, _offset: u64) -> Result<Self, WindowError> {
        todo!()
    }

    /// The number of lanes and the sizes of the rings.
    pub fn layout(&self) -> Layout {
        todo!()
    }

    /// The random id that the window was given when it was made.
    pub fn id(&self) -> [u8; 16] {
        todo!()
    }

    /// The epoch, which changes at each start of the host's worker.
    pub fn epoch(&self) -> u64 {
        todo!()
    }
}

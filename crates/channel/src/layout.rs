//! Where things are in a window.

use crate::WindowError;

/// The version of the window's layout that this code knows.
pub const LAYOUT_VERSION: u32 = 1;

/// How many lanes a window has, and how large their rings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    lanes: u32,
    request_ring: u32,
    response_ring: u32,
}

impl Default for Layout {
    /// 256 lanes with 64 KiB for requests and 256 KiB for responses: 82 MiB,
    /// of which only what is used takes memory.
    fn default() -> Self {
        Self {
            lanes: 256,
            request_ring: 64 << 10,
            response_ring: 256 << 10,
        }
    }
}

impl Layout {
    /// A layout of `lanes` lanes (1 to 4096), with rings of so many bytes (a
    /// power of two from 4 KiB to 1 GiB).
    ///
    /// # Errors
    /// [`WindowError::BadLayout`] names the parameter and what it may be.
    pub fn new(_lanes: u32, _request_ring: u32, _response_ring: u32) -> Result<Self, WindowError> {
        todo!()
    }

    /// The number of lanes.
    pub fn lanes(&self) -> u32 {
        self.lanes
    }

    /// The size of a request ring in bytes.
    pub fn request_ring(&self) -> u32 {
        self.request_ring
    }

    /// The size of a response ring in bytes.
    pub fn response_ring(&self) -> u32 {
        self.response_ring
    }

    /// The size of the window in bytes, a multiple of 2 MiB.
    pub fn window_size(&self) -> u64 {
        todo!()
    }

    /// The size of the file behind a devdax device with this window, in bytes:
    /// 2 MiB more, for the information block.
    pub fn file_size(&self) -> u64 {
        todo!()
    }
}

//! Where things are in a window, and the header that says so.
//!
//! A window is: a header of one page, a table of lanes with the control blocks
//! of each lane's two rings, then, from the next page on, the rings' bytes,
//! request ring and response ring of lane 0, of lane 1 and so on.

use crate::WindowError;
use crate::ring::Word;
use crate::shared::{CELL, CONTROL, Mapping, RingMap};
use std::sync::Arc;

/// The version of the window's layout that this code knows.
pub const LAYOUT_VERSION: u32 = 1;

/// `VAMOSWIN` as it is in memory.
const MAGIC: u64 = u64::from_le_bytes(*b"VAMOSWIN");
/// What the kernel aligns persistent memory to.
const HUGE_PAGE: u64 = 2 << 20;
const PAGE: u64 = 4096;
const LANE_TABLE: u64 = PAGE;
/// A lane's entry in the table: the control blocks of its two rings.
const LANE_ENTRY: u64 = 2 * CONTROL as u64;
const MAX_LANES: u32 = 4096;
const RING_SIZES: std::ops::RangeInclusive<u32> = 4 << 10..=1 << 30;

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
    pub fn new(lanes: u32, request_ring: u32, response_ring: u32) -> Result<Self, WindowError> {
        if !(1..=MAX_LANES).contains(&lanes) {
            let rule = "there must be 1 to 4096";
            return Err(WindowError::BadLayout {
                what: "a number of lanes",
                value: lanes.into(),
                rule,
            });
        }
        for (what, size) in [
            ("a request ring", request_ring),
            ("a response ring", response_ring),
        ] {
            if !size.is_power_of_two() || !RING_SIZES.contains(&size) {
                let rule = "it must be a power of two from 4096 to 1073741824 bytes";
                return Err(WindowError::BadLayout {
                    what,
                    value: size.into(),
                    rule,
                });
            }
        }
        Ok(Self {
            lanes,
            request_ring,
            response_ring,
        })
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
        // 4096 lanes of 2 GiB are 2^43: far from overflow.
        (self.rings() + u64::from(self.lanes) * self.lane_bytes()).next_multiple_of(HUGE_PAGE)
    }

    /// The size of the file behind a devdax device with this window, in bytes:
    /// 2 MiB more, for the information block.
    pub fn file_size(&self) -> u64 {
        crate::devdax::DATA_OFFSET + self.window_size()
    }

    fn lane_bytes(&self) -> u64 {
        u64::from(self.request_ring) + u64::from(self.response_ring)
    }

    fn rings(&self) -> u64 {
        (LANE_TABLE + u64::from(self.lanes) * LANE_ENTRY).next_multiple_of(PAGE)
    }

    /// The request ring and the response ring of a lane; `None` if the index
    /// or the mapping is too small for it.
    pub(crate) fn lane(&self, mapping: &Arc<Mapping>, index: u32) -> Option<LaneRings> {
        if index >= self.lanes {
            return None;
        }
        let control = usize::try_from(LANE_TABLE + u64::from(index) * LANE_ENTRY).ok()?;
        let data = usize::try_from(self.rings() + u64::from(index) * self.lane_bytes()).ok()?;
        let (request, response) = (self.request_ring as usize, self.response_ring as usize);
        Some(LaneRings {
            request: mapping.ring(control, data, request)?,
            response: mapping.ring(control + CONTROL, data + request, response)?,
        })
    }
}

/// The two rings of a lane.
#[derive(Clone, Debug)]
pub(crate) struct LaneRings {
    pub(crate) request: RingMap,
    pub(crate) response: RingMap,
}

impl LaneRings {
    /// Host: makes both rings empty for a new guest.
    pub(crate) fn reset(&self) {
        use crate::ring::RingMemory;
        for ring in [&self.request, &self.response] {
            for word in Word::ALL {
                ring.store(word, 0, std::sync::atomic::Ordering::SeqCst);
            }
        }
    }
}

/// What a window's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowHeader {
    pub(crate) layout: Layout,
    pub(crate) id: [u8; 16],
    pub(crate) epoch: u64,
}

/// The header's words: the offset of each is 8 times its place.
const EPOCH_WORD: usize = 5;
const WORDS: usize = 11;

impl WindowHeader {
    fn words(&self) -> [u64; WORDS] {
        let layout = &self.layout;
        let (id, _) = self.id.as_chunks::<8>();
        [
            MAGIC,
            u64::from(LAYOUT_VERSION),
            layout.window_size(),
            u64::from_ne_bytes(id[0]),
            u64::from_ne_bytes(id[1]),
            self.epoch,
            u64::from(layout.lanes),
            LANE_TABLE,
            layout.rings(),
            u64::from(layout.request_ring),
            u64::from(layout.response_ring),
        ]
    }

    /// Host: writes the header, the magic last.
    pub(crate) fn store(&self, mapping: &Mapping) -> Option<()> {
        let words = self.words();
        mapping.store(0, 0)?;
        for (place, word) in words.iter().enumerate().skip(1) {
            mapping.store(8 * place, *word)?;
        }
        mapping.store(0, words[0])
    }

    /// Copies the header out and checks that it is consistent in itself and
    /// with the mapping.
    pub(crate) fn load(mapping: &Mapping) -> Result<Self, WindowError> {
        let mut words = [0; WORDS];
        for (place, word) in words.iter_mut().enumerate() {
            *word = mapping.load(8 * place).ok_or(WindowError::NoMagic(0))?;
        }
        if words[0] != MAGIC {
            return Err(WindowError::NoMagic(words[0]));
        }
        if words[1] != u64::from(LAYOUT_VERSION) {
            return Err(WindowError::LayoutVersion {
                found: words[1],
                known: LAYOUT_VERSION,
            });
        }
        let number = |place: usize| u32::try_from(words[place]).unwrap_or(0);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&words[3].to_ne_bytes());
        id[8..].copy_from_slice(&words[4].to_ne_bytes());
        let layout = Layout::new(number(6), number(9), number(10))?;
        let header = Self {
            layout,
            id,
            epoch: words[EPOCH_WORD],
        };
        header.check(&words, mapping)?;
        Ok(header)
    }

    fn check(&self, words: &[u64; WORDS], mapping: &Mapping) -> Result<(), WindowError> {
        let names = [
            "",
            "",
            "the window's size",
            "",
            "",
            "",
            "",
            "the lane table's offset",
            "the rings' offset",
            "",
            "",
        ];
        for ((&found, expected), what) in words.iter().zip(self.words()).zip(names) {
            if found != expected {
                return Err(WindowError::Inconsistent {
                    what,
                    found,
                    expected,
                });
            }
        }
        let (mapped, size) = (mapping.length() as u64, self.layout.window_size());
        if mapped < size {
            return Err(WindowError::Inconsistent {
                what: "the window's size",
                found: size,
                expected: mapped,
            });
        }
        Ok(())
    }
}

/// The epoch as it is now in a window.
pub(crate) fn epoch(mapping: &Mapping) -> Option<u64> {
    mapping.load(8 * EPOCH_WORD)
}

const _: () = assert!(LANE_TABLE as usize >= 8 * WORDS && LANE_ENTRY as usize == 8 * CELL);

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn the_default_window_has_82_mib() {
        assert_eq!(Layout::default().window_size(), 82 << 20);
        assert_eq!(Layout::default().file_size(), 84 << 20);
    }

    #[test]
    fn impossible_layouts_are_refused() {
        assert!(Layout::new(0, 4096, 4096).is_err());
        assert!(Layout::new(4097, 4096, 4096).is_err());
        assert!(Layout::new(1, 2048, 4096).is_err());
        assert!(Layout::new(1, 4096, 5000).is_err());
        assert!(Layout::new(1, 4096, 1 << 31).is_err());
        assert_eq!(Layout::new(1, 4096, 4096).unwrap().window_size(), 2 << 20);
    }
}

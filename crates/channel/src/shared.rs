//! Access to memory that the other side may write at any time. All of the
//! `unsafe` that touches a window is here; `SAFETY.md` has the invariants.

use crate::ring::{RingMemory, Word};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::fmt;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Cells of a ring's control block are this far apart: two cache lines, since
/// processors fetch them in pairs.
pub(crate) const CELL: usize = 128;

/// The bytes of one ring's control block.
pub(crate) const CONTROL: usize = 4 * CELL;

/// A shared mapping, unmapped on drop.
pub(crate) struct Mapping {
    base: NonNull<u8>,
    length: usize,
}

// SAFETY: a mapping is plain memory of the process, tied to no thread, and it
// is accessed through atomics only.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping").field("length", &self.length).finish()
    }
}

impl Mapping {
    /// Maps `length` bytes of the file from `offset`, shared, to read and write.
    pub(crate) fn new(fd: BorrowedFd<'_>, offset: u64, length: usize) -> rustix::io::Result<Self> {
        let flags = MapFlags::SHARED;
        // SAFETY: the kernel chooses an address that nothing else uses.
        let base = unsafe {
            mmap(
                std::ptr::null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                flags,
                fd,
                offset,
            )?
        };
        let base = NonNull::new(base.cast()).ok_or(rustix::io::Errno::NOMEM)?;
        Ok(Self { base, length })
    }

    /// The length in bytes.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The word at a byte offset; `None` outside the mapping or unaligned.
    pub(crate) fn load(&self, offset: usize) -> Option<u64> {
        Some(self.word(offset)?.load(Ordering::Acquire))
    }

    /// Writes the word at a byte offset; `None` outside the mapping or unaligned.
    pub(crate) fn store(&self, offset: usize, value: u64) -> Option<()> {
        self.word(offset)?.store(value, Ordering::Release);
        Some(())
    }

    /// The one kind of reference into a window: to an atomic word, which
    /// promises nothing about its value, for one access.
    fn word(&self, offset: usize) -> Option<&AtomicU64> {
        let inside = offset.is_multiple_of(8) && offset.checked_add(8)? <= self.length;
        // SAFETY: the word is inside the mapping, which lives as long as
        // `self`, and aligned, since the mapping starts on a page; all access
        // to the mapping is atomic.
        inside.then(|| unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(offset).cast()) })
    }

    /// The ring whose control block and bytes are at these offsets; `None` if
    /// they are not all inside the mapping, or misaligned, or the capacity is
    /// not a power of two.
    pub(crate) fn ring(self: &Arc<Self>, control: usize, data: usize, capacity: usize) -> Option<RingMap> {
        let aligned = control.is_multiple_of(CELL) && data.is_multiple_of(8) && capacity >= 8;
        let inside =
            control.checked_add(CONTROL)? <= self.length && data.checked_add(capacity)? <= self.length;
        (aligned && inside && capacity.is_power_of_two()).then(|| RingMap {
            mapping: Arc::clone(self),
            control,
            data,
            mask: capacity - 1,
        })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `base` and `length` are what mmap gave, and nothing can
        // point into the mapping any more: rings hold an Arc of it.
        // The kernel can refuse only what was not mapped.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.length) };
    }
}

/// One ring in a mapping.
///
/// Invariants: `control .. control + CONTROL` and `data ..= data + mask` are
/// inside the mapping, `control` and `data` are multiples of 8, and `mask + 1`
/// is a power of two of at least 8.
#[derive(Clone, Debug)]
pub(crate) struct RingMap {
    mapping: Arc<Mapping>,
    control: usize,
    data: usize,
    mask: usize,
}

impl RingMap {
    fn cell(&self, word: Word) -> &AtomicU64 {
        let offset = self.control + CELL * word as usize;
        // SAFETY: `Word` has four values, so the cell is in the control block,
        // which is inside the mapping and aligned (invariants); all access to
        // the mapping is atomic.
        unsafe { AtomicU64::from_ptr(self.mapping.base.as_ptr().add(offset).cast()) }
    }

    /// The ring's word that holds the byte at `position`, wherever that is.
    fn slot(&self, position: usize) -> &AtomicU64 {
        let offset = self.data + (position & self.mask & !7);
        // SAFETY: masked and rounded down to 8, the offset is a multiple of 8
        // and at least 8 bytes before the ring's end, which is inside the
        // mapping (invariants); all access to the mapping is atomic.
        unsafe { AtomicU64::from_ptr(self.mapping.base.as_ptr().add(offset).cast()) }
    }
}

// SAFETY: `read` initialises every byte: the whole words, then the rest.
unsafe impl RingMemory for RingMap {
    fn capacity(&self) -> u64 {
        self.mask as u64 + 1
    }

    fn load(&self, word: Word, order: Ordering) -> u64 {
        self.cell(word).load(order)
    }

    fn store(&self, word: Word, value: u64, order: Ordering) {
        self.cell(word).store(value, order);
    }

    fn write(&self, position: u64, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        // A ring is smaller than the address space, so the cut does no harm.
        let mut at = position as usize;
        for word in words {
            self.slot(at).store(u64::from_ne_bytes(*word), Ordering::Relaxed);
            at = at.wrapping_add(8);
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.slot(at).store(u64::from_ne_bytes(last), Ordering::Relaxed);
        }
    }

    #[cfg(all(target_arch = "x86_64", not(miri)))]
    fn prepare(&self, position: u64) {
        /// A short message's: more are fetched by the processor itself as they are written.
        const LINES: usize = 3;
        for line in 0..LINES {
            let slot = self.slot((position as usize).wrapping_add(line * 64)).as_ptr();
            // SAFETY: a hint, which reads and writes nothing; processors without it take it
            // for no operation (Intel SDM, PREFETCHW).
            unsafe { std::arch::asm!("prefetchw [{}]", in(reg) slot, options(nostack, preserves_flags)) };
        }
    }

    fn read(&self, position: u64, out: &mut [MaybeUninit<u8>]) {
        let (words, rest) = out.as_chunks_mut::<8>();
        let mut at = position as usize;
        for word in words {
            *word = self
                .slot(at)
                .load(Ordering::Relaxed)
                .to_ne_bytes()
                .map(MaybeUninit::new);
            at = at.wrapping_add(8);
        }
        if !rest.is_empty() {
            let last = self
                .slot(at)
                .load(Ordering::Relaxed)
                .to_ne_bytes()
                .map(MaybeUninit::new);
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }
}

/// Appends `length` bytes of a ring from `position`, a multiple of 8.
pub(crate) fn append_from<M: RingMemory>(memory: &M, position: u64, length: usize, out: &mut Vec<u8>) {
    out.reserve(length);
    let former = out.len();
    memory.read(position, &mut out.spare_capacity_mut()[..length]);
    // SAFETY: the capacity was reserved, and `read` initialises all of the
    // slice that it is given, as implementors of `RingMemory` promise.
    unsafe { out.set_len(former + length) };
}

/// Copies `N` bytes of a ring from `position`, a multiple of 8.
pub(crate) fn copy_from<M: RingMemory, const N: usize>(memory: &M, position: u64) -> [u8; N] {
    let mut bytes = [MaybeUninit::new(0); N];
    memory.read(position, &mut bytes);
    // SAFETY: all bytes have been initialised since the array was made.
    bytes.map(|byte| unsafe { byte.assume_init() })
}

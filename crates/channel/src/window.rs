//! A window: made by the host, opened by the guest.

use crate::devdax::{self, BLOCK, BLOCK_OFFSET, DATA_OFFSET};
use crate::layout::{LaneRings, WindowHeader, epoch};
use crate::shared::Mapping;
use crate::{Layout, WindowError};
use rustix::fs::{MemfdFlags, SealFlags};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// A mapped window. A clone is another handle on the same mapping.
///
/// What its header said when it was made or opened is kept here and never read
/// again from the window, except for the epoch, by which a guest notices that
/// the host has started anew.
#[derive(Clone, Debug)]
pub struct Window {
    mapping: Arc<Mapping>,
    header: WindowHeader,
    file: Arc<File>,
    kind: Kind,
}

/// How a window came to be here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Made by this host, to be passed over a Unix socket.
    Memfd,
    /// Made by this host, for a device of its guest.
    Device,
    /// Passed to this guest: host and guest are on one kernel.
    Passed,
    /// Opened by this guest, as a device or a file.
    Opened,
}

impl Window {
    /// Host: makes a window in sealed anonymous memory, to be passed over Unix
    /// sockets.
    ///
    /// # Errors
    /// [`WindowError`] if the kernel gives no memory.
    pub fn create_memfd(layout: Layout) -> Result<Self, WindowError> {
        let name = Path::new("vamos-window");
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let fd = rustix::fs::memfd_create("vamos-window", flags).map_err(failed("create", name))?;
        rustix::fs::ftruncate(&fd, layout.window_size()).map_err(failed("size", name))?;
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&fd, seals).map_err(failed("seal", name))?;
        let mapping = map(fd.as_fd(), name, 0, layout.window_size())?;
        let header = WindowHeader {
            layout,
            id: random()?,
            epoch: new_epoch()?,
        };
        Self::create(mapping, header, File::from(fd), Kind::Memfd)
    }

    /// Host: makes a window in a file that backs a devdax device of the guest,
    /// with the devdax information block at 4096 and the window at 2 MiB. A
    /// file of the right size is used again in place, since a hypervisor may
    /// have it mapped, under a new epoch. The file is locked as long as the
    /// window is in use. It should be on a tmpfs such as /dev/shm: elsewhere
    /// the kernel keeps writing it back to the disk.
    ///
    /// # Errors
    /// [`WindowError`] if the file cannot be made, or is there with another
    /// size, or another process uses it.
    pub fn create_file(path: &Path, layout: Layout) -> Result<Self, WindowError> {
        let file = open_locked(path, layout.file_size())?;
        let mapping = map(file.as_fd(), path, DATA_OFFSET, layout.window_size())?;
        // A former life's id is kept where there is one. The guest may have
        // written anything there: the id is only ever compared.
        let former = WindowHeader::load(&mapping)
            .ok()
            .map(|header| header.id)
            .filter(|id| *id != [0; 16]);
        let id = match former {
            Some(id) => id,
            None => random()?,
        };
        write_info_block(&file, id, layout).map_err(failed("write the information block of", path))?;
        Self::create(
            mapping,
            WindowHeader {
                layout,
                id,
                epoch: new_epoch()?,
            },
            file,
            Kind::Device,
        )
    }

    fn create(mapping: Mapping, header: WindowHeader, file: File, kind: Kind) -> Result<Self, WindowError> {
        // The mapping has the layout's size, so the header is inside it.
        header.store(&mapping).ok_or(WindowError::NoMagic(0))?;
        Ok(Self {
            mapping: Arc::new(mapping),
            header,
            file: Arc::new(file),
            kind,
        })
    }

    /// Guest: maps a window that was passed as a sealed memfd.
    ///
    /// # Errors
    /// [`WindowError`] if it is not sealed against shrinking, or is no window.
    pub fn open_fd(fd: OwnedFd) -> Result<Self, WindowError> {
        let seals = rustix::fs::fcntl_get_seals(&fd).map_err(|_| WindowError::NotSealed)?;
        // A file that could shrink under our mapping would kill us with SIGBUS.
        if !seals.contains(SealFlags::SHRINK) {
            return Err(WindowError::NotSealed);
        }
        let name = Path::new("the window that the host passed");
        let file = File::from(fd);
        let size = file.metadata().map_err(failed("look at", name))?.len();
        Ok(Self {
            kind: Kind::Passed,
            ..Self::open(file, name, 0, size)?
        })
    }

    /// Guest: maps the window behind a devdax device such as `/dev/dax0.0`.
    ///
    /// # Errors
    /// [`WindowError`] if it cannot be opened, or holds no window.
    pub fn open_dax(path: &Path) -> Result<Self, WindowError> {
        let size = devdax::device_size(path).map_err(failed("find the size of", path))?;
        Self::open(open_shared(path)?, path, 0, size)
    }

    /// Guest: maps a window in a regular file, which starts at `offset`, a
    /// multiple of 4096. For tests, and for hypervisors that share a file with
    /// their guest: a file that is truncated kills who has it mapped.
    ///
    /// # Errors
    /// [`WindowError`] if it cannot be opened, or holds no window.
    pub fn open_file(path: &Path, offset: u64) -> Result<Self, WindowError> {
        let file = open_shared(path)?;
        let size = file.metadata().map_err(failed("look at", path))?.len();
        Self::open(file, path, offset, size.saturating_sub(offset))
    }

    fn open(file: File, path: &Path, offset: u64, size: u64) -> Result<Self, WindowError> {
        let mapping = match known::find(&file, offset, size) {
            Some(mapping) => mapping,
            None => known::remember(&file, offset, map(file.as_fd(), path, offset, size)?),
        };
        let header = WindowHeader::load(&mapping)?;
        Ok(Self {
            mapping,
            header,
            file: Arc::new(file),
            kind: Kind::Opened,
        })
    }

    /// The number of lanes and the sizes of the rings.
    pub fn layout(&self) -> Layout {
        self.header.layout
    }

    /// The random id that the window was given when it was made.
    pub fn id(&self) -> [u8; 16] {
        self.header.id
    }

    /// The epoch, which is another one after each start of the host's worker.
    pub fn epoch(&self) -> u64 {
        self.header.epoch
    }

    /// Guest: whether the host has started anew since the window was opened.
    pub(crate) fn is_superseded(&self) -> bool {
        epoch(&self.mapping) != Some(self.header.epoch)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// What to pass to a guest.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The rings of a lane; `None` if there is no such lane.
    pub(crate) fn lane(&self, index: u32) -> Option<LaneRings> {
        self.header.layout.lane(&self.mapping, index)
    }

    /// The same memory always has the same key.
    pub(crate) fn key(&self) -> usize {
        Arc::as_ptr(&self.mapping) as usize
    }
}

fn map(fd: BorrowedFd<'_>, path: &Path, offset: u64, size: u64) -> Result<Mapping, WindowError> {
    let length = usize::try_from(size)
        .map_err(|_| too_large())
        .map_err(failed("map", path))?;
    Mapping::new(fd, offset, length).map_err(failed("map", path))
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is larger than the address space")
}

fn open_shared(path: &Path) -> Result<File, WindowError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed("open", path))
}

fn open_locked(path: &Path, size: u64) -> Result<File, WindowError> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    let file = options.open(path).map_err(failed("open", path))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(failed("lock (another worker may use it)", path))?;
    let actual = file.metadata().map_err(failed("look at", path))?.size();
    match actual {
        0 => file.set_len(size).map_err(failed("size", path))?,
        _ if actual == size => {}
        _ => {
            return Err(WindowError::FileSize {
                path: path.to_owned(),
                actual,
                wanted: size,
            });
        }
    }
    Ok(file)
}

fn write_info_block(file: &File, uuid: [u8; 16], layout: Layout) -> io::Result<()> {
    let block = devdax::info_block(uuid, layout.file_size());
    let mut former = [0; BLOCK];
    file.read_exact_at(&mut former, BLOCK_OFFSET)?;
    if former == block {
        Ok(())
    } else {
        file.write_all_at(&block, BLOCK_OFFSET)
    }
}

fn random<const N: usize>() -> Result<[u8; N], WindowError> {
    let mut bytes = [0; N];
    // The kernel gives up to 256 bytes whole.
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(failed("read random bytes for", Path::new("the window's id")))?;
    Ok(bytes)
}

fn new_epoch() -> Result<u64, WindowError> {
    // Random, and not the former one plus 1: a guest may have written there.
    Ok(u64::from_ne_bytes(random()?))
}

fn failed<E: Into<io::Error>>(action: &'static str, path: &Path) -> impl FnOnce(E) -> WindowError {
    move |source| WindowError::File {
        action,
        path: path.to_owned(),
        source: source.into(),
    }
}

/// The windows that this process has open, so that its lanes share a mapping,
/// and can tell that they share it.
mod known {
    use super::Mapping;
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

    /// Device, inode, device number, offset. An inode's number is not given
    /// anew as long as it is mapped, which the weak reference tells.
    type Key = (u64, u64, u64, u64);
    static KNOWN: Mutex<BTreeMap<Key, Weak<Mapping>>> = Mutex::new(BTreeMap::new());

    fn lock() -> MutexGuard<'static, BTreeMap<Key, Weak<Mapping>>> {
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(file: &File, offset: u64) -> Option<Key> {
        let metadata = file.metadata().ok()?;
        Some((metadata.dev(), metadata.ino(), metadata.rdev(), offset))
    }

    pub(super) fn find(file: &File, offset: u64, size: u64) -> Option<Arc<Mapping>> {
        let mapping = lock().get(&key(file, offset)?)?.upgrade()?;
        (mapping.length() as u64 == size).then_some(mapping)
    }

    /// Remembers a mapping, unless another thread was faster: then that one's
    /// is returned.
    pub(super) fn remember(file: &File, offset: u64, mapping: Mapping) -> Arc<Mapping> {
        let Some(key) = key(file, offset) else {
            return Arc::new(mapping);
        };
        let mut known = lock();
        known.retain(|_, mapping| mapping.strong_count() > 0);
        if let Some(other) = known.get(&key).and_then(Weak::upgrade)
            && other.length() == mapping.length()
        {
            return other;
        }
        let mapping = Arc::new(mapping);
        known.insert(key, Arc::downgrade(&mapping));
        mapping
    }
}

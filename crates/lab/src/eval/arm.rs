//! The arms: which engine runs where.

use std::fmt;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// A storage engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// MariaDB's own.
    InnoDb,
    /// RocksDB within MariaDB.
    MyRocks,
    /// Ours: the store on the host.
    Vamos,
}

impl Engine {
    /// As `ENGINE=` has it.
    #[must_use]
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::InnoDb => "InnoDB",
            Self::MyRocks => "ROCKSDB",
            Self::Vamos => "VAMOS",
        }
    }

    /// As people call it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::InnoDb => "InnoDB",
            Self::MyRocks => "MyRocks",
            Self::Vamos => "VAMOS",
        }
    }
}

/// What runs the guest, and so how its figures are biased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bed {
    /// No guest: everything on this machine.
    Native,
    /// QEMU with hardware virtualization.
    Kvm,
    /// QEMU emulating the guest's instructions: counts are right, times are not.
    Tcg,
    /// User-mode Linux: guest user code is native, its kernel is slow.
    Uml,
}

impl Bed {
    /// Its short name, as in raw rows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
            Self::Uml => "uml",
        }
    }

    /// As people call it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Kvm => "QEMU, KVM",
            Self::Tcg => "QEMU, emulated",
            Self::Uml => "User-mode Linux",
        }
    }

    /// How the bed distorts figures, for the reader of a report.
    #[must_use]
    pub fn bias(self) -> &'static str {
        match self {
            Self::Native => "no guest; times are this machine's",
            Self::Kvm => "hardware virtualization; times are this machine's",
            Self::Tcg => {
                "counts and guest instructions are right; guest code is 6 to 10 times \
                 slower and host code is not, which flatters whatever moves work to the host"
            }
            Self::Uml => {
                "guest user code is native; system calls, page faults, wake-ups and \
                 I/O of the guest are dearer than with hardware"
            }
        }
    }
}

/// How an engine reaches its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// Files of this machine, without a guest.
    Files,
    /// VAMOS without a guest: a Unix socket and a shared memfd.
    Unix,
    /// A virtio-blk disk, iothread, cache=none.
    VirtioBlk,
    /// A disk on a virtio-scsi controller, iothread, cache=none.
    VirtioScsi,
    /// An emulated NVMe disk, cache=none.
    Nvme,
    /// A directory of the host, by virtio-fs.
    VirtioFs,
    /// A directory of the host, by 9p.
    NineP,
    /// VAMOS through the shared window.
    Window,
    /// VAMOS through vsock alone, without a window.
    Stream,
    /// VAMOS through the window with polling off: every hand-over rings.
    WindowUnpolled,
}

/// An engine in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Arm {
    /// The engine.
    pub engine: Engine,
    /// How it reaches its storage.
    pub path: Path,
}

/// Every arm with its name.
const ARMS: &[(&str, Engine, Path)] = &[
    ("innodb", Engine::InnoDb, Path::Files),
    ("myrocks", Engine::MyRocks, Path::Files),
    ("vamos-unix", Engine::Vamos, Path::Unix),
    ("innodb-blk", Engine::InnoDb, Path::VirtioBlk),
    ("innodb-scsi", Engine::InnoDb, Path::VirtioScsi),
    ("innodb-nvme", Engine::InnoDb, Path::Nvme),
    ("innodb-fs", Engine::InnoDb, Path::VirtioFs),
    ("innodb-9p", Engine::InnoDb, Path::NineP),
    ("myrocks-blk", Engine::MyRocks, Path::VirtioBlk),
    ("myrocks-scsi", Engine::MyRocks, Path::VirtioScsi),
    ("myrocks-nvme", Engine::MyRocks, Path::Nvme),
    ("myrocks-fs", Engine::MyRocks, Path::VirtioFs),
    ("myrocks-9p", Engine::MyRocks, Path::NineP),
    ("vamos", Engine::Vamos, Path::Window),
    ("vamos-stream", Engine::Vamos, Path::Stream),
    ("vamos-unpolled", Engine::Vamos, Path::WindowUnpolled),
];

impl Arm {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        ARMS.iter().map(|&(_, engine, path)| Self { engine, path })
    }

    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none: with the names there are.
    pub fn named(name: &str) -> Result<Self> {
        if let Some(&(_, engine, path)) = ARMS.iter().find(|arm| arm.0 == name) {
            return Ok(Self { engine, path });
        }
        let names: Vec<&str> = ARMS.iter().map(|arm| arm.0).collect();
        bail!("there is no arm {name:?}: choose from {}", names.join(", "))
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        ARMS.iter()
            .find(|arm| (arm.1, arm.2) == (self.engine, self.path))
            .map_or("?", |arm| arm.0)
    }

    /// Whether it runs in a guest.
    #[must_use]
    pub fn is_guest(self) -> bool {
        !matches!(self.path, Path::Files | Path::Unix)
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arm_is_found_by_its_name() {
        for arm in Arm::all() {
            assert_eq!(Arm::named(arm.name()).expect("named"), arm);
        }
        let error = Arm::named("oracle").expect_err("no such arm").to_string();
        assert!(error.contains("innodb-blk"), "{error}");
    }
}

//! How the guest reaches MariaDB's files.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, bail};

use super::disk::cache_args;
use crate::{process::Process, run_dir::RunDir, switches::TraceLog};

/// Serves virtio-fs; part of Debian's qemu-system-common.
const VIRTIOFSD: &str = "/usr/lib/qemu/virtiofsd";

/// What QEMU traces for each doorbell of an NVMe disk: of its submission and of
/// its completion queues.
const NVME_DOORBELLS: &str = "pci_nvme_mmio_doorbell_?q";

/// The device on which MariaDB's files are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Storage {
    /// A virtio-blk disk with an I/O thread of its own.
    #[default]
    VirtioBlk,
    /// A disk on a virtio-scsi controller with an I/O thread of its own.
    VirtioScsi,
    /// An emulated NVMe disk.
    Nvme,
    /// A directory of the host, by virtio-fs.
    VirtioFs,
    /// A directory of the host, by 9p.
    NineP,
}

impl Storage {
    /// Whether the files lie in a directory of the host, and not on a disk.
    #[must_use]
    pub fn is_directory(self) -> bool {
        matches!(self, Self::VirtioFs | Self::NineP)
    }

    /// Why there can be none in a guest of ours, where that is so.
    #[must_use]
    pub fn unavailable(self) -> Option<String> {
        match self {
            Self::NineP => Some("Debian's kernel for clouds is built without 9p".to_owned()),
            Self::VirtioFs if !Path::new(VIRTIOFSD).exists() => Some(format!(
                "there is no {VIRTIOFSD}: this needs QEMU 7.2 of Debian 12"
            )),
            _ => None,
        }
    }

    /// What `vamos-init` is told about it.
    pub(super) fn guest_name(self) -> &'static str {
        match self {
            Self::VirtioBlk | Self::VirtioScsi | Self::Nvme => "block",
            Self::VirtioFs => "virtiofs",
            Self::NineP => "9p",
        }
    }

    /// Prints the name of the device in the guest, as the kernel has it.
    pub(super) fn name_script(self) -> &'static str {
        match self {
            Self::VirtioBlk | Self::Nvme => {
                "disk=$(basename $(readlink -f /dev/disk/by-label/data)); \
                 basename $(readlink -f /sys/class/block/$disk/device)"
            }
            Self::VirtioScsi => "cd /sys/bus/virtio/drivers/virtio_scsi && ls -d virtio*",
            Self::VirtioFs => "cd /sys/bus/virtio/drivers/virtiofs && ls -d virtio*",
            Self::NineP => "cd /sys/bus/virtio/drivers/9pnet_virtio && ls -d virtio*",
        }
    }

    /// QEMU's options for the device.
    pub(super) fn qemu_args(self, dir: &RunDir, path: &Path) -> Vec<String> {
        let cache = if self.is_directory() { "" } else { cache_args(path) };
        let drive = format!("if=none,id=data,format=raw,file={},{cache}", path.display());
        let args: Vec<String> = match self {
            Self::VirtioBlk => vec![
                "-object".into(),
                "iothread,id=data-io".into(),
                "-drive".into(),
                drive,
                "-device".into(),
                "virtio-blk-pci,drive=data,serial=data,iothread=data-io".into(),
            ],
            Self::VirtioScsi => vec![
                "-object".into(),
                "iothread,id=data-io".into(),
                "-drive".into(),
                drive,
                "-device".into(),
                "virtio-scsi-pci,iothread=data-io".into(),
                "-device".into(),
                "scsi-hd,drive=data,serial=data".into(),
            ],
            Self::Nvme => vec![
                "-drive".into(),
                drive,
                "-device".into(),
                "nvme,drive=data,serial=data".into(),
            ],
            Self::VirtioFs => vec![
                "-chardev".into(),
                format!("socket,id=data,path={}", dir.file("fs.sock").display()),
                "-device".into(),
                "vhost-user-fs-pci,chardev=data,tag=data".into(),
            ],
            Self::NineP => vec![
                "-fsdev".into(),
                format!("local,id=data,security_model=passthrough,path={}", path.display()),
                "-device".into(),
                "virtio-9p-pci,fsdev=data,mount_tag=data".into(),
            ],
        };
        args
    }

    /// QEMU's options for tracing kicks that the guest's kernel can't count.
    pub(super) fn trace_args(self, dir: &RunDir) -> Vec<String> {
        match self {
            Self::Nvme => vec![
                "-trace".into(),
                format!("enable={NVME_DOORBELLS}"),
                "-D".into(),
                dir.file("trace.log").display().to_string(),
            ],
            _ => Vec::new(),
        }
    }

    /// The log that [`trace_args`](Self::trace_args) makes QEMU write.
    pub(super) fn trace_log(self, dir: &RunDir) -> Option<TraceLog> {
        (self == Self::Nvme).then(|| TraceLog::new(&dir.file("trace.log"), "pci_nvme_mmio_doorbell_"))
    }

    /// Starts what serves the device, if that is a process.
    pub(super) fn start(self, dir: &RunDir, path: &Path) -> Result<Option<Process>> {
        if let Some(why) = self.unavailable() {
            bail!(why);
        }
        if self != Self::VirtioFs {
            return Ok(None);
        }
        let socket = dir.file("fs.sock");
        let _ = fs::remove_file(&socket);
        let mut command = Command::new(VIRTIOFSD);
        command
            .arg(format!("--socket-path={}", socket.display()))
            .arg("-o")
            .arg(format!("source={}", path.display()))
            // As with cache=none, what is read directly in the guest is read
            // directly on the host.
            .args(["-o", "sandbox=chroot,allow_direct_io,cache=auto,xattr"]);
        let mut process =
            Process::start("virtiofsd", command, &dir.file("virtiofsd.log")).context("virtio-fs")?;
        process.wait_until("listening", Duration::from_secs(10), || socket.exists())?;
        Ok(Some(process))
    }
}

//! QEMU's command line.

use std::{path::Path, process::Command};

use super::{Accelerator, Parts, VmOptions, Window, WindowDevice, exits};
use crate::{image::GuestImage, run_dir::RunDir};

/// The command that starts the guest.
pub(super) fn command(parts: &Parts<'_>) -> Command {
    let (dir, options) = (parts.dir, parts.options);
    let mut qemu = Command::new("qemu-system-x86_64");
    // Where QEMU keeps what the guest writes to its root disk.
    qemu.env("TMPDIR", dir.path());
    qemu.args([
        "-name",
        "vamos-guest,debug-threads=on",
        "-nodefaults",
        "-no-user-config",
    ]);
    qemu.args(["-display", "none", "-serial", "stdio", "-no-reboot"]);
    qemu.args(parts.accelerator.qemu_args());
    memory(&mut qemu, options);
    kernel(&mut qemu, parts.image, options);
    disks(&mut qemu, parts);
    agent_port(&mut qemu, dir);
    if let Some(window) = &options.window {
        self::window(&mut qemu, window);
    }
    if let Some(vsock) = &options.vsock {
        qemu.args(vsock.qemu_args(dir));
    }
    if let Some(port) = options.mysql_port {
        qemu.arg("-netdev")
            .arg(format!(
                "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:3306"
            ))
            .args(["-device", "virtio-net-pci,netdev=net,romfile="]);
    }
    if options.count_kicks {
        qemu.args(options.storage.trace_args(dir));
    }
    if let Some(counter) = parts.counter {
        qemu.args(counter.qemu_args());
    }
    if parts.accelerator == Accelerator::Kvm {
        qemu.args(exits::qemu_args(&dir.file("qmp.sock")));
    }
    qemu.args(["-device", "virtio-rng-pci"]);
    qemu
}

/// Memory that vhost-user devices can share, with room for a window.
fn memory(qemu: &mut Command, options: &VmOptions) {
    let mib = options.memory_mib;
    qemu.args(["-machine", "q35,nvdimm=on,memory-backend=ram"])
        .arg("-m")
        .arg(format!("{mib}M,slots=4,maxmem={}M", mib + 4096))
        .arg("-object")
        .arg(format!("memory-backend-memfd,id=ram,size={mib}M,share=on"))
        .arg("-smp")
        .arg(options.cpus.to_string());
}

fn kernel(qemu: &mut Command, image: &GuestImage, options: &VmOptions) {
    qemu.arg("-kernel")
        .arg(image.kernel())
        .arg("-initrd")
        .arg(image.initramfs())
        .arg("-append")
        .arg(format!(
            "console=ttyS0 quiet loglevel=4 panic=-1 net.ifnames=0 mitigations=off vamos.data={} {}",
            options.storage.guest_name(),
            options.kernel_args
        ));
}

/// The root disk comes first: the initial file system takes it as /dev/vda.
fn disks(qemu: &mut Command, parts: &Parts<'_>) {
    let root = parts.image.root();
    let mut disk = |id: &str, path: &Path, drive: &str| {
        qemu.arg("-drive")
            .arg(format!(
                "if=none,id={id},format=raw,file={},{drive}",
                path.display()
            ))
            .arg("-device")
            .arg(format!("virtio-blk-pci,drive={id},serial={id},num-queues=1"));
    };
    disk("root", &root, "snapshot=on,cache=unsafe");
    if let Some(payload) = &parts.options.payload {
        disk("payload", payload, "readonly=on");
    }
    qemu.args(parts.options.storage.qemu_args(parts.dir, parts.data_disk));
}

/// The virtio-serial port through which commands go.
fn agent_port(qemu: &mut Command, dir: &RunDir) {
    qemu.args(["-device", "virtio-serial-pci", "-chardev"])
        .arg(format!(
            "socket,id=agent,server=on,wait=off,path={}",
            dir.file("agent.sock").display()
        ))
        .args(["-device", "virtserialport,chardev=agent,name=vamos.agent"]);
}

fn window(qemu: &mut Command, window: &Window) {
    qemu.arg("-object")
        .arg(format!(
            "memory-backend-file,id=window,mem-path={},size={},share=on",
            window.path.display(),
            window.bytes
        ))
        .arg("-device")
        .arg(match window.device {
            WindowDevice::Nvdimm => "nvdimm,memdev=window",
            WindowDevice::VirtioPmem => "virtio-pmem-pci,memdev=window",
        });
}

//! vsock between guest and host.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, Result};

use crate::{
    command,
    paths::{self, Lock},
    process::Process,
    run_dir::RunDir,
};

/// The program that serves vsock where the host's kernel does not.
const PROGRAM: &str = "vhost-device-vsock";
const VERSION: &str = "0.3.0";

/// Which vsock device the guest gets.
#[derive(Debug, Clone)]
pub enum Vsock {
    /// Served by a process: the guest's connection to port P of the host
    /// arrives on the Unix socket `<uds_path>_<P>`.
    UnixSocket {
        /// The path before the underscore.
        uds_path: PathBuf,
    },
    /// Served by the host's kernel (/dev/vhost-vsock): the guest's connection
    /// arrives on an `AF_VSOCK` socket.
    Kernel {
        /// The guest's context id, unique on this host.
        cid: u32,
    },
}

impl Vsock {
    /// Whether the host's kernel serves vsock.
    #[must_use]
    pub fn kernel_is_available() -> bool {
        fs::File::options()
            .read(true)
            .write(true)
            .open("/dev/vhost-vsock")
            .is_ok()
    }

    /// Makes sure that the program for [`Vsock::UnixSocket`] is there, building
    /// it at the first call (about a minute).
    ///
    /// # Errors
    /// If cargo can't build it.
    pub fn install() -> Result<PathBuf> {
        let tools = paths::lab_dir()?.join("tools");
        let program = tools.join("bin").join(PROGRAM);
        fs::create_dir_all(&tools).with_context(|| format!("cannot create {}", tools.display()))?;
        let _lock = Lock::wait("tools")?;
        if !program.exists() {
            println!("lab: building {PROGRAM} {VERSION} (about a minute)");
            command::run(
                Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
                    .args(["install", "--quiet", "--locked", PROGRAM, "--version", VERSION])
                    .arg("--root")
                    .arg(&tools)
                    // Away from the workspace's own configuration and target.
                    .current_dir(&tools)
                    .env_remove("CARGO_TARGET_DIR")
                    .env_remove("RUSTFLAGS"),
                "build vhost-device-vsock",
            )?;
        }
        Ok(program)
    }

    /// Starts what serves the device, if that is a process.
    pub(super) fn start(&self, dir: &RunDir) -> Result<Option<Process>> {
        let Self::UnixSocket { uds_path } = self else {
            return Ok(None);
        };
        let socket = device_socket(dir);
        for old in [&socket, uds_path] {
            let _ = fs::remove_file(old);
        }
        let mut command = Command::new(Self::install()?);
        command
            .args(["--guest-cid", "3", "--socket"])
            .arg(&socket)
            .arg("--uds-path")
            .arg(uds_path);
        let mut process = Process::start(PROGRAM, command, &dir.file("vsock.log"))?;
        process.wait_until("listening", Duration::from_secs(10), || socket.exists())?;
        Ok(Some(process))
    }

    /// QEMU's options for the device.
    pub(super) fn qemu_args(&self, dir: &RunDir) -> Vec<String> {
        match self {
            Self::UnixSocket { .. } => vec![
                "-chardev".into(),
                format!("socket,id=vsock,path={}", device_socket(dir).display()),
                "-device".into(),
                "vhost-user-vsock-pci,chardev=vsock".into(),
            ],
            Self::Kernel { cid } => {
                vec!["-device".into(), format!("vhost-vsock-pci,guest-cid={cid}")]
            }
        }
    }
}

fn device_socket(dir: &RunDir) -> PathBuf {
    dir.file("vhost.sock")
}

//! Booting an arm: its data on its storage, its engine, and for VAMOS its worker.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};

use super::{
    GuestArm, conf,
    host::{Host, Seat},
};
use crate::{
    eval::{
        arm::{Arm, Engine, Path as StoragePath},
        settings::Settings,
    },
    image::GuestImage,
    local::Programs,
    mariadb_files::MariadbFiles,
    myrocks,
    payload::Payload,
    run_dir::RunDir,
    vm::{DataDisk, Storage, Vm, VmOptions},
};

/// The size of the data's disk; what is not used takes no room.
const DISK_MIB: u32 = 16 << 10;

/// What an engine's data was prepared as, by a server that is down.
#[derive(Clone, Copy, Debug)]
pub struct Prepared<'a> {
    /// MariaDB's data directory.
    pub datadir: &'a Path,
    /// The store of VAMOS; of other engines nothing.
    pub store: Option<&'a Path>,
}

/// What may differ between the starts of an arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestOptions {
    /// Count kicks, at a few hundred instructions of the guest's kernel each.
    pub kicks: bool,
    /// Count the guest's instructions, which slows it down and makes its
    /// processor time say nothing.
    pub instructions: bool,
    /// Further lines of MariaDB's configuration; they win over the arm's own.
    pub conf: String,
    /// Further lines of the guest's section in vamosd's configuration; none that
    /// the arm's own has.
    pub store_conf: String,
}

impl Default for GuestOptions {
    fn default() -> Self {
        Self {
            kicks: true,
            instructions: false,
            conf: String::new(),
            store_conf: String::new(),
        }
    }
}

/// What an arm is started from.
#[derive(Clone, Debug)]
pub struct GuestStart<'a> {
    /// MariaDB.
    pub files: &'a MariadbFiles,
    /// The programs of VAMOS.
    pub programs: &'a Programs,
    /// The arm.
    pub arm: Arm,
    /// Its memory.
    pub settings: Settings,
    /// The data; each guest gets a copy.
    pub prepared: Prepared<'a>,
    /// What may differ.
    pub options: GuestOptions,
}

impl GuestStart<'_> {
    /// Boots one guest.
    ///
    /// # Errors
    /// As for [`boot_several`](Self::boot_several).
    pub fn boot(&self) -> Result<GuestArm> {
        self.boot_several(1)?.pop().context("no guest was started")
    }

    /// Boots so many guests; for VAMOS one vamosd serves them all, with a worker
    /// for each.
    ///
    /// # Errors
    /// If the arm is none in a guest or [cannot be](unavailable), or a part of it
    /// does not come up.
    pub fn boot_several(&self, count: usize) -> Result<Vec<GuestArm>> {
        let arm = self.arm;
        ensure!(arm.is_guest(), "{arm} runs without a guest");
        if let Some(why) = unavailable(arm) {
            anyhow::bail!("{arm} cannot run: {why}");
        }
        let image = GuestImage::build(self.files)?;
        let host = match arm.engine {
            Engine::Vamos => {
                let store = self.prepared.store.context("VAMOS needs a prepared store")?;
                let host = Host::start(self, store, count)?;
                Some(Arc::new(host))
            }
            Engine::InnoDb | Engine::MyRocks => None,
        };
        let seat = |index| host.clone().map(|host| Seat { host, index });
        (0..count)
            .map(|index| self.boot_guest(&image, seat(index)))
            .collect()
    }

    fn boot_guest(&self, image: &GuestImage, seat: Option<Seat>) -> Result<GuestArm> {
        let dir = RunDir::create("arm")?;
        let storage = storage(self.arm.path);
        let place = dir.file("data.img");
        let disk = match storage.is_directory() {
            true => DataDisk::directory(self.prepared.datadir, &place)?,
            false => DataDisk::with_datadir(self.prepared.datadir, &place, DISK_MIB)?,
        };
        let options = VmOptions {
            memory_mib: self.settings.guest_memory_mib(self.arm.engine),
            cpus: self.settings.cpus,
            window: seat.as_ref().and_then(Seat::window),
            vsock: seat.as_ref().map(Seat::vsock),
            payload: Some(self.payload(&dir)?),
            storage,
            count_kicks: self.options.kicks,
            count_instructions: self.options.instructions,
            ..VmOptions::default()
        };
        let vm = Vm::boot(image, self.files, &disk, options)?;
        let mut guest = GuestArm {
            vm,
            arm: self.arm,
            options: self.options.clone(),
            seat,
            _dir: dir,
        };
        guest.wait_until_served()?;
        guest.settle()?;
        Ok(guest)
    }

    fn payload(&self, dir: &RunDir) -> Result<PathBuf> {
        let plugin = match self.arm.engine {
            Engine::Vamos => Some(self.programs.plugin.clone()),
            Engine::MyRocks => Some(myrocks::plugin(self.files)?),
            Engine::InnoDb => None,
        };
        let image = dir.file("payload.img");
        Payload {
            plugins: plugin.into_iter().collect(),
            conf: conf::text(self.arm, &self.settings) + &self.options.conf + "\n",
            data: Vec::new(),
        }
        .make_disk(&image)?;
        Ok(image)
    }
}

/// Why this arm cannot run here, where that is so.
#[must_use]
pub fn unavailable(arm: Arm) -> Option<String> {
    arm.is_guest().then(|| storage(arm.path).unavailable()).flatten()
}

/// The device of the guest's data directory. That of VAMOS has the server's own
/// tables only.
fn storage(path: StoragePath) -> Storage {
    match path {
        StoragePath::VirtioScsi => Storage::VirtioScsi,
        StoragePath::Nvme => Storage::Nvme,
        StoragePath::VirtioFs => Storage::VirtioFs,
        StoragePath::NineP => Storage::NineP,
        _ => Storage::VirtioBlk,
    }
}

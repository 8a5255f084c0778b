//! An arm in a guest: a fresh boot of the guest image with the engine's data on
//! the arm's storage, and for VAMOS a worker on this host.
//!
//! [`GuestArm::begin`] and [`GuestArm::end`] are the marks between which is
//! counted; the load comes from this host, through [`GuestArm::port`].

mod conf;
mod count;
mod host;

pub use count::{Counted, Mark};

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use self::{
    count::Counts,
    host::{Host, Seat},
};
use super::{
    arm::{Arm, Bed, Engine, Path as StoragePath},
    settings::Settings,
    sysbench::Target,
};
use crate::{
    image::GuestImage,
    local::Programs,
    mariadb_files::MariadbFiles,
    myrocks,
    payload::Payload,
    run_dir::RunDir,
    vm::{Accelerator, DataDisk, Storage, Vm, VmOptions},
};

/// The size of the data's disk; what is not used takes no room.
const DISK_MIB: u32 = 16 << 10;

/// The longest that the store may take to answer after a start.
const STORE_LIMIT: Duration = Duration::from_secs(60);

/// The longest that is waited for a guest to come to rest after its start.
const SETTLE_LIMIT: Duration = Duration::from_secs(15);

/// What an engine's data was prepared as, by a server that is down.
#[derive(Clone, Copy, Debug)]
pub struct Prepared<'a> {
    /// MariaDB's data directory.
    pub datadir: &'a Path,
    /// The store of VAMOS; of other engines nothing.
    pub store: Option<&'a Path>,
}

/// What may differ between the starts of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestOptions {
    /// Count kicks, at a few hundred instructions of the guest's kernel each.
    pub kicks: bool,
}

impl Default for GuestOptions {
    fn default() -> Self {
        Self { kicks: true }
    }
}

/// A running guest. Dropping it takes it down.
#[derive(Debug)]
pub struct GuestArm {
    /// The guest.
    pub vm: Vm,
    arm: Arm,
    options: GuestOptions,
    seat: Option<Seat>,
    _dir: RunDir,
}

/// What an arm is started from.
#[derive(Clone, Copy, Debug)]
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
                let host = Host::start(self.programs, arm.path, &self.settings, store, count)?;
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
            ..VmOptions::default()
        };
        let vm = Vm::boot(image, self.files, &disk, options)?;
        let mut guest = GuestArm {
            vm,
            arm: self.arm,
            options: self.options,
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
            conf: conf::text(self.arm, &self.settings),
            data: Vec::new(),
        }
        .make_disk(&image)?;
        Ok(image)
    }
}

impl GuestArm {
    /// What it runs.
    #[must_use]
    pub fn arm(&self) -> Arm {
        self.arm
    }

    /// What runs it.
    #[must_use]
    pub fn bed(&self) -> Bed {
        match self.vm.accelerator() {
            Accelerator::Kvm => Bed::Kvm,
            Accelerator::Tcg => Bed::Tcg,
        }
    }

    /// The loopback port of this host that leads to the guest's MariaDB (user
    /// root, no password).
    ///
    /// # Errors
    /// If there is none.
    pub fn port(&self) -> Result<u16> {
        self.vm
            .mysql_port()
            .context("the guest has no forwarded MySQL port")
    }

    /// Where its server listens.
    ///
    /// # Errors
    /// If there is no port that leads there.
    pub fn target(&self) -> Result<Target> {
        self.port().map(Target::Port)
    }

    /// Runs statements through a client on this host and returns what it prints.
    ///
    /// # Errors
    /// If one fails.
    pub fn sql(&self, statements: &str) -> Result<String> {
        self.vm.sql_from_host(statements)
    }

    /// A mark: what comes until [`end`](Self::end) is counted. Making it costs
    /// the guest a little, before the mark.
    ///
    /// # Errors
    /// If a counter cannot be read.
    pub fn begin(&mut self) -> Result<Mark> {
        let counts = Counts::read_outside_in(self)?;
        Ok(Mark::new(counts))
    }

    /// What was counted since the mark.
    ///
    /// # Errors
    /// If a counter cannot be read.
    pub fn end(&mut self, mark: &Mark) -> Result<Counted> {
        let seconds = mark.at.elapsed().as_secs_f64();
        let counts = Counts::read_inside_out(self)?;
        Ok(counts.since(&mark.counts, seconds, self.options.kicks))
    }

    /// What the guest does without any load for so long, to be
    /// [subtracted](Counted::without).
    ///
    /// # Errors
    /// If a counter cannot be read.
    pub fn idle(&mut self, duration: Duration) -> Result<Counted> {
        let mark = self.begin()?;
        thread::sleep(duration);
        self.end(&mark)
    }

    /// Kills the guest without warning, boots it again on the same storage, and
    /// waits until the engine serves. A worker on the host is not killed.
    ///
    /// # Errors
    /// If it does not come back.
    pub fn kill_and_boot(&mut self) -> Result<()> {
        self.vm.kill();
        self.vm.boot_again()?;
        self.wait_until_served()?;
        self.settle()
    }

    /// Takes the guest down in order.
    ///
    /// # Errors
    /// If it does not go down in time.
    pub fn shutdown(mut self) -> Result<()> {
        self.vm.shutdown()
    }

    /// Waits until the guest does next to nothing: after its start MariaDB writes
    /// pages for a while.
    fn settle(&mut self) -> Result<()> {
        let begin = Instant::now();
        let mut before = self.vm.switches()?.storage;
        while begin.elapsed() < SETTLE_LIMIT {
            thread::sleep(Duration::from_secs(1));
            let now = self.vm.switches()?.storage;
            if (now - before).interrupts < 3 {
                break;
            }
            before = now;
        }
        Ok(())
    }

    /// Waits until the engine's tables can be opened.
    fn wait_until_served(&mut self) -> Result<()> {
        let begin = Instant::now();
        let table = format!(
            "CREATE DATABASE IF NOT EXISTS probe; \
             CREATE OR REPLACE TABLE probe.t (a INT PRIMARY KEY) ENGINE={}; DROP DATABASE probe",
            self.arm.engine.sql_name()
        );
        loop {
            match self.sql(&table) {
                Ok(_) => return Ok(()),
                Err(error) if begin.elapsed() > STORE_LIMIT => {
                    return Err(error.context(format!("{} does not serve its tables", self.arm)));
                }
                Err(_) => thread::sleep(Duration::from_millis(200)),
            }
        }
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

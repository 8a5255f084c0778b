//! The data that arms start from: made once for each engine, natively, and copied
//! for every start.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result};

use super::{
    arm::{Arm, Engine, Path as StoragePath},
    native::NativeArm,
    recipe::{DATABASE, Recipe, arrange, sysbench_options},
    settings::Settings,
    sysbench::{Extent, Load, Sysbench},
};
use crate::{
    command,
    local::Programs,
    mariadb_files::MariadbFiles,
    paths::{self, Lock},
};

/// The data of an engine. It is kept for later runs.
#[derive(Clone, Debug)]
pub struct Dataset {
    dir: PathBuf,
    datadir: PathBuf,
    store: PathBuf,
}

impl Dataset {
    /// Makes the data, or finds it.
    ///
    /// # Errors
    /// If the server does not start or a statement fails.
    pub fn prepare(
        recipe: &Recipe,
        engine: Engine,
        files: &MariadbFiles,
        programs: &Programs,
        sysbench: &Sysbench,
    ) -> Result<Self> {
        let parent = paths::lab_dir()?.join("eval");
        fs::create_dir_all(&parent).with_context(|| format!("cannot create {}", parent.display()))?;
        let _lock = Lock::wait("eval")?;
        let prefix = format!("data-{}-", engine.label().to_lowercase());
        let name = format!("{prefix}{}", recipe.digest(engine, files, programs)?);
        let dir = parent.join(&name);
        if !dir.exists() {
            remove_others(&parent, &prefix)?;
            let begin = Instant::now();
            println!(
                "lab: making {} MiB of rows a table for {}",
                recipe.mib,
                engine.label()
            );
            paths::make_whole(&dir, |dir| fill(recipe, engine, files, programs, sysbench, dir))?;
            println!("lab: made in {:.0} s", begin.elapsed().as_secs_f64());
        }
        Ok(Self {
            datadir: dir.join("mariadb"),
            store: dir.join("stores/local"),
            dir,
        })
    }

    /// Copies it to the new directory `to`, to be written to.
    ///
    /// # Errors
    /// If the disk is full or `to` exists.
    pub fn copy(&self, to: &Path) -> Result<()> {
        anyhow::ensure!(!to.exists(), "{} is there already", to.display());
        command::run(
            Command::new("cp")
                .args(["-a", "--reflink=auto"])
                .arg(&self.dir)
                .arg(to),
            "copy an engine's data",
        )
    }

    /// MariaDB's data directory.
    #[must_use]
    pub fn datadir(&self) -> &Path {
        &self.datadir
    }

    /// The store of VAMOS, where that is the engine.
    #[must_use]
    pub fn store(&self) -> Option<&Path> {
        Some(self.store.as_path()).filter(|store| store.exists())
    }
}

/// Data of older recipes and programs only takes room.
fn remove_others(parent: &Path, prefix: &str) -> Result<()> {
    for entry in fs::read_dir(parent)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

fn fill(
    recipe: &Recipe,
    engine: Engine,
    files: &MariadbFiles,
    programs: &Programs,
    sysbench: &Sysbench,
    dir: &Path,
) -> Result<()> {
    let arm = Arm {
        engine,
        path: match engine {
            Engine::Vamos => StoragePath::Unix,
            Engine::InnoDb | Engine::MyRocks => StoragePath::Files,
        },
    };
    let running = NativeArm::start(
        files,
        programs,
        arm,
        &Settings::with_engine_mib(recipe.engine_mib),
        dir,
    )?;
    running.sql(&format!("CREATE DATABASE {DATABASE}"))?;
    let load = Load {
        script: "oltp_read_write".to_owned(),
        threads: 2,
        extent: Extent::Events(0),
        options: sysbench_options(recipe, engine),
        seed: 1,
    };
    sysbench.prepare(&running.target(), &load)?;
    running.sql(&recipe.sql(engine))?;
    running.sql(&arrange(recipe, engine))?;
    running.shutdown()
}

//! Boots an arm of the evaluation and prints what point reads and inserts cost.
//!
//! `cargo run -p vamos-lab --example eval_guest -- ARM ...` after
//! `cargo xtask build`; the optimised programs are taken from beside the
//! example's own directory. With `--instructions` as the first word the guest's
//! instructions are counted too, after a check that they are counted right.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use vamos_lab::{
    eval::{
        arm::{Arm, Engine, Path},
        guest::{GuestArm, GuestOptions, GuestStart, Prepared},
        native::NativeArm,
        settings::Settings,
    },
    local::Programs,
    mariadb_files::MariadbFiles,
    run_dir::RunDir,
};

const ROWS: u32 = 20_000;

fn main() -> Result<()> {
    let exe = std::env::current_exe()?;
    let target = exe
        .ancestors()
        .nth(3)
        .context("the example has no target directory")?;
    let built = target.join("release");
    let programs = Programs {
        vamosd: built.join("vamosd"),
        vamos: built.join("vamos"),
        plugin: built.join("ha_vamos.so"),
    };
    let files = MariadbFiles::fetch()?;
    let mut names = std::env::args().skip(1).peekable();
    let instructions = names.next_if_eq("--instructions").is_some();
    let options = GuestOptions {
        instructions,
        ..GuestOptions::default()
    };
    for name in names {
        try_arm(&files, &programs, Arm::named(&name)?, options)?;
    }
    Ok(())
}

fn try_arm(files: &MariadbFiles, programs: &Programs, arm: Arm, options: GuestOptions) -> Result<()> {
    let settings = Settings::with_engine_mib(64);
    let dir = RunDir::create("data")?;
    let datadir = prepare(files, programs, arm.engine, &settings, &dir)?;
    let start = GuestStart {
        files,
        programs,
        arm,
        settings,
        prepared: Prepared {
            datadir: &datadir,
            store: Some(&dir.file("stores/local")),
        },
        options,
    };
    let mut guest = start.boot()?;
    println!("{arm}: up after {:.1} s", guest.vm.boot_time().as_secs_f64());
    ensure!(guest.sql("SELECT COUNT(*) FROM t.a")?.trim() == ROWS.to_string());
    if options.instructions {
        let probes: Result<Vec<_>> = (0..30).map(|_| guest.vm.check_instructions()).collect();
        println!("{arm}: a fixed program 30 times: {:?}", probes?);
    }
    let idle = guest.idle(Duration::from_secs(2))?;
    println!("{arm}: idle {idle:?}");
    let reads: String = (0..200)
        .map(|i| format!("SELECT s FROM t.a WHERE i = {};", i * 7919 % ROWS))
        .collect();
    let inserts: String = (0..50)
        .map(|i| format!("INSERT INTO t.a VALUES ({}, 'new');", ROWS + i))
        .collect();
    for (what, statements) in [
        ("200 reads", &reads),
        ("200 reads again", &reads),
        ("50 inserts", &inserts),
    ] {
        count(&mut guest, what, statements)?;
    }
    guest.shutdown()
}

fn count(guest: &mut GuestArm, what: &str, statements: &str) -> Result<()> {
    let mark = guest.begin()?;
    guest.sql(statements)?;
    let counted = guest.end(&mark)?;
    println!("{}: {what}: {counted:?}", guest.arm());
    Ok(())
}

/// Makes the table natively.
fn prepare(
    files: &MariadbFiles,
    programs: &Programs,
    engine: Engine,
    settings: &Settings,
    dir: &RunDir,
) -> Result<PathBuf> {
    let path = match engine {
        Engine::Vamos => Path::Unix,
        Engine::InnoDb | Engine::MyRocks => Path::Files,
    };
    let native = NativeArm::start(files, programs, Arm { engine, path }, settings, dir.path())?;
    native.sql(&format!(
        "CREATE DATABASE t; USE t; CREATE TABLE t.a (i INT PRIMARY KEY, s VARCHAR(200)) ENGINE={}; \
         INSERT INTO t.a SELECT seq, REPEAT(MD5(seq), 5) FROM seq_0_to_{}",
        engine.sql_name(),
        ROWS - 1
    ))?;
    native.shutdown()?;
    Ok(dir.file("mariadb"))
}

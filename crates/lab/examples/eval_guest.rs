//! Boots an arm of the evaluation and prints what point reads and inserts cost.
//!
//! `cargo run -p vamos-lab --example eval_guest -- ARM ...` after
//! `cargo xtask build`; the optimised programs are taken from beside the
//! example's own directory. Before the arms may stand:
//! - `--instructions`: count the guest's instructions too, after a check that
//!   they are counted right;
//! - `--no-kicks`: do not count kicks, and so leave the guest's kernel as it is;
//! - `--conf LINE`: a further line of MariaDB's configuration, such as
//!   `innodb-flush-log-at-trx-commit=0`, with which the kill must lose rows;
//! - `--show SQL`: what to ask each arm first; with a `!` before it, a script;
//! - `--guests N`: boot so many at once, and read from each.

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
    let (mut options, mut guests, mut show) = (GuestOptions::default(), 1, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--instructions" => options.instructions = true,
            "--no-kicks" => options.kicks = false,
            "--conf" => options.conf = value()?,
            "--show" => show = Some(value()?),
            "--guests" => guests = value()?.parse()?,
            name => try_arm(
                &files,
                &programs,
                Arm::named(name)?,
                &options,
                guests,
                show.as_deref(),
            )?,
        }
    }
    Ok(())
}

fn try_arm(
    files: &MariadbFiles,
    programs: &Programs,
    arm: Arm,
    options: &GuestOptions,
    guests: usize,
    show: Option<&str>,
) -> Result<()> {
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
        options: options.clone(),
    };
    let mut guests = start.boot_several(guests)?;
    let (reads, inserts) = statements();
    if let (Some(show), Some(guest)) = (show, guests.first_mut()) {
        let answer = match show.strip_prefix('!') {
            Some(script) => guest.vm.run(script)?,
            None => guest.sql(show)?,
        };
        println!("{arm}: {answer}");
    }
    read_at_once(&mut guests, &reads)?;
    let mut guest = guests.pop().context("no guest was started")?;
    drop(guests);
    println!("{arm}: up after {:.1} s", guest.vm.boot_time().as_secs_f64());
    ensure!(guest.sql("SELECT COUNT(*) FROM t.a")?.trim() == ROWS.to_string());
    if options.instructions {
        let probes: Result<Vec<_>> = (0..30).map(|_| guest.vm.check_instructions()).collect();
        println!("{arm}: a fixed program 30 times: {:?}", probes?);
    }
    let idle = guest.idle(Duration::from_secs(2))?;
    println!("{arm}: idle {idle:?}");
    for (what, statements) in [
        ("200 reads", &reads),
        ("200 reads again", &reads),
        ("50 inserts", &inserts),
    ] {
        count(&mut guest, what, statements)?;
    }
    let verdict = guest.prove_durability(files)?;
    println!("{arm}: killed while it committed: {verdict:?}");
    guest.shutdown()
}

/// Point reads, and inserts of new rows.
fn statements() -> (String, String) {
    let reads = (0..200)
        .map(|i| format!("SELECT s FROM t.a WHERE i = {};", i * 7919 % ROWS))
        .collect();
    let inserts = (0..50)
        .map(|i| format!("INSERT INTO t.a VALUES ({}, 'new');", ROWS + i))
        .collect();
    (reads, inserts)
}

/// Runs the reads in all guests at the same time.
fn read_at_once(guests: &mut [GuestArm], reads: &str) -> Result<()> {
    let marks: Vec<_> = guests.iter_mut().map(GuestArm::begin).collect::<Result<_>>()?;
    std::thread::scope(|scope| -> Result<()> {
        let running: Vec<_> = guests
            .iter()
            .map(|guest| scope.spawn(|| guest.sql(reads)))
            .collect();
        for thread in running {
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        Ok(())
    })?;
    for (index, (guest, mark)) in guests.iter_mut().zip(&marks).enumerate() {
        println!(
            "{}: guest {index}, 200 reads: {:?}",
            guest.arm(),
            guest.end(mark)?
        );
    }
    Ok(())
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

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
//! - `--hold SECONDS`: wait for load on the port that is shown, and count it;
//! - `--rows N`: rows of the table, 20,000 otherwise;
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
    let mut wish = Wish {
        options: GuestOptions::default(),
        guests: 1,
        rows: 20_000,
        show: None,
        hold: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--instructions" => wish.options.instructions = true,
            "--no-kicks" => wish.options.kicks = false,
            "--conf" => wish.options.conf = value()?,
            "--show" => wish.show = Some(value()?),
            "--hold" => wish.hold = Some(Duration::from_secs(value()?.parse()?)),
            "--rows" => wish.rows = value()?.parse()?,
            "--guests" => wish.guests = value()?.parse()?,
            name => try_arm(&files, &programs, Arm::named(name)?, &wish)?,
        }
    }
    Ok(())
}

/// What the command line asks for.
struct Wish {
    options: GuestOptions,
    guests: usize,
    rows: u32,
    show: Option<String>,
    hold: Option<Duration>,
}

fn try_arm(files: &MariadbFiles, programs: &Programs, arm: Arm, wish: &Wish) -> Result<()> {
    let settings = Settings::with_engine_mib(64);
    let dir = RunDir::create("data")?;
    let datadir = prepare(files, programs, arm.engine, &settings, wish.rows, &dir)?;
    let start = GuestStart {
        files,
        programs,
        arm,
        settings,
        prepared: Prepared {
            datadir: &datadir,
            store: Some(&dir.file("stores/local")),
        },
        options: wish.options.clone(),
    };
    let mut guests = start.boot_several(wish.guests)?;
    let (reads, inserts) = statements(wish.rows);
    if let (Some(show), Some(guest)) = (&wish.show, guests.first_mut()) {
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
    ensure!(guest.sql("SELECT COUNT(*) FROM t.a")?.trim() == wish.rows.to_string());
    if wish.options.instructions {
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
    if let Some(time) = wish.hold {
        println!("{arm}: port {} for {time:?}", guest.port()?);
        println!("{arm}: {:?}", guest.idle(time)?);
    }
    let verdict = guest.prove_durability(files)?;
    println!("{arm}: killed while it committed: {verdict:?}");
    guest.shutdown()
}

/// Point reads, and inserts of new rows.
fn statements(rows: u32) -> (String, String) {
    let reads = (0..200)
        .map(|i| format!("SELECT s FROM t.a WHERE i = {};", i * 7919 % rows))
        .collect();
    let inserts = (0..50)
        .map(|i| format!("INSERT INTO t.a VALUES ({}, 'new');", rows + i))
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
    rows: u32,
    dir: &RunDir,
) -> Result<PathBuf> {
    let path = match engine {
        Engine::Vamos => Path::Unix,
        Engine::InnoDb | Engine::MyRocks => Path::Files,
    };
    let native = NativeArm::start(files, programs, Arm { engine, path }, settings, dir.path())?;
    native.sql(&format!(
        "CREATE DATABASE t; CREATE TABLE t.a (i INT PRIMARY KEY, s VARCHAR(200)) ENGINE={}",
        engine.sql_name()
    ))?;
    for first in (0..rows).step_by(100_000) {
        let last = rows.min(first + 100_000) - 1;
        native.sql(&format!(
            "USE t; INSERT INTO a SELECT seq, REPEAT(MD5(seq), 5) FROM seq_{first}_to_{last}"
        ))?;
    }
    native.shutdown()?;
    Ok(dir.file("mariadb"))
}

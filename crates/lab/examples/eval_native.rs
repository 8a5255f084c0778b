//! Starts arms without a guest on the data of the short evaluation and runs one load on
//! each, in turns: for profiles, and for the before and after of a change.
//!
//! `cargo run -p vamos-lab --example eval_native -- --load WORKLOAD ARM ...` after
//! `cargo xtask build`; the optimised programs are taken from beside the example's own
//! directory. Before the arms may stand:
//! - `--load NAME`: such as `oltp_point_select` or `rows_range`; may be given again;
//! - `--connections N`, `--seconds N`, `--turns N`: 16, 3 and 1 otherwise;
//! - `--engine-mib N`: the engine's memory, 256 otherwise, which holds all;
//! - `--row-bytes N`, `--rows N`: of the loads `rows_...`;
//! - `--show SQL`: what to ask each arm at its end, such as its status variables;
//! - `--record DIR`: let perf record each turn's last seconds into a file there.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use vamos_lab::{
    eval::{
        arm::Arm,
        dataset::Dataset,
        native::NativeArm,
        plan::Plan,
        sample::{Case, Data},
        settings::Settings,
        sysbench::{Extent, Sysbench},
        workload,
    },
    local::Programs,
    mariadb_files::MariadbFiles,
    run_dir::RunDir,
};

/// What the command line asks for.
struct Wish {
    loads: Vec<String>,
    connections: u32,
    seconds: u32,
    turns: u64,
    engine_mib: u32,
    row_bytes: Option<u32>,
    rows: Option<u32>,
    show: Option<String>,
    record: Option<PathBuf>,
}

fn main() -> Result<()> {
    let mut wish = Wish {
        loads: Vec::new(),
        connections: 16,
        seconds: 3,
        turns: 1,
        engine_mib: 256,
        row_bytes: None,
        rows: None,
        show: None,
        record: None,
    };
    let mut arms = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--load" => wish.loads.push(value()?),
            "--connections" => wish.connections = value()?.parse()?,
            "--seconds" => wish.seconds = value()?.parse()?,
            "--turns" => wish.turns = value()?.parse()?,
            "--engine-mib" => wish.engine_mib = value()?.parse()?,
            "--row-bytes" => wish.row_bytes = Some(value()?.parse()?),
            "--rows" => wish.rows = Some(value()?.parse()?),
            "--show" => wish.show = Some(value()?),
            "--record" => wish.record = Some(value()?.into()),
            name => arms.push(Arm::named(name)?),
        }
    }
    run(&arms, &wish)
}

fn run(arms: &[Arm], wish: &Wish) -> Result<()> {
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
    let dir = RunDir::create("eval_native")?;
    let sysbench = Sysbench::install(&dir.file("scripts"))?;
    let recipe = Plan::quick().recipe;
    for turn in 0..wish.turns {
        for &arm in arms {
            let state = dir.file(&format!("{arm}-{turn}"));
            Dataset::prepare(&recipe, arm.engine, &files, &programs, &sysbench)?.copy(&state)?;
            let settings = Settings::with_engine_mib(wish.engine_mib);
            let running = NativeArm::start(&files, &programs, arm, &settings, &state)?;
            for load in &wish.loads {
                measure(&running, (arm, load), wish, &sysbench, turn)?;
            }
            if let Some(show) = &wish.show {
                println!("{}", running.sql(show)?);
            }
            running.shutdown()?;
            std::fs::remove_dir_all(&state)?;
        }
    }
    Ok(())
}

fn measure(
    running: &NativeArm,
    (arm, load): (Arm, &str),
    wish: &Wish,
    sysbench: &Sysbench,
    turn: u64,
) -> Result<()> {
    let case = Case {
        workload: load.to_owned(),
        row_bytes: wish.row_bytes,
        rows: wish.rows,
        data: Data::Cached,
        connections: wish.connections,
        guests: 0,
    };
    let recipe = Plan::quick().recipe;
    let load_for = |seconds: u32, seed| {
        let extent = Extent::Seconds(f64::from(seconds));
        workload::load(&case, arm.engine, &recipe, extent, seed)
    };
    // Fills the caches.
    sysbench.run(&running.target(), &load_for(1, 2 * turn)?)?;
    let perf = wish
        .record
        .as_ref()
        .map(|dir| record(&dir.join(format!("{arm}-{load}-{turn}.perf")), wish.seconds));
    let before = running.cpu()?;
    let outcome = sysbench.run(&running.target(), &load_for(wish.seconds, 2 * turn + 1)?)?;
    let after = running.cpu()?;
    if let Some(perf) = perf {
        perf?.wait()?;
    }
    let each = |us: u64| us as f64 / outcome.transactions.max(1) as f64;
    println!(
        "{arm:<12} {load:<18} {:>9.0} tx/s  p99 {:>7.0} us  server {:>8.1} us/tx  worker {:>8.1} us/tx",
        outcome.transactions as f64 / outcome.seconds,
        outcome.latency.p99,
        each(after.guest_us - before.guest_us),
        each(after.worker_us - before.worker_us),
    );
    Ok(())
}

fn record(file: &Path, seconds: u32) -> Result<Child> {
    thread::sleep(Duration::from_millis(10));
    Command::new("perf")
        .args([
            "record",
            "--all-cpus",
            "--freq=5000",
            "--call-graph=fp",
            "--output",
        ])
        .arg(file)
        .args(["--", "sleep", &seconds.to_string()])
        .spawn()
        .context("cannot start perf")
}

//! `cargo xtask isolation`: what each isolation level admits, on VAMOS and on
//! InnoDB.

use crate::artifacts::Artifacts;
use anyhow::{Result, ensure};
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use vamos_lab::isolation::{
    ANOMALIES, BEHAVIOURS, LEVELS, Level, check_foreign_races, check_kills, check_untold,
};
use vamos_lab::local::{LocalOptions, LocalStack};
use vamos_lab::native::NativeServer;

/// Scenarios that are played at once: most of their time they wait.
const AT_ONCE: usize = 8;

const ENGINES: [&str; 2] = ["VAMOS", "InnoDB"];

/// The command's arguments.
#[derive(clap::Args)]
pub(crate) struct Isolation {
    /// Only scenarios whose name contains this.
    filter: Option<String>,
}

/// What a scenario showed on each engine.
struct Pair {
    vamos: String,
    innodb: String,
}

impl Isolation {
    /// Plays all scenarios and prints the tables.
    pub(crate) fn run(self) -> Result<()> {
        compare_all(&Artifacts::build()?, self.filter.as_deref())
    }
}

/// Plays all scenarios whose name contains `filter` and prints the tables.
pub(crate) fn compare_all(artifacts: &Artifacts, filter: Option<&str>) -> Result<()> {
    let stack = LocalStack::start(&artifacts.mariadb, &artifacts.programs, LocalOptions::default())?;
    let worse = compare_anomalies(&stack.server, filter)?;
    let other = compare_behaviours(&stack.server, filter)?;
    for (what, time) in check_kills(&stack.server)? {
        println!("{what}: {} ms", time.as_millis());
    }
    for what in check_untold(&stack.server)? {
        println!("{what}: told");
    }
    for what in check_foreign_races(&stack.server)? {
        println!("{what}: foreign keys hold");
    }
    ensure!(
        worse.is_empty(),
        "VAMOS admits what InnoDB prevents: {}",
        worse.join("; ")
    );
    ensure!(other == 0, "{other} behaviours differ");
    println!("isolation: VAMOS admits no anomaly that InnoDB prevents, and behaves alike");
    Ok(())
}

fn is_wanted(name: &str, filter: Option<&str>) -> bool {
    filter.is_none_or(|filter| name.contains(filter))
}

/// Prints the table; says where VAMOS admits what InnoDB prevents.
fn compare_anomalies(server: &NativeServer, filter: Option<&str>) -> Result<Vec<String>> {
    let anomalies = ANOMALIES.iter().filter(|a| is_wanted(a.scenario.name, filter));
    let anomalies: Vec<_> = anomalies.collect();
    let names: Vec<_> = anomalies.iter().map(|anomaly| anomaly.scenario.name).collect();
    let pairs = on_both(anomalies.len(), |scenario, level, engine| {
        let admitted = anomalies[scenario].is_admitted(server, engine, level)?;
        Ok(if admitted { "admitted" } else { "-" }.to_owned())
    })?;
    print!("{}", table(&names, &pairs));
    Ok(cells(&names, &pairs)
        .filter_map(|cell| worse(&names, &pairs, cell))
        .collect())
}

/// Names a cell where VAMOS admits what InnoDB prevents. VAMOS reads at READ
/// UNCOMMITTED as at READ COMMITTED, and is held to what InnoDB prevents there.
fn worse(names: &[&str], pairs: &[Pair], (name, level, pair): (&str, Level, &Pair)) -> Option<String> {
    let held_to = match level == LEVELS[0] {
        true => {
            cells(names, pairs)
                .find(|(of, at, _)| *of == name && *at == LEVELS[1])?
                .2
        }
        false => pair,
    };
    let worse = pair.vamos == "admitted" && held_to.innodb == "-";
    worse.then(|| format!("{name}, {}", level.name()))
}

/// Prints what differs; says how much.
fn compare_behaviours(server: &NativeServer, filter: Option<&str>) -> Result<usize> {
    let behaviours = BEHAVIOURS.iter().filter(|b| is_wanted(b.scenario.name, filter));
    let behaviours: Vec<_> = behaviours.collect();
    let names: Vec<_> = behaviours
        .iter()
        .map(|behaviour| behaviour.scenario.name)
        .collect();
    let pairs = on_both(behaviours.len(), |scenario, level, engine| {
        match behaviours[scenario].holds_at(level) {
            true => behaviours[scenario].observe(server, engine, level),
            false => Ok(String::new()),
        }
    })?;
    Ok(report_differences(&names, &pairs))
}

/// What `play` says of each scenario, level and engine: by scenario and level.
fn on_both(
    scenarios: usize,
    play: impl Fn(usize, Level, &str) -> Result<String> + Sync,
) -> Result<Vec<Pair>> {
    let jobs = scenarios * LEVELS.len() * ENGINES.len();
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<String>>>> = Mutex::new((0..jobs).map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(jobs) {
            scope.spawn(|| {
                loop {
                    let job = next.fetch_add(1, Ordering::Relaxed);
                    if job >= jobs {
                        return;
                    }
                    let (cell, engine) = (job / ENGINES.len(), ENGINES[job % ENGINES.len()]);
                    let result = play(cell / LEVELS.len(), LEVELS[cell % LEVELS.len()], engine);
                    if let Ok(mut results) = results.lock() {
                        results[job] = Some(result);
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_default().into_iter().flatten();
    let mut pairs = Vec::new();
    while let (Some(vamos), Some(innodb)) = (results.next(), results.next()) {
        pairs.push(Pair {
            vamos: vamos?,
            innodb: innodb?,
        });
    }
    ensure!(
        pairs.len() == scenarios * LEVELS.len(),
        "a scenario was not played"
    );
    Ok(pairs)
}

fn cells<'a>(names: &'a [&'a str], pairs: &'a [Pair]) -> impl Iterator<Item = (&'a str, Level, &'a Pair)> {
    let cell = |(i, pair)| (names[i / LEVELS.len()], LEVELS[i % LEVELS.len()], pair);
    pairs.iter().enumerate().map(cell)
}

/// A table in Markdown: `VAMOS / InnoDB` in each cell where the two differ.
fn table(names: &[&str], pairs: &[Pair]) -> String {
    let mut text = String::from("| |");
    for level in LEVELS {
        let _ = write!(text, " {} |", level.name());
    }
    text.push_str("\n|---|---|---|---|---|\n");
    for (name, row) in names.iter().zip(pairs.chunks(LEVELS.len())) {
        let _ = write!(text, "| {name} |");
        for pair in row {
            let _ = match pair.vamos == pair.innodb {
                true => write!(text, " {} |", pair.vamos),
                false => write!(text, " {} / {} |", pair.vamos, pair.innodb),
            };
        }
        text.push('\n');
    }
    text
}

/// Prints what differs; says how much.
fn report_differences(names: &[&str], pairs: &[Pair]) -> usize {
    let mut differences = 0;
    for (name, level, pair) in cells(names, pairs) {
        if pair.vamos != pair.innodb {
            differences += 1;
            println!("DIFFERS: {name}, {}", level.name());
            println!("  VAMOS:\n{}\n  InnoDB:\n{}", pair.vamos, pair.innodb);
        }
    }
    differences
}

//! Runs a plan: starts each arm afresh, runs its cases, writes what was measured.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{
    arm::{Arm, Engine},
    dataset::Dataset,
    guest::{self, GuestOptions, GuestStart, Prepared},
    native::NativeArm,
    plan::{Group, Plan, Start},
    progress::Progress,
    raw,
    recipe::{DATABASE, TABLES},
    running::Running,
    sample::{Case, Data, Line, Machine, Pair, Sample},
    sysbench::{Extent, Sysbench},
    tpcc, workload,
};
use crate::{local::Programs, mariadb_files::MariadbFiles, run_dir::RunDir};

/// The warm-up as a share of a case's extent.
const WARM_UP: f64 = 0.2;

/// A plan with what it needs to run.
#[derive(Debug)]
pub struct Runner<'a> {
    files: &'a MariadbFiles,
    programs: &'a Programs,
    plan: Plan,
    raw: PathBuf,
    sysbench: Sysbench,
    data: HashMap<Engine, Dataset>,
    dir: RunDir,
}

impl<'a> Runner<'a> {
    /// Makes the data that the plan's arms start from. The rows go to the file
    /// `raw`; what it has already is not measured again.
    ///
    /// # Errors
    /// If something can't be installed or made.
    pub fn prepare(files: &'a MariadbFiles, programs: &'a Programs, plan: Plan, raw: &Path) -> Result<Self> {
        let dir = RunDir::create("eval")?;
        let sysbench = Sysbench::install(&dir.file("scripts"))?;
        let mut data = HashMap::new();
        for engine in [Engine::InnoDb, Engine::MyRocks, Engine::Vamos] {
            let wanted = |group: &Group| group.arms.iter().any(|arm| arm.engine == engine);
            if plan.groups.iter().any(wanted) {
                let set = Dataset::prepare(&plan.recipe, engine, files, programs, &sysbench)?;
                data.insert(engine, set);
            }
        }
        Ok(Self {
            files,
            programs,
            plan,
            raw: raw.to_path_buf(),
            sysbench,
            data,
            dir,
        })
    }

    /// Runs what is not yet measured, and says how it goes on. `pairs` measures what
    /// needs no arm; it is called once in the life of a raw file.
    ///
    /// # Errors
    /// If an arm does not start, loses what it acknowledged, or a load fails.
    pub fn run(&self, machine: Machine, pairs: impl FnOnce() -> Result<Vec<Pair>>) -> Result<()> {
        let done = match self.raw.exists() {
            true => raw::read(&self.raw)?,
            false => Vec::new(),
        };
        let mut out = raw::Writer::open(&self.raw)?;
        if done.is_empty() {
            out.append(&Line::Machine(machine))?;
        }
        if !done.iter().any(|line| matches!(line, Line::Pair(_))) {
            for pair in pairs()? {
                out.append(&Line::Pair(pair))?;
            }
        }
        let mut starts = self.plan.starts();
        starts.retain(|start| match guest::unavailable(start.arm) {
            Some(_) => false,
            None => !self.is_done(start, &done),
        });
        self.note_unavailable(&done, &mut out)?;
        self.prove(&starts)?;
        let mut progress = Progress::new(starts.len());
        for start in &starts {
            for sample in self.measure(start)? {
                out.append(&Line::Sample(sample))?;
            }
            progress.step(&format!("{} repetition {}", start.arm, start.repetition + 1));
        }
        Ok(())
    }

    /// Writes down which of the plan's arms cannot run here, and why.
    fn note_unavailable(&self, done: &[Line], out: &mut raw::Writer) -> Result<()> {
        let arms: BTreeSet<Arm> = self
            .plan
            .groups
            .iter()
            .flat_map(|group| group.arms.clone())
            .collect();
        for arm in arms {
            let Some(why) = guest::unavailable(arm) else {
                continue;
            };
            let line = Line::NotRun {
                what: arm.to_string(),
                why,
            };
            println!("eval: {arm} cannot run here");
            if !done.contains(&line) {
                out.append(&line)?;
            }
        }
        Ok(())
    }

    /// Kills each arm in a guest once while it commits: what loses a commit is not
    /// timed.
    fn prove(&self, starts: &[Start]) -> Result<()> {
        let mut proven = BTreeSet::new();
        for start in starts.iter().filter(|start| start.arm.is_guest()) {
            if !proven.insert(start.arm) {
                continue;
            }
            let group = self.group(start);
            let data = self.data.get(&start.arm.engine).context("an arm without data")?;
            let mut guest = self.guests(start.arm, group, data).boot()?;
            let verdict = guest.prove_durability(self.files)?;
            println!(
                "eval: {} was killed while it committed: {} acknowledged, {} lost",
                start.arm, verdict.acknowledged, verdict.lost
            );
        }
        Ok(())
    }

    fn group(&self, start: &Start) -> &Group {
        &self.plan.groups[start.group]
    }

    /// Whether every case of a start is among these lines.
    fn is_done(&self, start: &Start, lines: &[Line]) -> bool {
        let measured = |case: &Case| {
            lines.iter().any(|line| match line {
                Line::Sample(sample) => {
                    sample.arm == start.arm.name()
                        && sample.repetition == start.repetition
                        && sample.case == *case
                }
                _ => false,
            })
        };
        self.group(start).cases.iter().all(|(case, _)| measured(case))
    }

    fn measure(&self, start: &Start) -> Result<Vec<Sample>> {
        let group = self.group(start);
        let mut arm = self.start(start)?;
        if group.data == Data::Cached {
            arm.sql(&reading_all(group))?;
        }
        let mut samples = Vec::new();
        for (case, extent) in &group.cases {
            samples.push(self.case(&mut arm, start, case, *extent).with_context(|| {
                format!(
                    "{} with {} connections on {}",
                    case.workload, case.connections, start.arm
                )
            })?);
        }
        arm.shutdown()?;
        Ok(samples)
    }

    fn start(&self, start: &Start) -> Result<Running> {
        let group = self.group(start);
        let data = self.data.get(&start.arm.engine).context("an arm without data")?;
        if start.arm.is_guest() {
            return Running::guests(self.guests(start.arm, group, data).boot_several(group.guests)?);
        }
        let state = self.dir.file("state");
        if state.exists() {
            std::fs::remove_dir_all(&state).context("cannot remove the last arm's data")?;
        }
        data.copy(&state)?;
        NativeArm::start(self.files, self.programs, start.arm, &group.settings, &state).map(Running::Native)
    }

    fn guests<'b>(&'b self, arm: Arm, group: &Group, data: &'b Dataset) -> GuestStart<'b> {
        GuestStart {
            files: self.files,
            programs: self.programs,
            arm,
            settings: group.settings,
            prepared: Prepared {
                datadir: data.datadir(),
                store: data.store(),
            },
            options: GuestOptions {
                instructions: group.count_instructions,
                ..GuestOptions::default()
            },
        }
    }

    fn case(&self, arm: &mut Running, start: &Start, case: &Case, extent: Extent) -> Result<Sample> {
        let load = |extent, seed| workload::load(case, start.arm.engine, &self.plan.recipe, extent, seed);
        // Each case and each warm-up has its own: what they insert must not meet.
        let cases = &self.group(start).cases;
        let place = cases.iter().position(|(of, _)| of == case).unwrap_or(0) as u64;
        let seed = (u64::from(start.repetition) * 100 + place) * 2 + 1;
        if let Some(extent) = warm_up(extent) {
            arm.measure(&self.sysbench, &load(extent, seed + 1)?)?;
        }
        let (outcome, counted) = arm.measure(&self.sysbench, &load(extent, seed)?)?;
        Ok(Sample {
            bed: arm.bed(),
            arm: start.arm.name().to_owned(),
            case: case.clone(),
            repetition: start.repetition,
            requests: outcome.queries,
            transactions: outcome.transactions,
            seconds: outcome.seconds,
            latency: Some(outcome.latency),
            bytes: outcome.transactions * workload::payload_bytes(case, &self.plan.recipe),
            switches: counted.switches,
            instructions: counted.instructions,
            cpu: counted.cpu,
        })
    }
}

/// Statements that read every table of a group's cases, so that the cache has it.
fn reading_all(group: &Group) -> String {
    let mut statements = String::new();
    for table in 1..=TABLES {
        let name = format!("{DATABASE}.sbtest{table}");
        statements += &format!("SELECT COUNT(*), SUM(LENGTH(pad)) FROM {name};\n");
        statements += &format!("SELECT COUNT(*) FROM {name} FORCE INDEX (k_{table}) WHERE k > 0;\n");
    }
    if group
        .cases
        .iter()
        .any(|(case, _)| case.workload.starts_with("ycsb"))
    {
        statements += &format!("SELECT COUNT(*), SUM(LENGTH(field0)) FROM {DATABASE}.usertable;\n");
    }
    if group.cases.iter().any(|(case, _)| case.workload == "tpcc") {
        for table in tpcc::TABLES {
            statements += &format!("SELECT COUNT(*) FROM {DATABASE}.{table};\n");
        }
    }
    let sizes: BTreeSet<u32> = group
        .cases
        .iter()
        .filter_map(|(case, _)| case.row_bytes)
        .collect();
    for bytes in sizes {
        statements += &format!("SELECT COUNT(*), SUM(LENGTH(payload)) FROM {DATABASE}.r{bytes};\n");
    }
    statements
}

/// What a case runs at first, unmeasured. sysbench counts whole seconds: a short run
/// has none.
fn warm_up(extent: Extent) -> Option<Extent> {
    match extent {
        Extent::Seconds(seconds) => Some(seconds * WARM_UP)
            .filter(|seconds| *seconds >= 1.0)
            .map(Extent::Seconds),
        Extent::Events(events) => Some(Extent::Events((events as f64 * WARM_UP).ceil() as u64)),
    }
}

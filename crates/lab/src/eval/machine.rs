//! What this machine is, for a raw file's first line.

use std::{fs, process::Command};

use super::{plan::Plan, sample::Machine};
use crate::{command, mariadb_files::MariadbFiles, vm::Accelerator};

/// Describes this machine and the plan that runs on it. What cannot be read is
/// left empty.
#[must_use]
pub fn describe(files: &MariadbFiles, plan: &Plan) -> Machine {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory_kib = field(&meminfo, "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    Machine {
        processor: field(&cpuinfo, "model name").unwrap_or_default(),
        processors: std::thread::available_parallelism()
            .map_or(0, |count| u32::try_from(count.get()).unwrap_or(0)),
        memory_mib: memory_kib.unwrap_or(0) / 1024,
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
            .unwrap_or_default()
            .trim()
            .to_owned(),
        mariadb: files.debian_version.clone(),
        qemu: qemu(),
        vamos: vamos(),
        settings: settings(plan),
    }
}

fn qemu() -> Option<String> {
    let text = command::output(Command::new("qemu-system-x86_64").arg("--version"), "ask QEMU").ok()?;
    text.lines().next().map(str::to_owned)
}

fn vamos() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut git = Command::new("git");
    git.current_dir(crate::paths::workspace())
        .args(["describe", "--always", "--dirty"]);
    match command::output(&mut git, "ask git for the commit") {
        Ok(commit) => format!("{version} ({})", commit.trim()),
        Err(_) => version.to_owned(),
    }
}

fn settings(plan: &Plan) -> Vec<(String, String)> {
    let mut settings = vec![
        ("rows a table".to_owned(), format!("{} MiB", plan.recipe.mib)),
        (
            "durability".to_owned(),
            "every commit synced, no binary log".to_owned(),
        ),
        ("guest".to_owned(), Accelerator::probe().to_string()),
        ("repetitions".to_owned(), plan.repetitions.to_string()),
    ];
    for group in &plan.groups {
        let name = format!(
            "engine's memory, {}, {}",
            group.data,
            if group.guests == 0 { "native" } else { "guests" }
        );
        settings.push((name, format!("{} MiB", group.settings.engine_mib)));
    }
    settings
}

//! Landlock: which files the worker may reach
//! (Documentation/userspace-api/landlock.rst).
//!
//! The window and the listening socket are open before and need no rule.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use std::path::Path;

/// The newest rules that this code knows; an older kernel applies those it knows.
const KNOWN: ABI = ABI::V6;

/// What the C library and RocksDB read: local time for RocksDB's own log, the
/// number of processors, a random id for a new store. No guest's data is there.
const READABLE: [&str; 4] = [
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/sys/devices/system/cpu/online",
    "/proc/sys/kernel/random/uuid",
];

pub(super) fn confine(store: &Path) -> Result<String, String> {
    let status = restrict(store).map_err(|error| error.to_string())?;
    let detail = format!("files: only {}; no TCP; signals only to itself", store.display());
    match status {
        RulesetStatus::FullyEnforced => Ok(detail),
        RulesetStatus::PartiallyEnforced => Ok(format!("{detail} (as far as this kernel knows them)")),
        RulesetStatus::NotEnforced => Err("this kernel has no Landlock, or it is switched off".into()),
    }
}

fn restrict(store: &Path) -> Result<RulesetStatus, landlock::RulesetError> {
    let own = AccessFs::ReadFile
        | AccessFs::WriteFile
        | AccessFs::ReadDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::Refer
        | AccessFs::Truncate;
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?;
    if let Ok(directory) = PathFd::new(store) {
        ruleset = ruleset.add_rule(PathBeneath::new(directory, own))?;
    }
    for path in READABLE {
        let access = if Path::new(path).is_dir() {
            AccessFs::ReadFile | AccessFs::ReadDir
        } else {
            AccessFs::ReadFile.into()
        };
        if let Ok(file) = PathFd::new(path) {
            ruleset = ruleset.add_rule(PathBeneath::new(file, access))?;
        }
    }
    Ok(ruleset.restrict_self()?.ruleset)
}

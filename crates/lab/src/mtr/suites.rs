//! The suites, and how each is told which engine to test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::{arm::Arm, compare::Plans, tree::Tree};

/// The selection of the server's main suite, one name a line.
const MAIN_SELECTION: &str = "crates/mariadb/tests/mtr/main.list";

/// A suite of MariaDB's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// `storage_engine` with `trx` and `parts`: made for any engine.
    StorageEngine,
    /// `engines/iuds`: inserts, updates and deletes of every type.
    Iuds,
    /// A selection of `main`, with the engine as the default one.
    Main,
}

impl Suite {
    /// All of them.
    pub const ALL: &[Self] = &[Self::StorageEngine, Self::Iuds, Self::Main];

    /// The name by which it is chosen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StorageEngine => "storage_engine",
            Self::Iuds => "iuds",
            Self::Main => "main",
        }
    }

    /// The suite of this name.
    ///
    /// # Errors
    /// If there is none: with those that there are.
    pub fn named(name: &str) -> Result<Self> {
        match Self::ALL.iter().find(|suite| suite.name() == name) {
            Some(suite) => Ok(*suite),
            None => bail!("there is no suite {name:?}; there are storage_engine, iuds and main"),
        }
    }

    /// Makes the suite's files the tree's own.
    pub(super) fn prepare(self, tree: &Tree) -> Result<()> {
        match self {
            Self::StorageEngine => {
                let dir = tree.own_suite("storage_engine")?;
                // What is disabled there is so because the shipped results are
                // stale; ours are recorded anew.
                truncate(&dir.join("disabled.def"))
            }
            Self::Iuds => {
                let dir = tree.own_suite("engines/iuds")?;
                fs::remove_file(dir.join("combinations")).context("cannot remove the suite's combinations")
            }
            Self::Main => tree.own_suite("main").map(drop),
        }
    }

    /// Tells the suite's files which engine to test, and returns the runner's
    /// arguments for it.
    pub(super) fn point_at(self, arm: Arm, tree: &Tree) -> Result<Vec<String>> {
        let mut args = vec!["--mysqld=--loose-innodb".to_owned()];
        match self {
            Self::StorageEngine => {
                let define = tree.tests().join("suite/storage_engine/define_engine.inc");
                fs::write(&define, format!("let $ENGINE = {};\n", arm.engine()))
                    .with_context(|| format!("cannot write {}", define.display()))?;
            }
            Self::Iuds | Self::Main => {
                args.push(format!("--mysqld=--default-storage-engine={}", arm.engine()));
            }
        }
        tree.use_arm(arm)?;
        Ok(args)
    }

    /// The names of its tests, as the runner wants them.
    pub(super) fn tests(self, tree: &Tree) -> Result<Vec<String>> {
        let suites = tree.tests().join("suite");
        match self {
            Self::StorageEngine => {
                let mut names = Vec::new();
                for part in ["storage_engine", "storage_engine/parts", "storage_engine/trx"] {
                    names.extend(tests_in(&suites.join(part), part)?);
                }
                Ok(names)
            }
            Self::Iuds => tests_in(&suites.join("engines/iuds/t"), "engines/iuds"),
            Self::Main => selection(),
        }
    }

    /// Whether its tests are about plans. Those of `main` show them beside the
    /// results, which are what counts; our own script `plans` compares plans.
    pub(super) fn plans(self) -> Plans {
        match self {
            Self::StorageEngine | Self::Iuds => Plans::Matter,
            Self::Main => Plans::AreFree,
        }
    }

    /// Where the recorded result of a test lies.
    pub(super) fn result_file(self, tree: &Tree, test: &str) -> PathBuf {
        let (suite, name) = test.split_once('.').unwrap_or((test, ""));
        match self {
            Self::StorageEngine => tree.tests().join(format!("suite/{suite}/{name}.result")),
            Self::Iuds => tree.tests().join(format!("suite/{suite}/r/{name}.result")),
            Self::Main => tree.tests().join(format!("main/{name}.result")),
        }
    }
}

fn truncate(file: &Path) -> Result<()> {
    fs::write(file, "").with_context(|| format!("cannot empty {}", file.display()))
}

fn tests_in(dir: &Path, suite: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "test")
            && let Some(name) = path.file_stem()
        {
            names.push(format!("{suite}.{}", name.to_string_lossy()));
        }
    }
    names.sort();
    Ok(names)
}

fn selection() -> Result<Vec<String>> {
    let path = crate::paths::workspace().join(MAIN_SELECTION);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let names = text.lines().map(str::trim);
    Ok(names
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|name| format!("main.{name}"))
        .collect())
}

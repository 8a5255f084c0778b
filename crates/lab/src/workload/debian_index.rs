//! The machine's own Debian package index, as tables.
//!
//! It is at hand on every Debian machine, and it is real: some 65,000 packages
//! and 365,000 dependencies, with names of very different lengths, skewed
//! sections and maintainers, and text in several languages' alphabets.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{command, packages};

mod control;
mod tsv;

use control::Package;

/// A file of rows for `LOAD DATA INFILE`, with MariaDB's default separators and
/// escapes.
#[derive(Debug, Clone)]
pub struct TableFile {
    /// The file.
    pub path: PathBuf,
    /// How many rows are in it.
    pub rows: u64,
}

impl TableFile {
    /// The file's size in bytes.
    ///
    /// # Errors
    /// If the file is gone.
    pub fn bytes(&self) -> Result<u64> {
        let metadata = fs::metadata(&self.path);
        Ok(metadata
            .with_context(|| format!("cannot read {}", self.path.display()))?
            .len())
    }
}

/// The index as two table files.
#[derive(Debug, Clone)]
pub struct DebianIndex {
    /// `packages.tsv`: id (from 1), name, version, architecture, section,
    /// priority, maintainer, installed size in KiB, size in bytes, SHA-256,
    /// description. Ordered by id; names ascend with it.
    pub packages: TableFile,
    /// `dependencies.tsv`: package id, kind (such as `Depends`), position (from
    /// 0, within package and kind), target, version constraint. An alternative
    /// (`a | b`) has a position for each of its targets.
    pub dependencies: TableFile,
}

/// Writes the index's tables into the directory `dir`: all packages, or about
/// `limit` of them, spread evenly. The same index gives the same files.
///
/// # Errors
/// If apt has no package lists and can't fetch them, or the files can't be
/// written.
pub fn write(dir: &Path, limit: Option<usize>) -> Result<DebianIndex> {
    let mut all = Vec::new();
    for list in package_lists()? {
        control::parse(&read_list(&list)?, &mut all);
    }
    let chosen = choose(all, limit);
    Ok(DebianIndex {
        packages: write_table(&dir.join("packages.tsv"), |out| write_packages(&chosen, out))?,
        dependencies: write_table(&dir.join("dependencies.tsv"), |out| {
            write_dependencies(&chosen, out)
        })?,
    })
}

/// Debian's package lists on this machine.
fn package_lists() -> Result<Vec<String>> {
    if packages::lists_are_empty()? {
        packages::update()?;
    }
    let targets = command::output(
        Command::new("apt-get").args([
            "indextargets",
            "--format",
            "$(ORIGIN)\t$(FILENAME)",
            "Created-By: Packages",
        ]),
        "ask apt for its package lists",
    )?;
    let lists: Vec<String> = targets
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(origin, _)| *origin == "Debian")
        .map(|(_, file)| file.to_owned())
        .collect();
    if lists.is_empty() {
        bail!("apt has no Debian package list on this machine: run `apt-get update`");
    }
    Ok(lists)
}

/// Reads a list, which apt may keep compressed.
fn read_list(file: &str) -> Result<String> {
    let text = command::output_bytes(
        Command::new("/usr/lib/apt/apt-helper").args(["cat-file", file]),
        "read apt's package list",
    )?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Orders the packages, each only once, and takes every n-th.
fn choose(mut all: Vec<Package>, limit: Option<usize>) -> Vec<Package> {
    all.sort_by(|a, b| a.key().cmp(&b.key()));
    all.dedup_by(|a, b| a.key() == b.key());
    let step = limit.map_or(1, |limit| all.len().div_ceil(limit.max(1)));
    all.into_iter().step_by(step.max(1)).collect()
}

fn write_table(path: &Path, rows: impl FnOnce(&mut dyn Write) -> std::io::Result<u64>) -> Result<TableFile> {
    let write = || {
        let mut out = BufWriter::new(File::create(path)?);
        let rows = rows(&mut out)?;
        out.flush()?;
        Ok::<u64, std::io::Error>(rows)
    };
    let rows = write().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(TableFile {
        path: path.to_path_buf(),
        rows,
    })
}

fn write_packages(packages: &[Package], out: &mut dyn Write) -> std::io::Result<u64> {
    let mut row = tsv::Row::default();
    for (package, id) in packages.iter().zip(1u64..) {
        row.number(Some(id))
            .text(Some(&package.name))
            .text(Some(&package.version))
            .text(Some(&package.architecture))
            .text(package.section.as_deref())
            .text(package.priority.as_deref())
            .text(package.maintainer.as_deref())
            .number(package.installed_kib)
            .number(package.size)
            .text(package.sha256.as_deref())
            .text(package.description.as_deref())
            .write(out)?;
    }
    Ok(packages.len() as u64)
}

fn write_dependencies(packages: &[Package], out: &mut dyn Write) -> std::io::Result<u64> {
    let mut row = tsv::Row::default();
    let mut rows = 0;
    for (package, id) in packages.iter().zip(1u64..) {
        for (kind, list) in &package.relations {
            for (relation, position) in control::relations(list).zip(0u64..) {
                row.number(Some(id))
                    .text(Some(kind))
                    .number(Some(position))
                    .text(Some(relation.target))
                    .text(relation.constraint)
                    .write(out)?;
                rows += 1;
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "Package: b\nVersion: 1\nArchitecture: all\nDepends: x (>= 1), y | z\n\n\
                        Package: a\nVersion: 2\nArchitecture: all\nDescription: tab\there\n\n\
                        Package: b\nVersion: 1\nArchitecture: all\nDepends: other\n";

    fn chosen(limit: Option<usize>) -> Vec<Package> {
        let mut all = Vec::new();
        control::parse(LIST, &mut all);
        choose(all, limit)
    }

    #[test]
    fn packages_are_ordered_and_unique() {
        let mut out = Vec::new();
        assert_eq!(write_packages(&chosen(None), &mut out).expect("write"), 2);
        let text = String::from_utf8(out).expect("utf-8");
        let expected = "1\ta\t2\tall\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\ttab\\there\n\
                        2\tb\t1\tall\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn dependencies_have_a_position_each() {
        let mut out = Vec::new();
        assert_eq!(write_dependencies(&chosen(None), &mut out).expect("write"), 3);
        let text = String::from_utf8(out).expect("utf-8");
        assert_eq!(
            text,
            "2\tDepends\t0\tx\t>= 1\n2\tDepends\t1\ty\t\\N\n2\tDepends\t2\tz\t\\N\n"
        );
    }

    #[test]
    fn a_limit_spreads_over_the_index() {
        assert_eq!(chosen(Some(1)).len(), 1);
        assert_eq!(chosen(Some(2)).len(), 2);
        assert_eq!(chosen(Some(50)).len(), 2);
    }
}

//! SQL scripts that must print the same on two storage engines.
//!
//! A script names its engine `$ENGINE`. It is run in a database of its own, once
//! with VAMOS and once with InnoDB, by the command-line client, which goes on
//! after an error and prints it: so errors are compared too. A script with a
//! file `NAME.expected` beside it is run with VAMOS only and compared with that
//! file: for what VAMOS refuses and InnoDB does not. Of what EXPLAIN prints the
//! estimated rows and the Extra column are left out.

use std::{
    fs,
    io::{Seek, Write},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::native::NativeServer;

/// A script and what it is compared with.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its name: the file's, without `.sql`.
    pub name: String,
    text: String,
    expected: Option<String>,
}

/// How a script's two outputs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line, counted from 1.
    pub line: usize,
    /// What was expected there.
    pub expected: String,
    /// What VAMOS printed.
    pub got: String,
}

impl Script {
    /// All scripts of a directory, by name.
    ///
    /// # Errors
    /// If it cannot be read, or has none.
    pub fn all_in(dir: &Path) -> Result<Vec<Self>> {
        let mut paths: Vec<PathBuf> = fs::read_dir(dir)
            .with_context(|| format!("cannot list {}", dir.display()))?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
            .collect();
        paths.sort();
        if paths.is_empty() {
            bail!("there is no SQL script in {}", dir.display());
        }
        paths.iter().map(|path| Self::load(path)).collect()
    }

    fn load(path: &Path) -> Result<Self> {
        let expected = path.with_extension("expected");
        let read =
            |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
        Ok(Self {
            name: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            text: read(path)?,
            expected: if expected.exists() {
                Some(read(&expected)?)
            } else {
                None
            },
        })
    }

    /// Runs it and returns the first difference, if there is one.
    ///
    /// # Errors
    /// If the client cannot be run or the server went away.
    pub fn compare(&self, server: &NativeServer) -> Result<Option<Difference>> {
        let got = self.output(server, "VAMOS")?;
        let expected = match &self.expected {
            Some(expected) => expected.clone(),
            None => self.output(server, "InnoDB")?,
        };
        Ok(first_difference(&expected, &got))
    }

    /// What the script prints with an engine. The engine's name is replaced by
    /// `$ENGINE` in it.
    ///
    /// # Errors
    /// If the client cannot be run or the server went away.
    pub fn output(&self, server: &NativeServer, engine: &str) -> Result<String> {
        let database = format!(
            "script_{}",
            self.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
        );
        // On the script's first line, so that errors name the script's own lines.
        let around = |text: &str| {
            format!("DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}; USE {database}; {text}")
        };
        let output = run(
            server.client_command(),
            &around(&self.text.replace("$ENGINE", engine)),
        )?;
        server
            .sql(&format!("DROP DATABASE {database}"))
            .with_context(|| format!("after the script {} with {engine}", self.name))?;
        Ok(without_estimates(&output.replace(engine, "$ENGINE")))
    }
}

/// Takes the columns that depend on the engine out of what EXPLAIN prints.
fn without_estimates(output: &str) -> String {
    const HEAD: &str = "id\tselect_type\ttable\ttype\tpossible_keys\tkey\tkey_len\tref\trows\tExtra";
    const COMPARED: usize = 8;
    let mut in_plan = false;
    let mut kept = String::with_capacity(output.len());
    for line in output.split_inclusive('\n') {
        let columns: Vec<_> = line.trim_end_matches('\n').split('\t').collect();
        in_plan = columns.len() == 10 && (in_plan || line.trim_end() == HEAD);
        match in_plan {
            true => kept.push_str(&(columns[..COMPARED].join("\t") + "\n")),
            false => kept.push_str(line),
        }
    }
    kept
}

/// Runs statements; an error does not end them and appears in the output at its
/// place.
fn run(mut client: Command, statements: &str) -> Result<String> {
    let mut input = tempfile::tempfile().context("cannot make a temporary file")?;
    input
        .write_all(statements.as_bytes())
        .and_then(|()| input.rewind())
        .context("cannot write a temporary file")?;
    let output = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
    let both = output.as_file();
    client
        .args(["--force", "--unbuffered", "--column-names"])
        .stdin(input)
        .stdout(both.try_clone().context("cannot share a file")?)
        .stderr(both.try_clone().context("cannot share a file")?)
        .status()
        .context("cannot run the MariaDB client")?;
    let bytes = fs::read(output.path()).context("cannot read what the client printed")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn first_difference(expected: &str, got: &str) -> Option<Difference> {
    let (mut expected, mut got) = (expected.lines(), got.lines());
    (1..)
        .map_while(|line| match (expected.next(), got.next()) {
            (None, None) => None,
            (expected, got) => Some((line, expected, got)),
        })
        .find(|(_, expected, got)| expected != got)
        .map(|(line, expected, got)| Difference {
            line,
            expected: expected.unwrap_or("(nothing more)").to_owned(),
            got: got.unwrap_or("(nothing more)").to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_compared_without_estimates() {
        let head = "id\tselect_type\ttable\ttype\tpossible_keys\tkey\tkey_len\tref\trows\tExtra\n";
        let plan = "1\tSIMPLE\tt\tref\ta\ta\t4\tconst\t17\tUsing where\n";
        let output = format!("1\t2\n{head}{plan}x\ty\n");
        let kept = without_estimates(&output);
        assert!(kept.contains("\tconst\n") && !kept.contains("17"), "{kept}");
        assert!(kept.starts_with("1\t2\n") && kept.ends_with("x\ty\n"), "{kept}");
    }

    #[test]
    fn the_first_difference_is_found() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        let difference = first_difference("a\nb\n", "a\n").unwrap();
        assert_eq!((difference.line, difference.got.as_str()), (2, "(nothing more)"));
    }
}

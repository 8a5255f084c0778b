//! The raw file of an evaluation: one [`Line`] of JSON after the other.
//!
//! Each line is handed to the kernel whole, as soon as it is measured, so that
//! a run that is interrupted loses at most the measurement it was at; the next
//! run appends to the same file.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::sample::Line;

/// A raw file that lines are appended to.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
}

impl Writer {
    /// Opens the file for appending; makes it where there is none. What an
    /// interrupted run left half-written at its end is cut off.
    ///
    /// # Errors
    /// If the file cannot be opened, read or cut.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .with_context(|| format!("opening {}", path.display()))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .with_context(|| format!("reading {}", path.display()))?;
        let whole = whole_lines(&bytes).len();
        if whole < bytes.len() {
            file.set_len(whole as u64)
                .with_context(|| format!("cutting {}", path.display()))?;
            file.seek(SeekFrom::End(0))
                .with_context(|| format!("seeking in {}", path.display()))?;
        }
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// If it cannot be written, or could not be read back: JSON has no number
    /// for infinity, nor for what is none.
    pub fn append(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_string(line).context("writing a raw row as JSON")?;
        let read_back: Result<Line, _> = serde_json::from_str(&text);
        ensure!(
            read_back.is_ok(),
            "a raw row with a number that JSON does not have: {line:?}"
        );
        text.push('\n');
        self.file
            .write_all(text.as_bytes())
            .with_context(|| format!("appending to {}", self.path.display()))
    }
}

/// Reads a raw file. A last line without its newline is half-written: it is
/// dropped, and so are empty lines.
///
/// # Errors
/// If the file cannot be read, or if a line is broken: with its number.
pub fn read(path: &Path) -> Result<Vec<Line>> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    whole_lines(&bytes)
        .split(|&byte| byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .map(|(index, line)| {
            serde_json::from_slice(line)
                .with_context(|| format!("{}: line {} is no raw row", path.display(), index + 1))
        })
        .collect()
}

/// The bytes up to and with the last newline.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::sample::Pair;

    fn line(ours: f64) -> Line {
        Line::Pair(Pair {
            measure: "lane_round_trip".into(),
            peer: "cache_line".into(),
            repetition: 0,
            ours,
            theirs: 80.5,
            unit: "ns".into(),
        })
    }

    #[test]
    fn an_interrupted_run_goes_on_where_it_stopped() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("raw.jsonl");
        let mut writer = Writer::open(&path).expect("open");
        writer.append(&line(100.0)).expect("append");
        drop(writer);
        let mut file = OpenOptions::new().append(true).open(&path).expect("open");
        file.write_all(br#"{"kind":"pair","mea"#).expect("half a line");
        assert_eq!(read(&path).expect("read"), [line(100.0)]);

        let mut writer = Writer::open(&path).expect("open again");
        writer.append(&line(101.0)).expect("append");
        assert_eq!(read(&path).expect("read"), [line(100.0), line(101.0)]);
    }

    #[test]
    fn a_broken_line_is_named() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("raw.jsonl");
        let mut writer = Writer::open(&path).expect("open");
        writer.append(&line(1.0)).expect("append");
        let mut file = OpenOptions::new().append(true).open(&path).expect("open");
        file.write_all(b"{\"kind\":\"pear\"}\n")
            .expect("a line of another kind");
        let error = format!("{:#}", read(&path).expect_err("broken"));
        assert!(error.contains("raw.jsonl: line 2"), "{error}");
        assert!(error.contains("pear"), "{error}");
    }

    #[test]
    fn what_could_not_be_read_back_is_not_written() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("raw.jsonl");
        let mut writer = Writer::open(&path).expect("open");
        writer.append(&line(f64::INFINITY)).expect_err("infinite");
        assert_eq!(read(&path).expect("read"), []);
    }
}

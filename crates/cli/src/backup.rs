//! `vamos backup` and `vamos restore`.

use crate::report::{align_right, bytes, count, table};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vamos_host::backup::{Manifest, Repository, back_up, restore};
use vamos_host::config::DEFAULT_STATUS_SOCKET;

/// `vamos backup`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Backup {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// vamosd's status socket: `status_socket` in its configuration.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_STATUS_SOCKET)]
    socket: PathBuf,
    /// Whose store: the guest's name in the configuration.
    #[arg(long, value_name = "NAME", required = true)]
    guest: Option<String>,
    /// The directory of backups; made if it does not exist.
    #[arg(long, value_name = "DIR", required = true)]
    to: Option<PathBuf>,
    /// Then removes all but the newest so many backups of this guest.
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Lists the backups in a directory.
    List {
        /// The directory of backups.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
    /// Reads backups and holds each file against its hash.
    Verify {
        /// The directory of backups.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// Only this backup.
        #[arg(long, value_name = "NUMBER")]
        number: Option<u64>,
    },
}

/// `vamos restore`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The directory of backups.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The backup; default: the newest.
    #[arg(long, value_name = "NUMBER")]
    number: Option<u64>,
    /// Of this guest, if there are backups of several.
    #[arg(long, value_name = "NAME")]
    guest: Option<String>,
    /// The store's directory, which must not exist or be empty.
    #[arg(long, value_name = "STORE_DIR")]
    to: PathBuf,
    /// Whose it is to be: the guest's `user` in vamosd's configuration.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

impl Backup {
    /// Does what is asked; what to tell the operator.
    pub(crate) fn run(&self) -> Result<String> {
        match &self.command {
            Some(BackupCommand::List { from }) => list(&Repository::open(from)?),
            Some(BackupCommand::Verify { from, number }) => verify(&Repository::open(from)?, *number),
            None => self.back_up(),
        }
    }

    fn back_up(&self) -> Result<String> {
        let guest = self.guest.as_deref().context("--guest is missing")?;
        let repository = Repository::create(self.to.as_deref().context("--to is missing")?)?;
        let summary = back_up(&self.socket, guest, &repository, || {
            eprintln!("the checkpoint is taken; what is committed from now on is not in this backup");
        })?;
        let mut text = format!(
            "backup {} of {guest}: {} files, {}; {} files copied, {}",
            summary.manifest.number,
            count(summary.manifest.files.len() as u64),
            bytes(summary.manifest.bytes()),
            count(summary.copied_files),
            bytes(summary.copied_bytes),
        );
        if let Some(keep) = self.keep {
            let removed = repository.keep(guest, keep)?;
            text.push_str(&format!("; {removed} older backups removed"));
        }
        Ok(text)
    }
}

fn list(repository: &Repository) -> Result<String> {
    let mut rows = table(&["number", "guest", "taken (UTC)", "files", "size"]);
    for backup in repository.list()? {
        rows.add_row([
            backup.number.to_string(),
            backup.guest.clone(),
            date(backup.taken),
            count(backup.files.len() as u64),
            bytes(backup.bytes()),
        ]);
    }
    align_right(&mut rows, 3);
    Ok(rows.to_string())
}

fn verify(repository: &Repository, number: Option<u64>) -> Result<String> {
    let backups = match number {
        Some(number) => vec![repository.find(Some(number), None)?],
        None => repository.list()?,
    };
    let mut wrong = Vec::new();
    for backup in &backups {
        let of = |what: String| format!("backup {}: {what}", backup.number);
        wrong.extend(repository.verify(backup).into_iter().map(of));
    }
    match wrong.is_empty() {
        true => Ok(format!("{} backups are whole", backups.len())),
        false => bail!("{}", wrong.join("\n")),
    }
}

impl Restore {
    /// Restores; what to tell the operator.
    pub(crate) fn run(&self) -> Result<String> {
        let repository = Repository::open(&self.from)?;
        let backup: Manifest = repository.find(self.number, self.guest.as_deref())?;
        restore(&repository, &backup, &self.to, self.user.as_deref())?;
        Ok(format!(
            "backup {} of {}, taken {} UTC, restored into {}: {} files, {}",
            backup.number,
            backup.guest,
            date(backup.taken),
            self.to.display(),
            count(backup.files.len() as u64),
            bytes(backup.bytes()),
        ))
    }
}

/// A moment as `2026-01-31 23:59:59`.
fn date(seconds: u64) -> String {
    let moment = UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .unwrap_or(SystemTime::UNIX_EPOCH);
    let text = humantime::format_rfc3339_seconds(moment).to_string();
    text.replace('T', " ").trim_end_matches('Z').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_readable() {
        assert_eq!(date(0), "1970-01-01 00:00:00");
        assert_eq!(date(1_706_745_599), "2024-01-31 23:59:59");
    }
}

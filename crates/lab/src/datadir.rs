//! A freshly installed MariaDB data directory, made once and copied after that.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    command,
    mariadb_files::MariadbFiles,
    paths::{self, Lock},
};

/// Accounts for clients that come over the network, which in the laboratory
/// means the loopback interface.
const ACCOUNTS: &str = "\
FLUSH PRIVILEGES;
CREATE USER root@'%';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
";

/// The template's directory; the template is made at the first call.
pub(crate) fn template(files: &MariadbFiles) -> Result<PathBuf> {
    let _lock = Lock::wait("datadir")?;
    let dir = paths::lab_dir()?.join(format!("datadir-template-{}", files.version));
    paths::make_whole(&dir, |dir| install(files, dir))?;
    Ok(dir)
}

/// Copies the template to `to`, which must not exist yet.
pub(crate) fn copy(files: &MariadbFiles, to: &Path) -> Result<()> {
    command::run(
        Command::new("cp")
            // -H: the template may be a link; a copy of a link would be the template.
            .args(["-aH", "--reflink=auto", "--sparse=always"])
            .arg(template(files)?)
            .arg(to),
        "copy MariaDB's data directory",
    )
}

fn install(files: &MariadbFiles, dir: &Path) -> Result<()> {
    println!("lab: making a MariaDB {} data directory", files.version);
    let accounts = dir.with_extension("sql");
    fs::write(&accounts, ACCOUNTS).context("cannot write the accounts for MariaDB")?;
    let root = files.root();
    let done = command::run(
        Command::new(root.join("usr/bin/mariadb-install-db"))
            .arg("--no-defaults")
            .arg(format!("--basedir={}", root.join("usr").display()))
            .arg(format!("--datadir={}", dir.display()))
            .arg(format!("--extra-file={}", accounts.display()))
            .args(["--user=root", "--auth-root-authentication-method=normal"])
            .args(["--skip-test-db", "--skip-name-resolve", "--force"]),
        "make a MariaDB data directory",
    );
    let _ = fs::remove_file(&accounts);
    done
}

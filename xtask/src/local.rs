//! `cargo xtask local`: MariaDB with VAMOS on this machine, without a guest.

use crate::artifacts::Artifacts;
use anyhow::Result;
use std::path::PathBuf;
use vamos_lab::local::{LocalOptions, LocalStack};
use vamos_lab::run_dir;

/// The command's arguments.
#[derive(clap::Args)]
pub(crate) struct Local {
    /// Keep MariaDB's data and the store in this directory; without it they are
    /// gone when the command ends.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Let MariaDB listen on this TCP port of the loopback interface too.
    #[arg(long)]
    port: Option<u16>,
    /// An option for mariadbd; may be given again.
    #[arg(long = "mariadb-arg", value_name = "OPTION", allow_hyphen_values = true)]
    mariadb_args: Vec<String>,
}

impl Local {
    /// Runs until Ctrl-C.
    pub(crate) fn run(self) -> Result<()> {
        let artifacts = Artifacts::build()?;
        let options = LocalOptions {
            mariadb_args: self.mariadb_args,
            port: self.port,
            state: self.state,
            ..LocalOptions::default()
        };
        let mut stack = LocalStack::start(&artifacts.mariadb, &artifacts.programs, options)?;
        println!(
            "\nMariaDB {} with ENGINE=VAMOS is up. Connect with:",
            artifacts.mariadb.version
        );
        println!("    {}", stack.server.connect_hint());
        if let Some(port) = self.port {
            println!("    or on 127.0.0.1:{port}");
        }
        println!("See the host's side with:\n    {}", stack.status_hint());
        println!(
            "Logs: {}\n      {}",
            stack.server.log().display(),
            stack.daemon.log().display()
        );
        println!("Ctrl-C stops both.");
        run_dir::wait_for_signal()?;
        println!("stopping ...");
        stack.server.shutdown()?;
        stack.daemon.stop()
    }
}

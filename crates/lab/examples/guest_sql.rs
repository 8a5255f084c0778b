//! Boots a guest with both engines and runs SQL in it: to look into something.
//!
//! `cargo run -p vamos-lab --example guest_sql -- TARGET_DIR/release 'SQL' ...`
//! after `cargo xtask build`. A failed statement is shown with the guest's
//! console and the daemon's log.

use anyhow::{Context, Result};
use vamos_lab::guest_stack::{GuestStack, GuestStackOptions};
use vamos_lab::local::Programs;
use vamos_lab::mariadb_files::MariadbFiles;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let built = std::path::PathBuf::from(arguments.next().context("which directory has the programs?")?);
    let programs = Programs {
        vamosd: built.join("vamosd"),
        vamos: built.join("vamos"),
        plugin: built.join("ha_vamos.so"),
    };
    let mut stack = GuestStack::start(&programs, &MariadbFiles::fetch()?, &GuestStackOptions::default())?;
    println!(
        "the guest is up after {:.1} s",
        stack.vm.boot_time().as_secs_f64()
    );
    for statement in arguments {
        println!("> {statement}");
        // As in the client, `!` leads a shell command.
        let answer = match statement.strip_prefix('!') {
            Some(command) => stack.vm.run(command),
            None => stack.vm.sql(&statement),
        };
        match answer {
            Ok(output) => print!("{output}"),
            Err(error) => {
                println!("{error:#}");
                println!("--- console\n{}", tail(&stack.vm.console_log()));
                println!("--- vamosd\n{}", tail(stack.daemon.log()));
            }
        }
    }
    stack.vm.shutdown()?;
    stack.daemon.stop()
}

fn tail(path: &std::path::Path) -> String {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(80)..].join("\n")
}

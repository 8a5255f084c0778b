//! A store that is to keep out of the page cache, on a file system that cannot.
//!
//! The process that opens it is this test's own binary, in a mount namespace of its own
//! where the directory is a ramfs: one that has no direct I/O, and needs no privilege.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use vamos_store::{Store, StoreOptions};

const DIRECTORY: &str = "VAMOS_STORE_DIRECT_IO_DIRECTORY";

fn open(directory: &Path, direct_io: bool) -> Result<(), String> {
    let options = StoreOptions {
        direct_io,
        ..StoreOptions::new(directory)
    };
    Store::open(options).map(drop).map_err(|error| error.to_string())
}

#[test]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let directory = Path::new(&directory);
    println!("without: {:?}", open(&directory.join("without"), false));
    println!("with: {:?}", open(&directory.join("with"), true));
}

fn unshared(command: &str) -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "--mount", "sh", "-c", command, "sh"]);
    unshare
}

#[test]
fn a_file_system_without_direct_io_is_refused_with_what_to_do() {
    if !unshared("true").status().is_ok_and(|status| status.success()) {
        eprintln!("not tried: this user may not make a mount namespace");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let output = unshared("mount -t ramfs ramfs \"$1\" && shift && exec \"$@\"")
        .arg(directory.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("without: Ok"), "{text}{errors}");
    assert!(
        text.contains("with: Err") && text.contains("set direct_io = false"),
        "{text}{errors}"
    );
}

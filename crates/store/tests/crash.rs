//! Kills a process that commits, again and again, and looks whether every
//! acknowledged row is there and none is half there; and the same where the disk
//! takes no more.
//!
//! The killed process is this test's own binary, started with an environment
//! variable that makes its test `child` work instead of passing at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pollster::block_on;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, mpsc};
use vamos_proto::{
    CommitId, CommitOutcome, Counter, CounterRaise, Durability, ErrorCode, Lock, RowBlockBuilder, Write,
    WriteOp,
};
use vamos_store::{Store, StoreError, StoreOptions, TransactionOptions};

const DIRECTORY: &str = "VAMOS_STORE_CRASH_DIRECTORY";
const FULL_DIRECTORY: &str = "VAMOS_STORE_FULL_DIRECTORY";
const BROKEN_DIRECTORY: &str = "VAMOS_STORE_BROKEN_DIRECTORY";
const BEGIN: &str = "VAMOS_STORE_CRASH_BEGIN";
const ROUNDS: usize = 25;
const THREADS: u8 = 4;
/// Entries that each transaction writes to each of two indexes.
const ENTRIES: u8 = 3;

fn open(directory: &Path) -> Arc<Store> {
    let mut options = StoreOptions::new(directory);
    // Small, so that flushes and compactions are among what is interrupted.
    options.write_buffer_bytes = 256 << 10;
    options.cache_bytes = 1 << 20;
    Store::open(options).unwrap()
}

fn keys(thread: u8, number: u64) -> Vec<Vec<u8>> {
    (0..ENTRIES)
        .map(|n| [&[thread][..], &number.to_be_bytes(), &[n]].concat())
        .collect()
}

fn id(thread: u8, number: u64) -> CommitId {
    CommitId {
        session: [thread; 16],
        number,
    }
}

fn try_commit_one(store: &Arc<Store>, thread: u8, number: u64) -> Result<(), StoreError> {
    let table = store.open_table("t").unwrap();
    let keys = keys(thread, number);
    let value = vec![thread; 300];
    let ops = table
        .indexes
        .iter()
        .flat_map(|&index| keys.iter().map(move |key| (index, key)))
        .map(|(index, key)| WriteOp::Insert {
            index,
            key,
            value: &value,
        })
        .collect();
    let raise = vec![CounterRaise {
        table: table.table,
        counter: Counter::RowId,
        next: number,
    }];
    let write = Write {
        ops,
        raise,
        row_delta: 1,
        answer: true,
        table: table.table,
    };
    let mut transaction = store.begin(TransactionOptions::default());
    block_on(transaction.apply(&write))?;
    block_on(transaction.commit(Durability::Commit, id(thread, number)))
}

/// The process that is killed: commits from several threads and prints each
/// commit that was acknowledged.
#[test]
fn child() {
    let (Ok(directory), Ok(begin)) = (std::env::var(DIRECTORY), std::env::var(BEGIN)) else {
        return;
    };
    let begin: u64 = begin.parse().unwrap();
    let store = open(Path::new(&directory));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                for number in begin.. {
                    try_commit_one(store, thread, number).unwrap();
                    let line = format!("done {thread} {number} .\n");
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            });
        }
    });
}

/// Runs the child until it has acknowledged so many commits, kills it, and returns
/// all that it acknowledged.
fn run_and_kill(directory: &Path, begin: u64, enough: usize) -> Vec<(u8, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(BEGIN, begin.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, commits) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = output.lines().map_while(Result::ok);
        // Until the child is dead and all that it printed is read.
        lines
            .filter_map(|line| acknowledged(&line))
            .for_each(|commit| sender.send(commit).unwrap());
    });
    let mut done: Vec<_> = commits.iter().take(enough).collect();
    child.kill().unwrap();
    assert_eq!(
        child.wait().unwrap().signal(),
        Some(9),
        "it ended by itself after {} commits",
        done.len()
    );
    done.extend(commits);
    done
}

/// The process whose disk fills up: its files may not grow beyond a size.
#[test]
fn child_on_full_disk() {
    let Ok(directory) = std::env::var(FULL_DIRECTORY) else {
        return;
    };
    let mut options = StoreOptions::new(&directory);
    options.cache_bytes = 1 << 20;
    let store = Store::open(options).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                let failure = (1..100_000).find_map(|number| {
                    let failure = try_commit_one(store, thread, number).err();
                    if failure.is_none() {
                        println!("done {thread} {number} .");
                    }
                    failure
                });
                assert_eq!(failure.unwrap().code(), ErrorCode::Storage);
            });
        }
    });
    assert_eq!(
        try_commit_one(&store, 0, 200_000).unwrap_err().code(),
        ErrorCode::Storage
    );
    let status = store.status();
    assert!(status.failed && status.commits_failed > 0, "{status:?}");
    assert_eq!((status.locks_held, status.transactions), (0, 0));
    // Reading goes on.
    let table = store.open_table("t").unwrap();
    let mut rows = RowBlockBuilder::new();
    let mut transaction = store.begin(TransactionOptions::default());
    let key = &keys(0, 1)[0];
    let found = block_on(transaction.get(table.indexes[0], key, Lock::None, None, &mut rows));
    assert!(found.unwrap());
    println!("orderly end");
}

/// Runs a child that cannot write more than 4 MB to a file.
fn run_with_small_files(child: &str, variable: &str, directory: &Path) -> Output {
    Command::new("sh")
        // 512-byte blocks; whoever ignores the signal gets an error from write(2).
        .args(["-c", "trap '' XFSZ; ulimit -f 8000; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", child, "--nocapture", "--test-threads=1"])
        .env(variable, directory)
        .output()
        .unwrap()
}

/// The same, where the store is to end the process.
#[test]
fn child_on_broken_disk() {
    let Ok(directory) = std::env::var(BROKEN_DIRECTORY) else {
        return;
    };
    let mut options = StoreOptions::new(&directory);
    options.when_broken = Some(|| std::process::abort());
    let store = Store::open(options).unwrap();
    for number in 1..100_000 {
        if let Err(error) = try_commit_one(&store, 0, number) {
            println!("a failure was reported: {error}");
        }
        println!("done 0 {number} .");
    }
}

#[test]
fn broken_disk_ends_the_process_before_anybody_is_told() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).create_table("t", b"", 2, [1, 1]).unwrap();
    let output = run_with_small_files("child_on_broken_disk", BROKEN_DIRECTORY, directory.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.signal(), Some(6), "{text}");
    assert!(!text.contains("a failure was reported"), "{text}");
    let done: BTreeSet<_> = text.lines().filter_map(acknowledged).collect();
    assert!(done.len() > 100, "only {} commits were acknowledged", done.len());
    // Opened anew, the store has what was acknowledged and takes commits.
    check(directory.path(), &done);
    try_commit_one(&open(directory.path()), 1, 200_000).unwrap();
}

#[test]
fn full_disk_fails_commits_and_loses_none() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).create_table("t", b"", 2, [1, 1]).unwrap();
    let output = run_with_small_files("child_on_full_disk", FULL_DIRECTORY, directory.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("orderly end"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let done: BTreeSet<_> = text.lines().filter_map(acknowledged).collect();
    assert!(done.len() > 100, "only {} commits were acknowledged", done.len());
    check(directory.path(), &done);
}

/// A whole line only: without its full stop the kill has cut it off.
fn acknowledged(line: &str) -> Option<(u8, u64)> {
    let (_, rest) = line.strip_suffix(" .")?.split_once("done ")?;
    let (thread, number) = rest.split_once(' ')?;
    Some((thread.parse().ok()?, number.parse().ok()?))
}

#[test]
fn acknowledged_commits_survive_kills() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).create_table("t", b"", 2, [1, 1]).unwrap();
    let mut all = BTreeSet::new();
    let mut begin = 1;
    for round in 0..ROUNDS {
        // From a few commits to so many that files are written and compacted.
        let enough = 5 + (round * 37) % 200;
        all.extend(run_and_kill(directory.path(), begin, enough));
        begin = check(directory.path(), &all) + 1;
    }
}

/// Checks the whole store; returns the highest number in it.
fn check(directory: &Path, acknowledged: &BTreeSet<(u8, u64)>) -> u64 {
    let store = open(directory);
    let table = store.open_table("t").unwrap();
    let highest = table.counters[1];
    let mut found = 0;
    let mut transaction = store.begin(TransactionOptions::default());
    for thread in 0..THREADS {
        for number in 1..=highest + 1 {
            let mut rows = RowBlockBuilder::new();
            let keys = keys(thread, number);
            let keys: Vec<_> = keys.iter().map(|key| &key[..]).collect();
            for &index in &table.indexes {
                block_on(transaction.multi_get(index, &keys, Lock::None, &mut rows, usize::MAX)).unwrap();
            }
            let whole = rows.rows() == usize::from(ENTRIES) * 2;
            assert!(whole || rows.rows() == 0, "{thread} {number} is half there");
            if acknowledged.contains(&(thread, number)) {
                assert!(whole, "{thread} {number} was acknowledged and is lost");
                let outcome = block_on(store.outcome(id(thread, number))).unwrap();
                assert_eq!(outcome, CommitOutcome::Committed);
            }
            found += u64::from(whole);
        }
    }
    assert_eq!(
        store.table_stats(table.table).unwrap().rows,
        found,
        "the row count is exact"
    );
    highest
}

//! What is prepared while the disk is full is committed when there is room again.
//!
//! The process whose disk is full is this test's own binary, whose files may not grow
//! beyond a size.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use pollster::block_on;
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::task::{Context, Waker};
use vamos_proto::{
    CommitId, CommitPrepared, Durability, ErrorCode, IndexId, Lock, Prepare, Recover, RowBlockBuilder,
    TableId, Ticket, Write, WriteOp, Xid,
};
use vamos_store::{Store, StoreError, StoreOptions, Transaction, TransactionOptions};

const DIRECTORY: &str = "VAMOS_STORE_FULL_DISK_DIRECTORY";
const SERVER: [u8; 16] = [1; 16];
const NAME: Xid<'_> = Xid {
    format: 1,
    global: b"prepared",
    branch: b"",
};

fn open(directory: &Path) -> Arc<Store> {
    Store::open(StoreOptions::new(directory)).unwrap()
}

fn primary(store: &Store) -> IndexId {
    store.open_table("t").unwrap().indexes[0]
}

fn id(session: u8, number: u64) -> CommitId {
    CommitId {
        session: [session; 16],
        number,
    }
}

fn inserting(store: &Arc<Store>, key: &[u8]) -> Transaction {
    let write = Write {
        ops: vec![WriteOp::Insert {
            index: primary(store),
            key,
            value: &[b'v'; 100_000],
        }],
        raise: vec![],
        row_delta: 0,
        answer: true,
        table: TableId(0),
    };
    let mut transaction = store.begin(TransactionOptions::default());
    block_on(transaction.apply(&write)).unwrap();
    transaction
}

fn fill_disk(store: &Arc<Store>) {
    let failure = (1..1000u64).find_map(|number| {
        let transaction = inserting(store, &number.to_be_bytes());
        block_on(transaction.commit(Durability::Commit, id(1, number))).err()
    });
    assert_eq!(failure.unwrap().code(), ErrorCode::Storage);
}

fn commit(ticket: Option<u64>) -> CommitPrepared<'static> {
    CommitPrepared {
        xid: NAME,
        durability: Durability::Commit,
        id: id(2, 2),
        ticket: ticket.map(|number| Ticket {
            server: SERVER,
            number,
        }),
    }
}

fn prepared(store: &Store) -> usize {
    let recover = Recover {
        server: SERVER,
        after: None,
        limit: 10,
    };
    block_on(store.prepared(&recover)).unwrap().len()
}

#[test]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let store = open(Path::new(&directory));
    let prepare = Prepare {
        xid: NAME,
        durability: Durability::Commit,
        id: id(2, 1),
        server: SERVER,
    };
    block_on(inserting(&store, b"prepared").prepare(&prepare)).unwrap();
    fill_disk(&store);
    {
        // Held for its place in the order, its lane breaks.
        let first = commit(Some(2));
        let mut abandoned = pin!(store.commit_prepared(&first));
        let begun = abandoned.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(begun.is_pending());
    }
    let error = block_on(store.commit_prepared(&commit(None))).unwrap_err();
    assert!(matches!(error, StoreError::Storage { .. }), "{error}");
    assert_eq!(prepared(&store), 1);
    println!("orderly end");
}

#[test]
fn a_commit_asked_for_again_while_the_first_attempt_fails_is_not_given_up() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).create_table("t", b"", 1, [1, 1]).unwrap();
    let output = Command::new("sh")
        // 512-byte blocks; whoever ignores the signal gets an error from write(2).
        .args(["-c", "trap '' XFSZ; ulimit -f 8000; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("orderly end"), "{text}{errors}");
    let store = open(directory.path());
    block_on(store.commit_prepared(&commit(None))).unwrap();
    let mut rows = RowBlockBuilder::new();
    let mut reader = store.begin(TransactionOptions::default());
    let found = block_on(reader.get(primary(&store), b"prepared", Lock::None, None, &mut rows));
    assert!(found.unwrap());
    assert_eq!(prepared(&store), 0);
}

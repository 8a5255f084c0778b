//! `cargo xtask upkeep`: damage is found, and nothing else is taken for damage.
//!
//! Entries are damaged by a client that speaks to the worker beside MariaDB;
//! files by flipping a bit.

use crate::artifacts::Artifacts;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use vamos_guest::{
    Client, Config, Durability, Endpoint, IndexId, Isolation, KeyRange, ScanSpec, Session, TableId, Write,
    WriteOp,
};
use vamos_lab::kills::{self, ClientFactory, Writers};
use vamos_lab::local::{LocalOptions, LocalStack};
use vamos_lab::native;

/// Transactions that others commit while tables are checked.
const MEANWHILE: usize = 20;

/// How long they may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs all scenarios on one server.
pub(crate) fn run(artifacts: &Artifacts) -> Result<()> {
    let stack = LocalStack::start(&artifacts.mariadb, &artifacts.programs, LocalOptions::default())?;
    let mut damage = Damage::new(stack)?;
    damage.missing_entry()?;
    damage.stray_entry()?;
    damage.broken_row()?;
    damage.row_of_another_key()?;
    damage.flipped_bit()?;
    no_false_alarm(&damage.stack, artifacts)?;
    println!("upkeep: all damage was found, and nothing else");
    Ok(())
}

struct Damage {
    stack: LocalStack,
    session: Session,
}

/// Something that is stored: key and value.
type Stored = (Vec<u8>, Vec<u8>);

impl Damage {
    fn new(stack: LocalStack) -> Result<Self> {
        stack
            .server
            .sql("DROP DATABASE IF EXISTS damaged; CREATE DATABASE damaged")?;
        let session = Session::new(Client::new(Config::new(Endpoint::Unix(stack.guest_socket()))));
        Ok(Self { stack, session })
    }

    /// A table of 200 rows; its number and its indexes: of a, c and b (MariaDB puts
    /// unique ones first).
    fn table(&mut self, name: &str) -> Result<(TableId, Vec<IndexId>)> {
        self.stack.server.sql(&format!(
            "USE damaged; CREATE TABLE {name} (a INT PRIMARY KEY, b VARCHAR(20), c INT, KEY b (b), \
             UNIQUE KEY c (c)) ENGINE=VAMOS; \
             INSERT INTO {name} SELECT seq, CONCAT('name ', seq % 9), seq * 2 FROM seq_1_to_200"
        ))?;
        self.is_well(name)?;
        let table = self.session.open_table(&format!("damaged/{name}"))?;
        Ok((table.table, table.indexes))
    }

    fn check(&self, name: &str, how: &str) -> Result<String> {
        self.stack
            .server
            .sql(&format!("USE damaged; CHECK TABLE {name} {how}"))
    }

    fn is_well(&self, name: &str) -> Result<()> {
        for how in ["QUICK", "", "EXTENDED"] {
            let said = self.check(name, how)?;
            ensure!(
                said.trim() == format!("damaged.{name}\tcheck\tstatus\tOK"),
                "CHECK TABLE {how} of a sound table said: {said}"
            );
        }
        Ok(())
    }

    /// CHECK TABLE says that the table is corrupt, and each of these words.
    fn finds(&self, name: &str, how: &str, words: &[&str]) -> Result<()> {
        let said = self.check(name, how)?;
        for word in words.iter().chain(&["error\tCorrupt"]) {
            ensure!(
                said.contains(word),
                "CHECK TABLE {name} {how} should say {word:?}; it said: {said}"
            );
        }
        println!(
            "found by CHECK TABLE {how:<8} {}",
            said.lines().next().unwrap_or_default()
        );
        Ok(())
    }

    /// What is stored in an index, at the position from its beginning.
    fn stored(&mut self, index: IndexId, position: usize) -> Result<Stored> {
        self.session
            .begin(Isolation::RepeatableRead, Duration::from_secs(5));
        let mut cursor = self.session.scan(&ScanSpec::new(KeyRange {
            index,
            low: b"",
            high: b"",
        }))?;
        for _ in 0..=position {
            ensure!(self.session.next(&mut cursor)?, "the index has too few entries");
        }
        let stored = (cursor.row().key.to_vec(), cursor.row().value.to_vec());
        self.session.rollback()?;
        Ok(stored)
    }

    /// Changes what is stored, past MariaDB.
    fn change(&mut self, table: TableId, op: WriteOp<'_>) -> Result<()> {
        self.session
            .begin(Isolation::RepeatableRead, Duration::from_secs(5));
        self.session.write(Write {
            ops: vec![op],
            raise: vec![],
            row_delta: 0,
            table,
            answer: true,
        })?;
        Ok(self.session.commit(Durability::Commit)?)
    }

    /// A row without its entry; REPAIR TABLE makes it anew.
    fn missing_entry(&mut self) -> Result<()> {
        let (table, indexes) = self.table("missing_entry")?;
        // The entries of b are ordered by b and then a: the first is of row 9.
        let (key, _) = self.stored(indexes[2], 0)?;
        let index = indexes[2];
        self.change(table, WriteOp::DeleteUnlocked { index, key: &key })?;
        self.finds(
            "missing_entry",
            "QUICK",
            &["index 'b' has 199 entries", "200 rows"],
        )?;
        self.finds(
            "missing_entry",
            "",
            &["index 'b'", "primary key '9'", "has no entry"],
        )?;
        self.finds("missing_entry", "EXTENDED", &["has no entry"])?;
        self.stack.server.sql("REPAIR TABLE damaged.missing_entry")?;
        self.is_well("missing_entry")
    }

    /// An entry without a row.
    fn stray_entry(&mut self) -> Result<()> {
        let (table, indexes) = self.table("stray_entry")?;
        let (mut key, value) = self.stored(indexes[2], 3)?;
        // The end of the key is the primary key: of a row 2^31 - 1 - .. away.
        key.iter_mut().rev().take(3).for_each(|byte| *byte ^= 0xff);
        let index = indexes[2];
        let op = WriteOp::PutUnlocked {
            index,
            key: &key,
            value: &value,
        };
        self.change(table, op)?;
        self.finds("stray_entry", "QUICK", &["index 'b' has 201 entries"])?;
        self.finds("stray_entry", "", &["index 'b'", "which does not exist"])
    }

    /// A row that breaks off.
    fn broken_row(&mut self) -> Result<()> {
        let (table, indexes) = self.table("broken_row")?;
        let (key, mut value) = self.stored(indexes[0], 41)?;
        value.truncate(value.len() - 2);
        let index = indexes[0];
        let op = WriteOp::Put {
            index,
            key: &key,
            value: &value,
        };
        self.change(table, op)?;
        self.finds("broken_row", "", &["cannot be decoded", "0x8000002a"])
    }

    /// A row whose unique column was changed without its entry.
    fn row_of_another_key(&mut self) -> Result<()> {
        let (table, indexes) = self.table("other_key")?;
        let (key, _) = self.stored(indexes[0], 41)?;
        let (_, other) = self.stored(indexes[0], 42)?;
        let index = indexes[0];
        let op = WriteOp::Put {
            index,
            key: &key,
            value: &other,
        };
        self.change(table, op)?;
        self.finds("other_key", "", &["is stored under the key 0x8000002a"])?;
        self.finds("other_key", "", &["index 'c'", "belongs to another row"])
    }

    /// A bit that the disk has lost.
    fn flipped_bit(&mut self) -> Result<()> {
        self.table("flipped_bit")?;
        self.stack.server.sql("OPTIMIZE TABLE damaged.flipped_bit")?;
        let file = self.newest_file()?;
        let mut bytes = fs::read(&file)?;
        let middle = bytes.len() / 3;
        bytes[middle] ^= 0x10;
        fs::write(&file, bytes).context("cannot damage a file")?;
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        self.finds("flipped_bit", "EXTENDED", &["checksum mismatch", &name])?;
        let mut bytes = fs::read(&file)?;
        bytes[middle] ^= 0x10;
        fs::write(&file, bytes).context("cannot mend a file")?;
        self.is_well("flipped_bit")
    }

    /// The table file that was written last, of some size.
    fn newest_file(&self) -> Result<PathBuf> {
        let dir = self.stack.store_dir();
        fs::read_dir(&dir)
            .with_context(|| format!("cannot list {}", dir.display()))?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "sst"))
            .filter(|path| path.metadata().is_ok_and(|file| file.len() > 2000))
            .max()
            .context("the store has no table file")
    }
}

/// What is written while a table is checked is not taken for damage.
fn no_false_alarm(stack: &LocalStack, artifacts: &Artifacts) -> Result<()> {
    stack.server.sql(&kills::schema("VAMOS"))?;
    let (socket, files) = (stack.server.socket(), artifacts.mariadb.clone());
    let client: ClientFactory = Arc::new(move || native::client_on_socket(&files, &socket));
    let writers = Writers::start(4, 1, &client);
    for round in 0..9 {
        let how = ["QUICK", "MEDIUM", "EXTENDED"][round % 3];
        writers.wait_for(MEANWHILE, PATIENCE)?;
        let said = stack.server.sql(&format!("CHECK TABLE kills.acked {how}"))?;
        ensure!(
            said.trim() == "kills.acked\tcheck\tstatus\tOK",
            "CHECK TABLE {how} while others write said: {said}"
        );
        stack.server.sql("OPTIMIZE TABLE kills.acked")?;
    }
    println!(
        "no false alarm while {} transactions were committed",
        writers.acknowledged()
    );
    drop(writers.finish());
    Ok(())
}

//! The store: opening, closing, and what concerns no transaction.

use crate::catalogue::Catalogue;
use crate::commit::{Committer, Outcomes};
use crate::engine::Engine;
use crate::locks::LockTable;
use crate::prepared::{Limits, Prepared};
use crate::reclaim::Reclaimer;
use crate::survey::DepthsCache;
use crate::{Build, StoreError, StoreOptions, TableChange, TableInfo, Transaction, TransactionOptions};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;
use vamos_proto::{CommitId, CommitOutcome, CounterRaise, TableId};

/// The largest transaction that can be asked for: RocksDB's batches end at 4 GiB.
const MAX_TRANSACTION_BYTES: u64 = 2 << 30;

/// An open store. It closes when the last reference (each transaction has one)
/// is gone; that blocks for a sync of the log.
#[derive(Debug)]
pub struct Store {
    pub(crate) engine: Arc<Engine>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) locks: Arc<LockTable>,
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) committer: Arc<Committer>,
    pub(crate) outcomes: Arc<Outcomes>,
    pub(crate) reclaimer: Arc<Reclaimer>,
    pub(crate) transactions: AtomicU64,
    pub(crate) depths: DepthsCache,
    pub(crate) max_transaction_bytes: u64,
    /// Bytes of keys that commits have noted for builds.
    pub(crate) build_bytes: Arc<AtomicU64>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Opens the store in a directory, recovers it if it was not closed, and
    /// makes it if it does not exist. Blocks.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Format`], [`StoreError::Open`], or
    /// [`StoreError::Corruption`] if the catalogue or a prepared transaction cannot
    /// be read.
    pub fn open(options: StoreOptions) -> Result<Arc<Self>, StoreError> {
        let engine = Arc::new(Engine::open(&options)?);
        let (catalogue, dropped) = Catalogue::load(&engine, options.max_catalogue_bytes)?;
        let catalogue = Arc::new(catalogue);
        let outcomes = Outcomes::new(Arc::clone(&engine));
        outcomes.purge()?;
        // What is prepared gets more locks than it had (see `Record::restore`): a limit
        // that was kept then must not keep the store from being opened now.
        let locks = LockTable::new(u64::MAX);
        let limits = Limits {
            count: options.max_prepared,
            bytes: options.max_prepared_bytes,
        };
        let prepared = Prepared::load(&engine, &catalogue, &locks, limits)?;
        locks.set_limit(options.max_locks);
        let store = Arc::new(Self {
            committer: Arc::new(Committer::new(Arc::clone(&engine), Arc::clone(&catalogue))),
            reclaimer: Arc::new(Reclaimer::new(
                Arc::clone(&engine),
                Arc::clone(&catalogue),
                dropped,
            )),
            locks,
            prepared,
            outcomes,
            engine,
            catalogue,
            transactions: AtomicU64::new(0),
            depths: DepthsCache::default(),
            max_transaction_bytes: options.max_transaction_bytes.min(MAX_TRANSACTION_BYTES),
            build_bytes: Arc::default(),
            threads: Mutex::default(),
        });
        store.start_threads().map_err(|error| StoreError::Open {
            path: options.path,
            reason: format!("a thread cannot be started: {error}"),
        })?;
        Ok(store)
    }

    fn start_threads(&self) -> std::io::Result<()> {
        let committer = Arc::clone(&self.committer);
        self.start_thread("store-commit", move || committer.run())?;
        let locks = Arc::clone(&self.locks);
        self.start_thread("store-timeouts", move || locks.run_timeouts())?;
        let reclaimer = Arc::clone(&self.reclaimer);
        self.start_thread("store-reclaim", move || reclaimer.run())
    }

    fn start_thread(&self, name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work)?;
        self.threads.lock().push(thread);
        Ok(())
    }

    /// Begins a transaction. Costs next to nothing.
    pub fn begin(self: &Arc<Self>, options: TransactionOptions) -> Transaction {
        Transaction::new(Arc::clone(self), options)
    }

    /// Creates a table; durable when this returns. `indexes` counts its indexes,
    /// the first of which is the primary one. Blocks for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::TableExists`], [`StoreError::Invalid`], [`StoreError::Storage`].
    pub fn create_table(
        &self,
        name: &str,
        definition: &[u8],
        indexes: u16,
        counters: [u64; 2],
    ) -> Result<TableInfo, StoreError> {
        self.catalogue.create_table(name, definition, indexes, counters)
    }

    /// Creates a table that is gone when the store closes, and of which nothing is
    /// waited for; in all else it is one as others.
    ///
    /// # Errors
    /// As [`Store::create_table`].
    pub fn create_temporary_table(
        &self,
        name: &str,
        definition: &[u8],
        indexes: u16,
        counters: [u64; 2],
    ) -> Result<TableInfo, StoreError> {
        let (table, replaced) = self
            .catalogue
            .create_temporary_table(name, definition, indexes, counters)?;
        self.reclaimer.add(replaced);
        Ok(table)
    }

    /// Whether there is a table of this number.
    pub fn has_table(&self, table: TableId) -> bool {
        self.catalogue.with_id(table).is_ok()
    }

    /// Drops a temporary table if it is still there: its owner is gone.
    pub fn drop_temporary_table(&self, name: &str, table: TableId) {
        self.reclaimer
            .add(self.catalogue.drop_temporary_table(name, table));
    }

    /// Looks a table up by its name.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTable`].
    pub fn open_table(&self, name: &str) -> Result<TableInfo, StoreError> {
        self.catalogue.open_table(name)
    }

    /// Drops a table; durable when this returns. Its space is reclaimed in the
    /// background. Blocks for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTable`], [`StoreError::Storage`].
    pub fn drop_table(&self, name: &str) -> Result<(), StoreError> {
        self.reclaimer.add(self.catalogue.drop_table(name)?);
        Ok(())
    }

    /// Renames a table; durable when this returns. Blocks for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTable`], [`StoreError::TableExists`],
    /// [`StoreError::Invalid`], [`StoreError::Storage`].
    pub fn rename_table(&self, from: &str, to: &str) -> Result<(), StoreError> {
        self.catalogue.rename_table(from, to)
    }

    /// Empties a table by giving its indexes new ids, and sets its counters to 1.
    /// Blocks for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTable`], [`StoreError::Storage`].
    pub fn truncate_table(&self, name: &str) -> Result<TableInfo, StoreError> {
        let (info, dropped) = self.catalogue.truncate_table(name)?;
        self.reclaimer.add(dropped);
        Ok(info)
    }

    /// Gives tables new descriptions and other indexes, all at once; durable when
    /// this returns. Indexes that are left out are dropped, and those of `builds`
    /// become the tables'. Blocks for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTableId`]; [`StoreError::Invalid`] for a list of
    /// indexes that the table cannot have; [`StoreError::TableChanged`] if rows
    /// have changed since a build's last round; [`StoreError::Storage`].
    pub fn alter_tables(&self, changes: &[TableChange], builds: &mut Vec<Build>) -> Result<(), StoreError> {
        let dropped = self.catalogue.alter_tables(changes, builds)?;
        let (mut finished, others) = std::mem::take(builds)
            .into_iter()
            .partition::<Vec<_>, _>(|build| changes.iter().any(|change| change.table == build.table()));
        *builds = others;
        finished.iter_mut().for_each(Build::set_finished);
        self.reclaimer.add(dropped);
        Ok(())
    }

    /// All tables, ordered by name.
    pub fn tables(&self) -> Vec<TableInfo> {
        self.catalogue.tables()
    }

    /// Names of tables that begin with `prefix` and sort, as bytes, behind
    /// `after`, at most `limit`; and whether there are more.
    pub fn table_names(&self, prefix: &str, after: &str, limit: usize) -> (Vec<String>, bool) {
        self.catalogue.names(prefix, after, limit)
    }

    /// Replaces the definition that a table was created with; durable when this
    /// returns. Blocks for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTable`], [`StoreError::Invalid`], [`StoreError::Storage`].
    pub fn set_definition(&self, name: &str, definition: &[u8]) -> Result<(), StoreError> {
        self.catalogue.set_definition(name, definition)
    }

    /// Sets a counter, also to a lower value; durable when this returns. Blocks
    /// for the log's sync.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTableId`], [`StoreError::Storage`].
    pub fn set_counter(&self, counter: CounterRaise) -> Result<(), StoreError> {
        self.catalogue.set_counter(counter)
    }

    /// How a commit ended. Waits for the session's commits that are under way; a
    /// commit that is answered "not committed" is refused if it comes later.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    pub async fn outcome(&self, commit: CommitId) -> Result<CommitOutcome, StoreError> {
        self.outcomes.outcome(commit).await
    }

    /// Forgets the outcomes of a session's commits.
    ///
    /// # Errors
    /// [`StoreError::Storage`].
    pub fn forget_session(&self, session: [u8; 16]) -> Result<(), StoreError> {
        self.outcomes.forget(session)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.reclaimer.stop();
        self.locks.stop();
        self.committer.stop();
        for thread in self.threads.get_mut().drain(..) {
            // The last reference may have been held by a task that one of these
            // threads woke and so dropped: it ends by itself then.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

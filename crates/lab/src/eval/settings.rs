//! What every arm gets alike: memory, durability, and the options that engines
//! on RocksDB share.

use super::arm::Engine;

/// The settings of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The engine's memory in MiB, wherever it is: InnoDB's buffer pool, or the
    /// block cache and the write buffers of what stands on RocksDB. Past it
    /// nothing is cached: files are read directly.
    pub engine_mib: u32,
    /// A guest's memory in MiB without the engine's: a guest whose engine runs
    /// in it gets both.
    pub guest_mib: u32,
    /// A guest's virtual processors.
    pub cpus: u32,
}

impl Settings {
    /// So much memory for the engine; 512 MiB and two processors for a guest.
    #[must_use]
    pub fn with_engine_mib(engine_mib: u32) -> Self {
        Self {
            engine_mib,
            guest_mib: 512,
            cpus: 2,
        }
    }

    /// RocksDB's block cache in MiB: what the write buffers leave.
    #[must_use]
    pub fn block_cache_mib(&self) -> u32 {
        self.engine_mib - self.engine_mib / 4
    }

    /// RocksDB's write buffer in MiB. One is filled while another is written out,
    /// so twice this is not for the cache.
    #[must_use]
    pub fn write_buffer_mib(&self) -> u32 {
        (self.engine_mib / 8).max(1)
    }

    /// The memory of a guest in MiB whose engine is this one.
    #[must_use]
    pub fn guest_memory_mib(&self, engine: Engine) -> u32 {
        match engine {
            Engine::Vamos => self.guest_mib,
            Engine::InnoDb | Engine::MyRocks => self.guest_mib + self.engine_mib,
        }
    }

    /// The options of mariadbd, as names and values (without `--`): full
    /// durability, and nothing cached twice.
    #[must_use]
    pub fn server_options(&self, engine: Engine) -> Vec<(String, String)> {
        let mut options = vec![
            ("max-connections", "300".to_owned()),
            ("table-open-cache", "2000".to_owned()),
            ("innodb-flush-log-at-trx-commit", "1".to_owned()),
            ("innodb-buffer-pool-dump-at-shutdown", "OFF".to_owned()),
            ("innodb-buffer-pool-load-at-startup", "OFF".to_owned()),
        ];
        match engine {
            Engine::InnoDb => options.extend(self.innodb()),
            Engine::MyRocks => options.extend(self.myrocks()),
            Engine::Vamos => options.push(("vamos-durability", "commit".to_owned())),
        }
        if engine != Engine::InnoDb {
            // The server's own tables only.
            options.push(("innodb-buffer-pool-size", "8M".to_owned()));
        }
        options
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// The lines of a guest's section in vamosd's configuration.
    #[must_use]
    pub fn store_config(&self) -> String {
        format!(
            "cache = \"{}MiB\"\nwrite_buffer = \"{}MiB\"\ndirect_io = true\n",
            self.block_cache_mib(),
            self.write_buffer_mib()
        )
    }

    fn innodb(&self) -> [(&'static str, String); 3] {
        [
            ("innodb-buffer-pool-size", format!("{}M", self.engine_mib)),
            ("innodb-flush-method", "O_DIRECT".to_owned()),
            ("innodb-log-file-size", "128M".to_owned()),
        ]
    }

    /// MyRocks with the options of our store (`crates/rocks/src/options.rs`).
    fn myrocks(&self) -> Vec<(&'static str, String)> {
        let buffer = u64::from(self.write_buffer_mib()) << 20;
        let file = buffer.clamp(2 << 20, 64 << 20);
        let family = format!(
            "write_buffer_size={buffer};max_write_buffer_number=3;target_file_size_base={file};\
             max_bytes_for_level_base={};level_compaction_dynamic_level_bytes=true;\
             compression=kLZ4Compression;memtable_prefix_bloom_size_ratio=0.1;\
             memtable_whole_key_filtering=true;block_based_table_factory={{block_size=8192;\
             filter_policy=bloomfilter:10:false;whole_key_filtering=true;format_version=5;\
             cache_index_and_filter_blocks=true;cache_index_and_filter_blocks_with_high_priority=true;\
             pin_l0_filter_and_index_blocks_in_cache=true}}",
            file * 4
        );
        vec![
            ("rocksdb-flush-log-at-trx-commit", "1".to_owned()),
            ("rocksdb-block-size", "8192".to_owned()),
            ("rocksdb-block-cache-size", format!("{}M", self.block_cache_mib())),
            ("rocksdb-use-direct-reads", "ON".to_owned()),
            ("rocksdb-use-direct-io-for-flush-and-compaction", "ON".to_owned()),
            ("rocksdb-max-background-jobs", "2".to_owned()),
            ("rocksdb-max-open-files", "1024".to_owned()),
            ("rocksdb-max-total-wal-size", (256 << 20).to_string()),
            ("rocksdb-bytes-per-sync", (1 << 20).to_string()),
            ("rocksdb-default-cf-options", family),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_the_same_wherever_the_engine_is() {
        let settings = Settings::with_engine_mib(64);
        assert_eq!(settings.block_cache_mib() + 2 * settings.write_buffer_mib(), 64);
        let total = |engine, host| settings.guest_memory_mib(engine) + host;
        assert_eq!(
            total(Engine::InnoDb, 0),
            total(Engine::Vamos, settings.engine_mib)
        );
    }
}

//! What data there is: how many rows of which tables, and the statements that make
//! them.

use std::fs;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{arm::Engine, tpcc};
use crate::{local::Programs, mariadb_files::MariadbFiles};

/// The database that has all tables.
pub const DATABASE: &str = "eval";

/// How much there is of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// MiB of rows in sysbench's tables together, and in each table of [`Self::row_bytes`].
    pub mib: u32,
    /// The sizes of rows for which there is a table `rSIZE`.
    pub row_bytes: Vec<u32>,
    /// Whether there is YCSB's table, too, of [`Self::mib`].
    pub ycsb: bool,
    /// Warehouses of the mix after TPC-C; 0: none of its tables.
    pub warehouses: u32,
    /// The engine's memory while it is made, in MiB: the least that an arm has, so
    /// that what stands on RocksDB has no cause to arrange its files anew when an arm
    /// is measured.
    pub engine_mib: u32,
}

/// Tables of sysbench's own tests.
pub const TABLES: u32 = 4;

/// Bytes of a row of sysbench's tables: two numbers and two texts.
const SYSBENCH_ROW: u32 = 4 + 4 + 120 + 60;

/// What an engine keeps of a row beside its payload, in bytes: about.
const ROW_OVERHEAD: u32 = 32;

/// YCSB's rows: so many fields of so many bytes.
const YCSB_FIELDS: u32 = 10;
const YCSB_FIELD: u32 = 100;
const YCSB_ROW: u32 = YCSB_FIELDS * YCSB_FIELD;

/// Rows are generated in statements of about this many bytes.
const BATCH: u32 = 8 << 20;

impl Recipe {
    /// Rows of each of sysbench's tables.
    #[must_use]
    pub fn sysbench_rows(&self) -> u32 {
        (self.mib << 20) / SYSBENCH_ROW / TABLES
    }

    /// Rows of the table with rows of this size.
    #[must_use]
    pub fn rows(&self, row_bytes: u32) -> u32 {
        (self.mib << 20) / (row_bytes + ROW_OVERHEAD)
    }

    /// Rows of YCSB's table.
    #[must_use]
    pub fn ycsb_rows(&self) -> u32 {
        (self.mib << 20) / (YCSB_ROW + ROW_OVERHEAD)
    }

    /// The statements that make all tables but sysbench's own, and fill them.
    pub(super) fn sql(&self, engine: Engine) -> String {
        let mut sql = format!("USE {DATABASE};\n");
        for &row_bytes in &self.row_bytes {
            sql += &self.rows_sql(engine, row_bytes);
        }
        if self.ycsb {
            sql += &self.ycsb_sql(engine);
        }
        if self.warehouses > 0 {
            sql += &tpcc::sql(engine, self.warehouses);
        }
        sql
    }

    /// The statements that make YCSB's table and fill it.
    fn ycsb_sql(&self, engine: Engine) -> String {
        let fields: Vec<String> = (0..YCSB_FIELDS)
            .map(|field| format!("field{field} VARBINARY({YCSB_FIELD}) NOT NULL"))
            .collect();
        let values = vec![format!("RANDOM_BYTES({YCSB_FIELD})"); YCSB_FIELDS as usize].join(", ");
        let table = format!("{DATABASE}.usertable");
        let columns = format!("id BIGINT PRIMARY KEY, {}", fields.join(", "));
        filled(&table, &columns, &values, engine, self.ycsb_rows(), YCSB_ROW)
    }

    /// The statements that make the table of this size and fill it.
    fn rows_sql(&self, engine: Engine, row_bytes: u32) -> String {
        let parts = row_bytes.div_ceil(1024);
        let payload = vec![format!("RANDOM_BYTES({})", row_bytes / parts); parts as usize].join(", ");
        let columns = "id BIGINT PRIMARY KEY, k INT NOT NULL, payload MEDIUMBLOB NOT NULL";
        let values = format!("0, CONCAT({payload})");
        let table = format!("{DATABASE}.r{row_bytes}");
        filled(&table, columns, &values, engine, self.rows(row_bytes), row_bytes)
    }

    /// What names it: a change of recipe or of programs makes it anew.
    pub(super) fn digest(
        &self,
        engine: Engine,
        mariadb: &MariadbFiles,
        programs: &Programs,
    ) -> Result<String> {
        let mut hash = Sha256::new();
        hash.update(format!(
            "{self:?} {engine:?} {} {SYSBENCH_ROW}",
            mariadb.debian_version
        ));
        if engine == Engine::Vamos {
            for file in [&programs.vamosd, &programs.plugin] {
                hash.update(fs::read(file).with_context(|| format!("cannot read {}", file.display()))?);
            }
        }
        Ok(hash
            .finalize()
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }
}

/// The statements that make a table and fill it with numbered rows of about so many
/// bytes.
fn filled(table: &str, columns: &str, values: &str, engine: Engine, rows: u32, row_bytes: u32) -> String {
    let mut sql = format!("CREATE TABLE {table} ({columns}) ENGINE={};\n", engine.sql_name());
    let batch = (BATCH / (row_bytes + ROW_OVERHEAD)).max(1);
    for first in (1..=rows).step_by(batch as usize) {
        let last = rows.min(first + batch - 1);
        sql += &format!("INSERT INTO {table} SELECT seq, {values} FROM seq_{first}_to_{last};\n");
    }
    sql
}

/// The options of sysbench's own tests for this data.
#[must_use]
pub fn sysbench_options(recipe: &Recipe, engine: Engine) -> Vec<(String, String)> {
    [
        ("tables", TABLES.to_string()),
        ("table_size", recipe.sysbench_rows().to_string()),
        ("mysql_storage_engine", engine.sql_name().to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The statements that bring an engine's files into the order that they will have, and
/// its statistics up to date.
pub(super) fn arrange(recipe: &Recipe, engine: Engine) -> String {
    let own = (1..=TABLES).map(|table| format!("sbtest{table}"));
    let rows = recipe.row_bytes.iter().map(|bytes| format!("r{bytes}"));
    let ycsb = recipe.ycsb.then(|| "usertable".to_owned());
    let tpcc: &[&str] = if recipe.warehouses > 0 { tpcc::TABLES } else { &[] };
    let names: Vec<String> = own
        .chain(rows)
        .chain(ycsb)
        .chain(tpcc.iter().map(|name| (*name).to_owned()))
        .map(|name| format!("{DATABASE}.{name}"))
        .collect();
    let tables = names.join(", ");
    let files = match engine {
        Engine::InnoDb => String::new(),
        Engine::MyRocks => "SET GLOBAL rocksdb_force_flush_memtable_now = ON; \
                            SET GLOBAL rocksdb_compact_cf = 'default'; "
            .to_owned(),
        Engine::Vamos => format!("OPTIMIZE TABLE {tables}; "),
    };
    format!("{files}ANALYZE TABLE {tables}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_made_once() {
        let recipe = Recipe {
            mib: 20,
            row_bytes: vec![4096],
            ycsb: false,
            warehouses: 0,
            engine_mib: 16,
        };
        let sql = recipe.rows_sql(Engine::InnoDb, 4096);
        let ranges: Vec<&str> = sql.lines().filter_map(|line| line.split("seq_").nth(1)).collect();
        assert_eq!(ranges, ["1_to_2032;", "2033_to_4064;", "4065_to_5080;"]);
        assert!(sql.contains(
            "CONCAT(RANDOM_BYTES(1024), RANDOM_BYTES(1024), RANDOM_BYTES(1024), RANDOM_BYTES(1024))"
        ));
    }
}

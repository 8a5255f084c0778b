//! How large tables and ranges are: for a query optimizer.

use crate::survey::number_at;
use crate::{Store, StoreError, keys};
use vamos_proto::{IndexId, KeyRange, TableId, TableStats};
use vamos_rocks::ReadOptions;

/// Ranges of up to so many entries are counted, larger ones estimated.
const COUNTED: u64 = 1000;

/// So many entries are counted for one request at most, but for each range at
/// least `COUNTED_AT_LEAST`.
const COUNTED_TOGETHER: u64 = 20_000;
const COUNTED_AT_LEAST: u64 = 16;

/// How many bytes an entry takes on disk, of those that it has: a guess that only
/// decides how far the files are believed to hold the whole index.
const COMPRESSION: f64 = 0.4;

impl Store {
    /// Approximate sizes of a table.
    ///
    /// # Errors
    /// [`StoreError::NoSuchTableId`], [`StoreError::Storage`].
    pub fn table_stats(&self, table: TableId) -> Result<TableStats, StoreError> {
        let table = self.catalogue.with_id(table)?;
        let bounds: Vec<_> = table
            .indexes
            .iter()
            .map(|&index| keys::index_bounds(index))
            .collect();
        let ranges: Vec<_> = bounds.iter().map(|(low, high)| &low[..]..&high[..]).collect();
        let sizes = self.engine.data.approximate_sizes(&ranges)?;
        Ok(TableStats {
            rows: table.rows(),
            data_bytes: sizes.first().copied().unwrap_or(0),
            index_bytes: sizes.iter().skip(1).sum(),
            prepared: table.is_pinned(),
        })
    }

    /// The number of committed entries in each range: exact if small, estimated
    /// if not.
    ///
    /// # Errors
    /// [`StoreError::NoSuchIndex`], [`StoreError::Invalid`], [`StoreError::Storage`].
    pub fn range_sizes(&self, ranges: &[KeyRange<'_>]) -> Result<Vec<u64>, StoreError> {
        let counted = COUNTED_TOGETHER / ranges.len().max(1) as u64;
        let counted = counted.clamp(COUNTED_AT_LEAST, COUNTED);
        ranges
            .iter()
            .map(|range| self.range_size(range, counted))
            .collect()
    }

    fn range_size(&self, range: &KeyRange<'_>, counted: u64) -> Result<u64, StoreError> {
        let table = self.catalogue.with_index(range.index)?;
        let (low, high) = keys::bounds(range)?;
        if low >= high {
            return Ok(0);
        }
        let sample = self.sample(&low, &high, counted)?;
        if sample.entries < counted {
            return Ok(sample.entries);
        }
        if let Some(depths) = self.depths.get(range.index)
            && depths.fits(table.rows())
        {
            let estimate = depths.fraction(&low, &high) * table.rows() as f64;
            return Ok((estimate as u64).clamp(counted, table.rows().max(counted)));
        }
        let (index_low, index_high) = keys::index_bounds(range.index);
        let sizes = [&low[..]..&high[..], &index_low[..]..&index_high[..]];
        let sizes = self.engine.data.approximate_sizes(&sizes)?;
        let (part, whole) = (sizes[0] as f64, sizes[1] as f64);
        let rows = table.rows() as f64;
        let entry_bytes = sample.bytes as f64 / sample.entries as f64 * COMPRESSION;
        let in_files = (whole / (rows * entry_bytes).max(1.0)).min(1.0);
        let by_files = if whole > 0.0 { rows * part / whole } else { 0.0 };
        let by_keys = rows * self.key_fraction(range.index, &low, &high)?;
        let estimate = in_files * by_files + (1.0 - in_files) * by_keys;
        Ok((estimate as u64).clamp(counted, table.rows().max(counted)))
    }

    /// Counts a range's first entries, so many at most.
    fn sample(&self, low: &[u8], high: &[u8], most: u64) -> Result<Sample, StoreError> {
        let bounds = ReadOptions::new().bounds(low.to_vec(), high.to_vec());
        let mut cursor = self.engine.data.cursor(bounds);
        let mut sample = Sample { entries: 0, bytes: 0 };
        cursor.seek_to_first();
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            sample.entries += 1;
            sample.bytes += (key.len() + value.len()) as u64;
            if sample.entries == most {
                break;
            }
            cursor.step_forward();
        }
        cursor.status()?;
        Ok(sample)
    }

    /// Which part of an index lies between two keys, if its keys are spread evenly
    /// as numbers: for what is not in files yet, whose sizes RocksDB's C
    /// interface does not tell.
    fn key_fraction(&self, index: IndexId, low: &[u8], high: &[u8]) -> Result<f64, StoreError> {
        let (first, end) = keys::index_bounds(index);
        let mut cursor = self.engine.data.cursor(ReadOptions::new().bounds(first, end));
        cursor.seek_to_first();
        let first = cursor.key().map(<[u8]>::to_vec);
        cursor.seek_to_last();
        let last = cursor.key().map(<[u8]>::to_vec);
        cursor.status()?;
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(0.0);
        };
        let common = first.iter().zip(&last).take_while(|(a, b)| a == b).count();
        let from = number_at(&first, common) as f64;
        let width = number_at(&last, common) as f64 - from;
        let place = |key: &[u8]| {
            let key = key.clamp(&first[..], &last[..]);
            (number_at(key, common) as f64 - from) / width.max(1.0)
        };
        Ok((place(high) - place(low)).clamp(0.0, 1.0))
    }
}

/// A range's first entries.
#[derive(Debug)]
struct Sample {
    entries: u64,
    bytes: u64,
}

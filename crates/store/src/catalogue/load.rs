//! Reading the catalogue when the store opens.

use super::record::{IdsRecord, TableRecord, decode};
use super::{Catalogue, Maps, NextIds, Table};
use crate::engine::Engine;
use crate::numbers::Number;
use crate::{StoreError, keys};
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use vamos_proto::{IndexId, TableId};
use vamos_rocks::ReadOptions;

impl Catalogue {
    /// Reads the catalogue, and the list of dropped indexes.
    pub(crate) fn load(engine: &Arc<Engine>, max_bytes: u64) -> Result<(Self, Vec<IndexId>), StoreError> {
        let mut next = NextIds {
            table: 1,
            index: 1,
            bytes: 0,
        };
        if let Some(bytes) = engine.catalogue.get(keys::NEXT_IDS, &engine.newest)? {
            let ids: IdsRecord = decode("the next ids", &bytes)?;
            (next.table, next.index) = (ids.table.0, ids.index.0);
        }
        let mut maps = Maps::default();
        each_numbered(engine, keys::TABLE, |number, value| {
            let record: TableRecord = decode("a table", value)?;
            next.bytes += (record.name.len() + record.definition.len()) as u64;
            let table = load_table(engine, TableId(number), record.indexes, record.definition)?;
            maps.insert(&record.name, &Arc::new(table));
            Ok(())
        })?;
        let mut dropped = Vec::new();
        each_numbered(engine, keys::DROPPED, |number, _| {
            dropped.push(IndexId(number));
            Ok(())
        })?;
        let catalogue = Self {
            engine: Arc::clone(engine),
            maps: RwLock::new(maps),
            changing: Mutex::new(next),
            fence: RwLock::new(()),
            max_bytes,
        };
        Ok((catalogue, dropped))
    }
}

fn load_table(
    engine: &Engine,
    id: TableId,
    indexes: Vec<IndexId>,
    definition: Vec<u8>,
) -> Result<Table, StoreError> {
    let Some(&primary) = indexes.first() else {
        return Err(StoreError::Corruption {
            reason: format!("table {} has no index", id.0),
        });
    };
    let rows = match number(engine, &keys::rows(primary))? {
        Some(Number::Sum(rows)) => rows,
        _ => 0,
    };
    let counter = |position| match number(engine, &keys::counter(primary, position)) {
        Ok(Some(Number::Highest(next))) => Ok(next),
        Ok(_) => Ok(1),
        Err(error) => Err(error),
    };
    let counters = [counter(0)?, counter(1)?];
    Ok(Table::new(id, indexes, definition, rows, counters))
}

fn number(engine: &Engine, key: &[u8]) -> Result<Option<Number>, StoreError> {
    let value = engine.system.get(key, &engine.newest)?;
    Ok(value.and_then(|bytes| Number::decode(&bytes)))
}

/// Visits the catalogue's records whose key is this letter and a number.
fn each_numbered(
    engine: &Engine,
    letter: u8,
    mut visit: impl FnMut(u32, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let bounds = ReadOptions::new().bounds(vec![letter], vec![letter + 1]);
    let mut cursor = engine.catalogue.cursor(bounds);
    cursor.seek_to_first();
    while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
        if let Some(number) = key.get(1..).and_then(|rest| rest.try_into().ok()) {
            visit(u32::from_be_bytes(number), value)?;
        }
        cursor.step_forward();
    }
    Ok(cursor.status()?)
}

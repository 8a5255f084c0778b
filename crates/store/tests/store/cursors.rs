use crate::support::{EXCLUSIVE, Fixture, Row, SHARED, apply, keys, rows, scan, suffix_entry};
use pollster::block_on;
use proptest::prelude::*;
use std::collections::BTreeMap;
use vamos_proto::{Direction, KeyRange, Lock, RowBlockBuilder, WriteOp};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
struct Change {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(7), Just(255)], 0..4)
}

fn changes(most: usize) -> impl Strategy<Value = Vec<Change>> {
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..3));
    prop::collection::vec(
        (key(), value).prop_map(|(key, value)| Change { key, value }),
        0..most,
    )
}

#[derive(Clone, Debug)]
struct Request {
    low: Vec<u8>,
    high: Vec<u8>,
    backward: bool,
    locking: bool,
    limit: u64,
    batch: usize,
}

fn request() -> impl Strategy<Value = Request> {
    let bounds = (key(), key());
    (
        bounds,
        any::<bool>(),
        any::<bool>(),
        prop_oneof![Just(0u64), 1..20u64],
        1..6usize,
    )
        .prop_map(|((low, high), backward, locking, limit, batch)| Request {
            low,
            high,
            backward,
            locking,
            limit,
            batch,
        })
}

fn ops<'a>(fixture: &Fixture, changes: &'a [Change]) -> Vec<WriteOp<'a>> {
    let index = fixture.primary();
    changes
        .iter()
        .map(|Change { key, value }| match value {
            Some(value) => WriteOp::Put { index, key, value },
            None => WriteOp::Delete { index, key },
        })
        .collect()
}

fn change(model: &mut Model, changes: &[Change]) {
    for Change { key, value } in changes {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

impl Request {
    fn scan<'a>(&'a self, fixture: &Fixture) -> vamos_proto::Scan<'a> {
        let mut scan = fixture.whole(fixture.primary());
        scan.range = KeyRange {
            index: fixture.primary(),
            low: &self.low,
            high: &self.high,
        };
        scan.direction = if self.backward {
            Direction::Backward
        } else {
            Direction::Forward
        };
        scan.lock = if self.locking { SHARED } else { Lock::None };
        scan.limit = self.limit;
        scan
    }

    fn contains(&self, key: &[u8]) -> bool {
        key >= &self.low[..] && (self.high.is_empty() || key < &self.high[..])
    }

    /// What lies ahead of `passed` in the model.
    fn expected(&self, model: &Model, passed: Option<&[u8]>) -> Vec<Row> {
        let ahead = |key: &[u8]| match (passed, self.backward) {
            (None, _) => true,
            (Some(passed), false) => key > passed,
            (Some(passed), true) => key < passed,
        };
        let mut found: Vec<Row> = model
            .iter()
            .filter(|(key, _)| self.contains(key) && ahead(key))
            .map(|(key, value)| (key.clone(), Vec::new(), value.clone()))
            .collect();
        if self.backward {
            found.reverse();
        }
        found
    }
}

fn limited(mut found: Vec<Row>, limit: u64) -> Vec<Row> {
    if limit > 0 {
        found.truncate(limit as usize);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn scans_return_what_a_map_would(
        stored in changes(40),
        own in changes(15),
        requests in prop::collection::vec(request(), 1..8),
    ) {
        let fixture = Fixture::new();
        let mut model = Model::new();
        fixture.commit(ops(&fixture, &stored));
        change(&mut model, &stored);
        let mut transaction = fixture.begin();
        apply(&mut transaction, ops(&fixture, &own)).unwrap();
        change(&mut model, &own);
        for request in &requests {
            let found = scan(&mut transaction, &request.scan(&fixture), request.batch).unwrap();
            prop_assert_eq!(found, limited(request.expected(&model, None), request.limit));
        }
    }

    /// Between batches the transaction writes on: what lies ahead of the cursor
    /// is seen as it stands then.
    #[test]
    fn batches_see_own_writes_ahead(
        stored in changes(40),
        request in request(),
        steps in prop::collection::vec(changes(6), 1..10),
    ) {
        let fixture = Fixture::new();
        let mut model = Model::new();
        fixture.commit(ops(&fixture, &stored));
        change(&mut model, &stored);
        let mut transaction = fixture.begin();
        let mut cursor = transaction.scan(&request.scan(&fixture)).unwrap();
        let mut passed: Option<Vec<u8>> = None;
        let mut left = if request.limit == 0 { usize::MAX } else { request.limit as usize };
        for step in &steps {
            let mut builder = RowBlockBuilder::new();
            let batch = transaction.next_batch(&mut cursor, &mut builder, request.batch, 1 << 20);
            let finished = block_on(batch).unwrap();
            let found = rows(&builder);
            let mut expected = request.expected(&model, passed.as_deref());
            let ended = expected.len() < request.batch.min(left);
            expected.truncate(request.batch.min(left));
            prop_assert_eq!(&found, &expected);
            left -= found.len();
            if let Some((key, _, _)) = found.last() {
                passed = Some(key.clone());
            }
            prop_assert!(!ended || finished);
            if finished {
                break;
            }
            apply(&mut transaction, ops(&fixture, step)).unwrap();
            change(&mut model, step);
        }
    }

    /// Through a secondary index, consistent and locking, rows stored and own.
    #[test]
    fn fetching_scans_return_the_rows(
        stored in prop::collection::btree_map(any::<u8>(), any::<u8>(), 0..60),
        own in prop::collection::btree_map(any::<u8>(), any::<u8>(), 0..20),
        backward in any::<bool>(),
        locking in any::<bool>(),
        batch in 1..40usize,
    ) {
        let fixture = Fixture::new();
        let entry = suffix_entry(1);
        let mut model = BTreeMap::new();
        let mut transaction = fixture.begin();
        for (map, is_own) in [(&stored, false), (&own, true)] {
            let rows: Vec<_> = map.iter().map(|(id, name)| ([*id], [*name, *id])).collect();
            let mut ops = Vec::new();
            for (id, name_and_id) in &rows {
                let (index, secondary) = (fixture.primary(), fixture.secondary());
                if let Some(old) = model.insert(*id, name_and_id.to_vec()) {
                    let key: &[u8] = Box::leak(old.into_boxed_slice());
                    ops.push(WriteOp::DeleteUnlocked { index: secondary, key });
                }
                ops.push(WriteOp::Put { index, key: id, value: name_and_id });
                ops.push(fixture.entry(name_and_id, &entry));
            }
            if is_own {
                apply(&mut transaction, ops).unwrap();
            } else {
                fixture.commit(ops);
            }
        }
        let mut request = fixture.whole(fixture.secondary());
        request.fetch = Some(fixture.primary());
        request.lock = if locking { EXCLUSIVE } else { Lock::None };
        request.direction = if backward { Direction::Backward } else { Direction::Forward };
        let found = scan(&mut transaction, &request, batch).unwrap();
        let mut expected: Vec<Row> =
            model.iter().map(|(id, entry)| (entry.clone(), id.to_vec(), entry.clone())).collect();
        expected.sort();
        if backward {
            expected.reverse();
        }
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn batch_ends_at_its_bytes_but_has_a_row() {
    let fixture = Fixture::new();
    for key in [b"a", b"b", b"c", b"d"] {
        fixture.put(key, &[0; 1000]);
    }
    let mut transaction = fixture.begin();
    let mut cursor = transaction.scan(&fixture.whole(fixture.primary())).unwrap();
    let mut sizes = Vec::new();
    for max_bytes in [1, 1500, 10_000] {
        let mut builder = RowBlockBuilder::new();
        block_on(transaction.next_batch(&mut cursor, &mut builder, 100, max_bytes)).unwrap();
        sizes.push(builder.rows());
    }
    assert_eq!(sizes, [1, 2, 1]);
}

#[test]
fn cursor_keeps_its_snapshot() {
    let fixture = Fixture::new();
    let index = fixture.primary();
    for key in [b"a", b"b"] {
        fixture.put(key, b"");
    }
    let mut transaction = fixture.begin_read_committed();
    let mut cursor = transaction.scan(&fixture.whole(index)).unwrap();
    let mut builder = RowBlockBuilder::new();
    block_on(transaction.next_batch(&mut cursor, &mut builder, 1, 1 << 20)).unwrap();
    fixture.put(b"c", b"");
    fixture.commit(vec![fixture.delete(b"b")]);
    transaction.new_snapshot();
    assert!(block_on(transaction.next_batch(&mut cursor, &mut builder, 10, 1 << 20)).unwrap());
    assert_eq!(keys(&rows(&builder)), [b"a", b"b"]);
    assert_eq!(
        keys(&scan(&mut transaction, &fixture.whole(index), 10).unwrap()),
        [b"a", b"c"]
    );
}

#[test]
fn cursor_of_a_truncated_table_fails() {
    let fixture = Fixture::new();
    fixture.put(b"a", b"");
    let mut transaction = fixture.begin();
    let mut cursor = transaction.scan(&fixture.whole(fixture.primary())).unwrap();
    fixture.store().truncate_table("t").unwrap();
    let mut builder = RowBlockBuilder::new();
    assert!(block_on(transaction.next_batch(&mut cursor, &mut builder, 1, 1)).is_err());
}

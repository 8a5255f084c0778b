//! What is encoded is what is decoded, and rows keep their order and bytes.

use proptest::prelude::*;
use vamos_proto::{
    CommitId, Counter, CounterRaise, Credit, CursorId, Direction, Durability, ErrorCode, Failure, Get,
    IndexEntry, IndexId, KeyRange, Lock, LockWait, MultiGet, PrimaryKey, Request, Response, Row,
    RowBlockBuilder, Scan, TableId, Write, WriteOp,
};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..60)
}

fn request_survives(request: Request<'_>) {
    let mut body = Vec::new();
    let opcode = request.encode(&mut body);
    assert_eq!(opcode, request.opcode());
    assert_eq!(Request::decode(opcode, &body), Ok(request));
}

proptest! {
    #[test]
    fn requests_survive(key in bytes(), other in bytes(), index in any::<u32>(), number in any::<u64>()) {
        let index = IndexId(index);
        let lock = Lock::Exclusive(LockWait::Skip);
        request_survives(Request::Get(Get { index, key: &key, lock, fetch: Some(IndexId(9)) }));
        request_survives(Request::MultiGet(MultiGet { index, keys: vec![&key, &other, &key], lock: Lock::None }));
        request_survives(Request::Credit(Credit { cursor: CursorId(7), bytes: number as u32 }));
        request_survives(Request::Commit(vamos_proto::Commit {
            durability: Durability::Second,
            id: CommitId { session: [number as u8; 16], number },
        }));
        request_survives(Request::Scan(Scan {
            cursor: CursorId(1),
            range: KeyRange { index, low: &key, high: &other },
            direction: Direction::Backward,
            lock,
            fetch: None,
            batch_rows: 1,
            max_batch_rows: 0,
            limit: number,
            credit: 4096,
        }));
        request_survives(Request::Write(Write {
            ops: vec![
                WriteOp::Insert { index, key: &key, value: &other },
                WriteOp::PutUnlocked { index, key: &other, value: b"" },
                WriteOp::Delete { index, key: &key },
                WriteOp::DeleteUnlocked { index, key: &key },
                WriteOp::Put { index, key: &key, value: &key },
            ],
            raise: vec![CounterRaise { table: TableId(2), counter: Counter::RowId, next: number }],
            row_delta: -1,
            table: TableId(2),
            answer: true,
        }));
    }

    #[test]
    fn rows_survive(rows in prop::collection::vec((bytes(), bytes(), bytes()), 0..20)) {
        let mut builder = RowBlockBuilder::new();
        for (key, primary_key, value) in &rows {
            builder.push(&Row { key, primary_key, value });
        }
        let mut body = Vec::new();
        let opcode = Response::Rows(builder.block()).encode(&mut body);
        let Ok(Response::Rows(block)) = Response::decode(opcode, &body) else { panic!("not rows") };
        let read: Vec<_> = block
            .iter()
            .map(|row| row.map(|row| (row.key.to_vec(), row.primary_key.to_vec(), row.value.to_vec())))
            .collect::<Result<_, _>>()
            .unwrap();
        prop_assert_eq!(read, rows);
    }

    #[test]
    fn index_entries_tell_their_primary_key(key in bytes(), primary_key in bytes(), extra in bytes()) {
        let mut value = Vec::new();
        IndexEntry { primary_key: PrimaryKey::InValue(&primary_key), extra: &extra }.encode(&mut value);
        let entry = IndexEntry::decode(&value).unwrap();
        prop_assert_eq!(entry.primary_key_of(&key).unwrap(), &primary_key[..]);
        prop_assert_eq!(entry.extra, &extra[..]);

        let entry_key = [&key[..], &primary_key[..]].concat();
        value.clear();
        IndexEntry { primary_key: PrimaryKey::KeySuffix(primary_key.len()), extra: &extra }.encode(&mut value);
        let entry = IndexEntry::decode(&value).unwrap();
        prop_assert_eq!(entry.primary_key_of(&entry_key).unwrap(), &primary_key[..]);
    }
}

#[test]
fn a_failure_keeps_its_sentence() {
    let failed = Response::Failed(Failure {
        code: ErrorCode::Deadlock,
        message: "two wait for each other".into(),
    });
    let mut body = Vec::new();
    let opcode = failed.encode(&mut body);
    assert_eq!(Response::decode(opcode, &body), Ok(failed));
}

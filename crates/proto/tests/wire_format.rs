//! Bytes as they are on the wire in version 2. If one of these fails, a guest
//! and a host of different builds no longer understand each other: raise
//! `MODULE_VERSION`.

use vamos_proto::{
    Begin, CursorId, Direction, Get, IndexId, Isolation, KeyRange, ListTables, Lock, LockWait, Request,
    Response, Row, RowBlockBuilder, Scan, SetDefinition, TableId, TableNames, Write, WriteOp,
};

fn wire(request: Request<'_>) -> (u16, Vec<u8>) {
    let mut body = Vec::new();
    let opcode = request.encode(&mut body);
    (opcode, body)
}

#[test]
fn begin() {
    let begin = Begin {
        isolation: Isolation::RepeatableRead,
        lock_wait_ms: 300,
    };
    assert_eq!(wire(Request::Begin(begin)), (1, vec![1, 0xac, 2]));
}

#[test]
fn get() {
    let get = Get {
        index: IndexId(7),
        key: b"ab",
        lock: Lock::Shared(LockWait::Fail),
        fetch: None,
    };
    assert_eq!(wire(Request::Get(get)), (16, vec![7, 2, b'a', b'b', 1, 1, 0]));
}

#[test]
fn scan() {
    let scan = Scan {
        cursor: CursorId(3),
        range: KeyRange {
            index: IndexId(7),
            low: b"a",
            high: b"",
        },
        direction: Direction::Backward,
        lock: Lock::None,
        fetch: Some(IndexId(6)),
        batch_rows: 2,
        max_batch_rows: 0,
        limit: 10,
        credit: 128,
    };
    assert_eq!(
        wire(Request::Scan(scan)),
        (18, vec![3, 7, 1, b'a', 0, 1, 0, 1, 6, 2, 0, 10, 0x80, 1])
    );
}

#[test]
fn write() {
    let write = Write {
        ops: vec![WriteOp::Insert {
            index: IndexId(1),
            key: b"k",
            value: b"v",
        }],
        raise: vec![],
        row_delta: 1,
        table: TableId(5),
        answer: true,
    };
    assert_eq!(
        wire(Request::Write(write)),
        (21, vec![1, 0, 1, 1, b'k', 1, b'v', 0, 2, 5, 1])
    );
}

#[test]
fn row_block() {
    let mut rows = RowBlockBuilder::new();
    rows.push(&Row {
        key: b"k",
        primary_key: b"",
        value: b"vw",
    });
    assert_eq!(
        rows.block().as_bytes(),
        [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, b'k', b'v', b'w']
    );
}

#[test]
fn names_and_definitions_of_tables() {
    let list = ListTables {
        prefix: "d/",
        after: "",
    };
    assert_eq!(wire(Request::ListTables(list)), (44, vec![2, b'd', b'/', 0]));
    let set = SetDefinition {
        name: "d/t",
        definition: &[7],
    };
    assert_eq!(
        wire(Request::SetDefinition(set)),
        (45, vec![3, b'd', b'/', b't', 1, 7])
    );
    let mut body = Vec::new();
    let names = TableNames {
        names: vec!["a", "b"],
        more: true,
    };
    assert_eq!(Response::TableNames(names).encode(&mut body), 142);
    assert_eq!(body, [2, 1, b'a', 1, b'b', 1]);
}

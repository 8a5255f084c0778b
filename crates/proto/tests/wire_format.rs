//! Bytes as they are on the wire in version 2. If one of these fails, a guest
//! and a host of different builds no longer understand each other: raise
//! `MODULE_VERSION`.

use vamos_proto::{
    AlterTable, AlterTables, Barrier, BarrierEnd, Begin, Build, BuildStep, Building, CommitId,
    CommitPrepared, Compact, CountEntries, Counted, CursorId, Deadlock, DeadlockPart, Direction, Durability,
    EvenKeys, Get, IndexDetail, IndexId, IndexSurvey, Isolation, KeyRange, ListTables, Lock, LockInfo,
    LockKind, LockWait, Monitor, Prepare, Recover, Request, Response, RollbackPrepared, Row, RowBlockBuilder,
    Scan, ScanRanges, ScanWhere, SetDefinition, Summarize, Survey, SurveyReply, SurveyStep, TableDetail,
    TableId, TableNames, TablesPage, Ticket, TransactionInfo, TransactionList, TransactionState, Unlock,
    WaitInfo, Write, WriteOp, Xid,
};

fn wire(request: Request<'_>) -> (u16, Vec<u8>) {
    let mut body = Vec::new();
    let opcode = request.encode(&mut body);
    (opcode, body)
}

fn wire_of_response(response: &Response<'_>) -> (u16, Vec<u8>) {
    let mut body = Vec::new();
    let opcode = response.encode(&mut body);
    (opcode, body)
}

#[test]
fn begin() {
    let begin = Begin {
        isolation: Isolation::RepeatableRead,
        lock_wait_ms: 300,
        client: 5,
    };
    assert_eq!(wire(Request::Begin(begin)), (1, vec![1, 0xac, 2, 5]));
}

#[test]
fn monitor() {
    let list = Monitor::Transactions {
        transactions: 3,
        locks: 300,
    };
    assert_eq!(wire(Request::Monitor(list)), (23, vec![0, 3, 0xac, 2]));
    assert_eq!(wire(Request::Monitor(Monitor::LastDeadlock)), (23, vec![1]));
}

#[test]
fn unlock() {
    let unlock = Unlock {
        index: IndexId(7),
        keys: vec![b"ab", b""],
    };
    assert_eq!(wire(Request::Unlock(unlock)), (24, vec![7, 2, 2, b'a', b'b', 0]));
}

#[test]
fn transactions_and_deadlock() {
    let lock = LockInfo {
        transaction: 9,
        kind: LockKind::Range,
        exclusive: true,
        granted: false,
        table: "t".into(),
        index: 1,
        index_id: IndexId(7),
        key: vec![b'k'],
        end: vec![],
    };
    let transaction = TransactionInfo {
        id: 9,
        client: 5,
        isolation: Isolation::RepeatableRead,
        age_ms: 300,
        state: TransactionState::Waiting,
        locks: 2,
        changes: 1,
        wait: Some(WaitInfo {
            lock: lock.clone(),
            waited_ms: 4,
            blockers: vec![8],
        }),
    };
    let lock_bytes = [9, 1, 1, 0, 1, b't', 1, 7, 1, b'k', 0];
    let wait = [&[1][..], &lock_bytes, &[4, 1, 8]].concat();
    let transaction_bytes = [&[9, 5, 1, 0xac, 2, 1, 2, 1][..], &wait].concat();
    let list = Response::Transactions(TransactionList {
        transactions: vec![transaction.clone()],
        locks: vec![lock.clone()],
        open: 6,
        held: 3,
    });
    let expected = [&[1][..], &transaction_bytes, &[1], &lock_bytes, &[6, 3]].concat();
    assert_eq!(wire_of_response(&list), (145, expected));
    let deadlock = Response::Deadlock(Some(Deadlock {
        unix_micros: 1,
        circle: vec![DeadlockPart {
            transaction,
            holds: Some(lock),
        }],
        victim: 9,
    }));
    let expected = [&[1, 1, 1][..], &transaction_bytes, &[1], &lock_bytes, &[9]].concat();
    assert_eq!(wire_of_response(&deadlock), (146, expected));
    assert_eq!(wire_of_response(&Response::Deadlock(None)), (146, vec![0]));
}

#[test]
fn prepare_and_what_follows() {
    let xid = Xid {
        format: 1,
        global: b"g",
        branch: b"",
    };
    let id = CommitId {
        session: [7; 16],
        number: 3,
    };
    let prepare = Prepare {
        xid,
        durability: Durability::Commit,
        id,
        server: [9; 16],
    };
    let name = [2, 1, b'g', 0];
    let attempt = [&[7; 16][..], &[3]].concat();
    assert_eq!(
        wire(Request::Prepare(prepare)),
        (10, [&name[..], &[0], &attempt, &[9; 16]].concat())
    );
    let ticket = Ticket {
        server: [9; 16],
        number: 4,
    };
    let commit = CommitPrepared {
        xid,
        durability: Durability::Second,
        id,
        ticket: Some(ticket),
    };
    assert_eq!(
        wire(Request::CommitPrepared(commit)),
        (11, [&name[..], &[1], &attempt, &[1], &[9; 16], &[4]].concat())
    );
    let rollback = RollbackPrepared { xid, attempt: None };
    assert_eq!(
        wire(Request::RollbackPrepared(rollback)),
        (12, [&name[..], &[0]].concat())
    );
    let recover = Recover {
        server: [9; 16],
        after: Some(xid),
        limit: 200,
    };
    assert_eq!(
        wire(Request::Recover(recover)),
        (13, [&[9; 16][..], &[1], &name, &[200, 1]].concat())
    );
    let barrier = Barrier {
        after: ticket,
        then: BarrierEnd::Sync,
    };
    assert_eq!(
        wire(Request::Barrier(barrier)),
        (14, [&[9; 16][..], &[4, 1]].concat())
    );
    assert_eq!(wire(Request::LockWaits(5)), (15, vec![5]));
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
fn scan_of_ranges() {
    let scan = Scan {
        cursor: CursorId(3),
        range: KeyRange {
            index: IndexId(7),
            low: b"a",
            high: b"a",
        },
        direction: Direction::Forward,
        lock: Lock::None,
        fetch: None,
        batch_rows: 2,
        max_batch_rows: 0,
        limit: 0,
        credit: 1,
    };
    let (opcode, body) = wire(Request::Scan(scan));
    assert_eq!(opcode, 18);
    let ranges = ScanRanges {
        scan,
        more: vec![(b"b", b"c")],
    };
    let expected = [&body[..], &[1, 1, b'b', 1, b'c']].concat();
    assert_eq!(wire(Request::ScanRanges(ranges)), (26, expected));
}

#[test]
fn survey() {
    let survey = Survey {
        table: TableId(5),
        entries: 300,
    };
    assert_eq!(wire(Request::Survey(survey)), (25, vec![5, 0xac, 2]));
    let reply = Response::Survey(SurveyReply {
        rows: 3,
        indexes: vec![IndexSurvey {
            seen: 3,
            runs: 1,
            key_bytes: 12,
            value_bytes: 9,
            steps: vec![SurveyStep {
                within: 2,
                between: 0,
                common: vec![b"ab"],
            }],
            even: Some(EvenKeys {
                first: b"c",
                last: b"de",
                off_by: 4,
            }),
        }],
    });
    let mut body = Vec::new();
    assert_eq!(reply.encode(&mut body), 148);
    let even = [1, 1, b'c', 2, b'd', b'e', 4];
    assert_eq!(
        body,
        [&[3, 1, 3, 1, 12, 9, 1, 2, 0, 1, 2, b'a', b'b'][..], &even].concat()
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
fn upkeep() {
    let count = CountEntries {
        index: IndexId(7),
        from: b"a",
        behind: true,
    };
    assert_eq!(wire(Request::CountEntries(count)), (52, vec![7, 1, b'a', 1]));
    let compact = Compact {
        table: TableId(5),
        from: b"",
    };
    assert_eq!(wire(Request::Compact(compact)), (56, vec![5, 0]));
    assert_eq!(wire(Request::SizeTables("t")), (51, vec![1, b't']));
    assert_eq!(wire(Request::VerifyFile(300)), (55, vec![0xac, 2]));

    let page = TablesPage {
        tables: vec![TableDetail {
            name: "d/t",
            table: TableId(3),
            rows: 9,
            counters: [2, 1],
            indexes: vec![IndexDetail {
                index: IndexId(4),
                bytes: 300,
            }],
        }],
        more: false,
    };
    let mut body = Vec::new();
    assert_eq!(Response::Tables(page).encode(&mut body), 153);
    assert_eq!(body, [1, 3, b'd', b'/', b't', 3, 9, 2, 1, 1, 4, 0xac, 2, 0]);
    body.clear();
    let counted = Counted {
        entries: 300,
        last: Some(b"k"),
    };
    assert_eq!(Response::Counted(counted).encode(&mut body), 154);
    assert_eq!(body, [0xac, 2, 1, 1, b'k']);
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

#[test]
fn alterations_of_tables() {
    let alter = AlterTables {
        tables: vec![AlterTable {
            table: TableId(3),
            definition: b"d",
            indexes: vec![IndexId(1), IndexId(300)],
        }],
    };
    assert_eq!(
        wire(Request::AlterTables(alter)),
        (40, vec![1, 3, 1, b'd', 2, 1, 0xac, 2])
    );
    let steps = [
        (BuildStep::Begin(2), vec![3, 0, 2]),
        (BuildStep::Scan, vec![3, 1]),
        (BuildStep::Round, vec![3, 2]),
        (BuildStep::Changes, vec![3, 3]),
        (BuildStep::Abandon, vec![3, 4]),
    ];
    for (step, bytes) in steps {
        let build = Build {
            table: TableId(3),
            step,
        };
        assert_eq!(wire(Request::Build(build)), (41, bytes));
    }
    let mut body = Vec::new();
    let building = Building {
        indexes: vec![IndexId(8)],
        rows: 5,
    };
    assert_eq!(Response::Building(building).encode(&mut body), 140);
    assert_eq!(body, [1, 8, 5]);
    body.clear();
    assert_eq!(Response::Round(7).encode(&mut body), 141);
    assert_eq!(body, [7]);
}

#[test]
fn scan_where() {
    use vamos_proto::program::{Comparison, Field, Kind, Layout, Op, Program, Width};
    let program = Program {
        layout: Layout::Row(vec![Width::Fixed(4).into(), Width::Prefixed.into()]),
        fields: vec![Field {
            place: 0,
            kind: Kind::Signed,
        }],
        sets: vec![],
        weights: vec![],
        conditions: vec![vec![
            Op::Field(0),
            Op::Number { value: -3, scale: 0 },
            Op::Compare(Comparison::Less),
        ]],
    };
    let row = program.encode();
    assert_eq!(
        row,
        [0, 2, 0, 4, 0, 1, 0, 1, 0, 0, 0, 0, 1, 3, 0, 0, 1, 5, 0, 7, 2]
    );
    let scan = Scan {
        cursor: CursorId(3),
        range: KeyRange {
            index: IndexId(7),
            low: b"",
            high: b"",
        },
        direction: Direction::Forward,
        lock: Lock::None,
        fetch: None,
        batch_rows: 2,
        max_batch_rows: 0,
        limit: 0,
        credit: 1,
    };
    let (opcode, body) = wire(Request::ScanWhere(ScanWhere {
        scan,
        entry: b"",
        row: b"p",
    }));
    assert_eq!(opcode, 28);
    assert_eq!(body, [3, 7, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 1, b'p']);
    let (opcode, body) = wire(Request::Summarize(Summarize { scan, summary: b"s" }));
    assert_eq!(opcode, 29);
    assert_eq!(body, [3, 7, 0, 0, 0, 0, 0, 2, 0, 0, 1, 1, b's']);
}

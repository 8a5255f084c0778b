use crate::support::{EXCLUSIVE, Fixture, Row, apply, commit_id, scan, suffix_entry};
use pollster::block_on;
use vamos_proto::{Direction, Durability, KeyRange, Scan, WriteOp};
use vamos_store::{StoreError, Transaction};

const ACCOUNTS: u8 = 12;
const BALANCE: u64 = 1000;
const ROUNDS: u64 = 300;

fn balance(row: &Row) -> u64 {
    u64::from_le_bytes(row.2[..].try_into().unwrap())
}

/// Locks a few accounts by a scan and moves money from the first to the last.
fn transfer(transaction: &mut Transaction, fixture: &Fixture, random: u64) -> Result<(), StoreError> {
    let low = (random % u64::from(ACCOUNTS - 2)) as u8;
    let high = [low + 3];
    let by_entry = random & 16 != 0;
    let index = if by_entry {
        fixture.secondary()
    } else {
        fixture.primary()
    };
    let request = Scan {
        range: KeyRange {
            index,
            low: &[low],
            high: &high,
        },
        direction: if random & 32 == 0 {
            Direction::Forward
        } else {
            Direction::Backward
        },
        lock: EXCLUSIVE,
        fetch: by_entry.then(|| fixture.primary()),
        ..fixture.whole(index)
    };
    let rows = scan(transaction, &request, 1 + (random >> 8) as usize % 3)?;
    assert_eq!(rows.len(), 3);
    let (from, to) = (&rows[0], &rows[2]);
    let key = |row: &Row| vec![row.0[0]];
    let (from_key, to_key) = (key(from), key(to));
    let less = (balance(from) - 1).to_le_bytes();
    let more = (balance(to) + 1).to_le_bytes();
    let index = fixture.primary();
    let ops = vec![
        WriteOp::Put {
            index,
            key: &from_key,
            value: &less,
        },
        WriteOp::Put {
            index,
            key: &to_key,
            value: &more,
        },
    ];
    apply(transaction, ops)?;
    Ok(())
}

fn run(fixture: &Fixture, thread: u64) {
    let mut random = (thread + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..ROUNDS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        loop {
            let mut transaction = fixture.begin();
            match transfer(&mut transaction, fixture, random) {
                Ok(()) => {
                    let durability = [Durability::Never, Durability::Commit][thread as usize % 2];
                    block_on(transaction.commit(durability, commit_id(1))).unwrap();
                    break;
                }
                Err(StoreError::Deadlock) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Locking scans (both ways, directly and through a secondary index) and commits
/// (written in place and in groups) side by side: no update is lost, and every
/// snapshot shows whole transactions.
#[test]
fn money_is_neither_made_nor_lost() {
    let fixture = Fixture::new();
    let entry = suffix_entry(1);
    for account in 0..ACCOUNTS {
        fixture.put(&[account], &BALANCE.to_le_bytes());
        fixture.commit(vec![fixture.entry(&[account, account], &entry)]);
    }
    let total = |fixture: &Fixture| -> u64 {
        let mut reader = fixture.begin();
        let rows = scan(&mut reader, &fixture.whole(fixture.primary()), 5).unwrap();
        rows.iter().map(balance).sum()
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|thread| {
                scope.spawn({
                    let fixture = &fixture;
                    move || run(fixture, thread)
                })
            })
            .collect();
        while !writers.iter().all(|writer| writer.is_finished()) {
            assert_eq!(total(&fixture), u64::from(ACCOUNTS) * BALANCE);
        }
    });
    assert_eq!(total(&fixture), u64::from(ACCOUNTS) * BALANCE);
    let status = fixture.store().status();
    assert_eq!(
        (status.locks_held, status.locks_waiting, status.lock_timeouts),
        (0, 0, 0)
    );
}

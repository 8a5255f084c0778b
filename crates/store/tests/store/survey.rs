//! Surveys count what an index holds, wherever it is kept.

use crate::support::{Fixture, commit_id};
use pollster::block_on;
use vamos_proto::{Durability, IndexSurvey, KeyRange, Write, WriteOp};

/// Keys of two numbers, the first of which has a tenth as many values as rows.
fn fill(fixture: &Fixture, rows: u32) {
    let keys: Vec<_> = (0..rows)
        .map(|row| [(row / 10).to_be_bytes(), row.to_be_bytes()].concat())
        .collect();
    let index = fixture.primary();
    let ops = keys.iter().map(|key| WriteOp::Insert {
        index,
        key,
        value: b"value",
    });
    let write = Write {
        ops: ops.collect(),
        raise: vec![],
        row_delta: rows.into(),
        answer: true,
        table: fixture.table.table,
    };
    let mut transaction = fixture.begin();
    block_on(transaction.apply(&write)).unwrap();
    block_on(transaction.commit(Durability::Never, commit_id(1))).unwrap();
}

/// Pairs of neighbours that differ in the first number.
fn changes(survey: &IndexSurvey<'_>) -> u64 {
    let differ = survey.steps.iter().filter(|step| step.common[0].len() < 4);
    differ.map(|step| step.within + step.between).sum()
}

fn survey<T>(fixture: &Fixture, entries: u32, look: impl FnOnce(&IndexSurvey<'_>) -> T) -> T {
    let found = fixture.store().survey(fixture.table.table, entries).unwrap();
    look(&found.as_message().indexes[0])
}

#[test]
fn all_entries_are_looked_at_if_they_may_be() {
    let mut fixture = Fixture::new();
    fill(&fixture, 2000);
    for _ in 0..2 {
        survey(&fixture, 5000, |found| {
            assert_eq!((found.seen, found.runs), (2000, 1));
            assert_eq!((found.key_bytes, found.value_bytes), (16_000, 10_000));
            assert_eq!(changes(found), 199);
        });
        fixture.reopen();
    }
}

#[test]
fn runs_are_spread_over_a_large_index() {
    let fixture = Fixture::new();
    fill(&fixture, 50_000);
    survey(&fixture, 6400, |found| {
        assert!((6000..=6400).contains(&found.seen), "{}", found.seen);
        assert!(found.runs > 50, "{}", found.runs);
        let share = changes(found) as f64 / found.seen as f64;
        assert!((0.08..0.13).contains(&share), "{share}");
    });
}

#[test]
fn an_empty_table_has_nothing_to_look_at() {
    let fixture = Fixture::new();
    survey(&fixture, 100, |found| {
        assert_eq!((found.seen, found.runs, found.steps.len()), (0, 0, 0));
    });
}

#[test]
fn sizes_follow_a_survey_where_keys_are_not_spread_evenly() {
    let fixture = Fixture::new();
    let keys: Vec<_> = (0..20_000u32)
        .map(|row| match row < 18_000 {
            true => row.to_be_bytes(),
            false => (row * 100_000).to_be_bytes(),
        })
        .collect();
    let index = fixture.primary();
    let ops = keys.iter().map(|key| WriteOp::Put {
        index,
        key,
        value: b"value",
    });
    let write = Write {
        ops: ops.collect(),
        raise: vec![],
        row_delta: 20_000,
        answer: true,
        table: fixture.table.table,
    };
    let mut transaction = fixture.begin();
    block_on(transaction.apply(&write)).unwrap();
    block_on(transaction.commit(Durability::Never, commit_id(1))).unwrap();
    survey(&fixture, 30_000, |found| assert_eq!(found.seen, 20_000));
    let range = KeyRange {
        index,
        low: b"",
        high: &18_000u32.to_be_bytes(),
    };
    let size = fixture.store().range_sizes(&[range]).unwrap()[0];
    assert!((17_000..19_000).contains(&size), "{size}");
}

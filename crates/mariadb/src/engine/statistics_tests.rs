//! What the optimizer is told follows what the host counted.

use super::*;
use crate::codec::{Column, Key, Order, Storage};

/// Columns a INT, b INT, c INT. PRIMARY KEY (a, b); KEY (c).
fn shape() -> Shape {
    let column = |offset| Column {
        offset,
        length: 4,
        null: None,
        storage: Storage::Fixed,
        order: Order::Signed,
        meaning: Default::default(),
        stored: true,
    };
    let part = |column| KeyPart {
        column,
        length: 4,
        nullable: false,
        variable: false,
        reverse: false,
        prefix: false,
    };
    let key = |parts: Vec<KeyPart>, own, unique| Key {
        own,
        parts,
        unique,
        suffix: Vec::new(),
        whole_suffix: true,
        extra: Vec::new(),
    };
    let keys = vec![
        key(vec![part(0), part(1)], 2, true),
        key(vec![part(2), part(0), part(1)], 1, false),
    ];
    Shape::new(
        vec![column(0), column(4), column(8)],
        keys,
        Some(0),
        12,
        vec![0; 12],
    )
}

fn step(within: u64, common: &'static [u8]) -> SurveyStep<'static> {
    SurveyStep {
        within,
        between: 0,
        common: vec![common],
    }
}

/// 100 rows: `a` has ten values, `c` four.
fn found() -> SurveyReply<'static> {
    let index = |steps| IndexSurvey {
        seen: 100,
        runs: 1,
        key_bytes: 800,
        value_bytes: 1200,
        steps,
        even: None,
    };
    SurveyReply {
        rows: 100,
        indexes: vec![
            index(vec![step(9, &[0; 3]), step(90, &[0; 7])]),
            index(vec![step(3, &[0; 3]), step(36, &[0; 7]), step(60, &[0; 11])]),
        ],
    }
}

#[test]
fn each_beginning_of_a_key_has_its_number_of_values() {
    let shape = shape();
    let statistics = Statistics::new(&shape, &found());
    let rows = |key, parts| statistics.rows_per_value(&shape, key, parts, 100).round();
    assert_eq!([rows(0, 1), rows(0, 2)], [10.0, 1.0]);
    // The second key goes on with the primary key.
    assert_eq!([rows(1, 1), rows(1, 2), rows(1, 3)], [25.0, 3.0, 1.0]);
    assert_eq!(statistics.entry_bytes(0), 20.0);
}

#[test]
fn what_was_not_looked_at_is_like_what_was() {
    let shape = shape();
    let part = SurveyReply {
        rows: 10_000,
        ..found()
    };
    let statistics = Statistics::new(&shape, &part);
    let rows = statistics.rows_per_value(&shape, 0, 1, 10_000);
    assert!((10.0..12.0).contains(&rows), "{rows}");
}

#[test]
fn nothing_is_known_of_what_the_host_does_not_tell() {
    let shape = shape();
    let rows = Statistics::default().rows_per_value(&shape, 0, 1, 5);
    assert_eq!(rows, 5.0);
}

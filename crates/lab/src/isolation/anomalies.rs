//! What should not happen, and how it would be seen.

use super::{Anomaly, Played, Scenario};

const fn anomaly(
    name: &'static str,
    steps: &'static [(&'static str, &'static str)],
    happened: fn(&Played) -> bool,
) -> Anomaly {
    Anomaly {
        scenario: Scenario { name, steps },
        happened,
    }
}

/// All of them, the weakest first.
pub const ANOMALIES: &[Anomaly] = &[
    anomaly(
        "G0: dirty write",
        &[
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("2", "UPDATE t SET value = 12 WHERE id = 1"),
            ("1", "UPDATE t SET value = 21 WHERE id = 2"),
            ("1", "COMMIT"),
            ("2", "UPDATE t SET value = 22 WHERE id = 2"),
            ("2", "COMMIT"),
        ],
        |played| {
            !matches!(
                (played.in_the_end(1), played.in_the_end(2)),
                (Some(12), Some(22)) | (Some(11), Some(21))
            )
        },
    ),
    anomaly(
        "G1a: aborted read",
        &[
            ("1", "UPDATE t SET value = 101 WHERE id = 1"),
            ("2 read", "SELECT value FROM t WHERE id = 1"),
            ("1", "ROLLBACK"),
            ("2", "COMMIT"),
        ],
        |played| played.value("read") == "101",
    ),
    anomaly(
        "G1b: intermediate read",
        &[
            ("1", "UPDATE t SET value = 101 WHERE id = 1"),
            ("2 read", "SELECT value FROM t WHERE id = 1"),
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("1", "COMMIT"),
            ("2", "COMMIT"),
        ],
        |played| played.value("read") == "101",
    ),
    anomaly(
        "G1c: circular information flow",
        &[
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("2", "UPDATE t SET value = 22 WHERE id = 2"),
            ("1 one", "SELECT value FROM t WHERE id = 2"),
            ("2 two", "SELECT value FROM t WHERE id = 1"),
            ("1", "COMMIT"),
            ("2", "COMMIT"),
        ],
        |played| played.value("one") == "22" && played.value("two") == "11",
    ),
    anomaly(
        "OTV: observed transaction vanishes",
        &[
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("1", "UPDATE t SET value = 19 WHERE id = 2"),
            ("2", "UPDATE t SET value = 12 WHERE id = 1"),
            ("1", "COMMIT"),
            ("3 one", "SELECT value FROM t WHERE id = 1"),
            ("3 two", "SELECT value FROM t WHERE id = 2"),
            ("2", "UPDATE t SET value = 18 WHERE id = 2"),
            ("2", "COMMIT"),
            ("3", "COMMIT"),
        ],
        |played| played.value("one") == "12" && played.value("two") == "19",
    ),
    anomaly(
        "PMP: a predicate finds what was added",
        &[
            ("1", "SELECT * FROM t WHERE value = 30"),
            ("2", "INSERT INTO t VALUES (3, 30)"),
            ("2", "COMMIT"),
            ("1 read", "SELECT * FROM t WHERE value % 3 = 0"),
            ("1", "COMMIT"),
        ],
        |played| !played.rows("read").is_empty(),
    ),
    anomaly(
        "PMP, write: a DELETE finds other rows than a SELECT",
        &[
            ("1", "UPDATE t SET value = value + 10"),
            ("2 read", "SELECT id FROM t WHERE value = 20"),
            ("2 delete", "DELETE FROM t WHERE value = 20"),
            ("1", "COMMIT"),
            ("2", "COMMIT"),
        ],
        |played| {
            played.value("read") == "2" && played.in_the_end(1).is_none() && played.in_the_end(2).is_some()
        },
    ),
    anomaly(
        "P4: lost update",
        &[
            ("1", "SELECT value FROM t WHERE id = 1"),
            ("2", "SELECT value FROM t WHERE id = 1"),
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("2", "UPDATE t SET value = 12 WHERE id = 1"),
            ("1", "COMMIT"),
            ("2", "COMMIT"),
        ],
        |played| !played.failed(),
    ),
    anomaly(
        "G-single: read skew",
        &[
            ("1", "SELECT value FROM t WHERE id = 1"),
            ("2", "UPDATE t SET value = 12 WHERE id = 1"),
            ("2", "UPDATE t SET value = 18 WHERE id = 2"),
            ("2", "COMMIT"),
            ("1 read", "SELECT value FROM t WHERE id = 2"),
            ("1", "COMMIT"),
        ],
        |played| played.value("read") == "18",
    ),
    anomaly(
        "G-single, predicates",
        &[
            ("1", "SELECT * FROM t WHERE value % 5 = 0"),
            ("2", "UPDATE t SET value = 12 WHERE value = 10"),
            ("2", "COMMIT"),
            ("1 read", "SELECT * FROM t WHERE value % 3 = 0"),
            ("1", "COMMIT"),
        ],
        |played| !played.rows("read").is_empty(),
    ),
    anomaly(
        "G-single, write after the other's commit",
        &[
            ("1 read", "SELECT value FROM t WHERE id = 1"),
            ("2", "UPDATE t SET value = 12 WHERE id = 1"),
            ("2", "UPDATE t SET value = 18 WHERE id = 2"),
            ("2", "COMMIT"),
            ("1 delete", "DELETE FROM t WHERE value = 20"),
            ("1", "COMMIT"),
        ],
        read_skew_by_delete,
    ),
    anomaly(
        "G-single, write before the other's commit",
        &[
            ("1 read", "SELECT value FROM t WHERE id = 1"),
            ("2", "UPDATE t SET value = 12 WHERE id = 1"),
            ("1 delete", "DELETE FROM t WHERE value = 20"),
            ("2", "UPDATE t SET value = 18 WHERE id = 2"),
            ("2", "COMMIT"),
            ("1", "COMMIT"),
        ],
        read_skew_by_delete,
    ),
    anomaly(
        "G2-item: write skew",
        &[
            ("1", "SELECT * FROM t WHERE id IN (1, 2)"),
            ("2", "SELECT * FROM t WHERE id IN (1, 2)"),
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("2", "UPDATE t SET value = 21 WHERE id = 2"),
            ("1", "COMMIT"),
            ("2", "COMMIT"),
        ],
        |played| !played.failed(),
    ),
    anomaly(
        "G2: write skew by predicates",
        &[
            ("1", "SELECT * FROM t WHERE value % 3 = 0"),
            ("2", "SELECT * FROM t WHERE value % 3 = 0"),
            ("1", "INSERT INTO t VALUES (3, 30)"),
            ("2", "INSERT INTO t VALUES (4, 42)"),
            ("1", "COMMIT"),
            ("2", "COMMIT"),
        ],
        |played| !played.failed(),
    ),
    anomaly(
        "G2, two edges",
        &[
            ("1", "SELECT * FROM t"),
            ("2", "UPDATE t SET value = value + 5 WHERE id = 2"),
            ("2", "COMMIT"),
            ("3 read", "SELECT value FROM t WHERE id = 2"),
            ("3", "COMMIT"),
            ("1", "UPDATE t SET value = 0 WHERE id = 1"),
            ("1", "COMMIT"),
        ],
        |played| played.value("read") == "25" && !played.waited("read") && !played.failed(),
    ),
    anomaly(
        "phantom, FOR UPDATE by primary key",
        &[
            ("1 first", "SELECT * FROM t WHERE id BETWEEN 1 AND 9 FOR UPDATE"),
            ("2", "INSERT INTO t VALUES (5, 50)"),
            ("2", "COMMIT"),
            ("1 second", "SELECT * FROM t WHERE id BETWEEN 1 AND 9 FOR UPDATE"),
            ("1", "COMMIT"),
        ],
        phantom,
    ),
    anomaly(
        "phantom, FOR UPDATE by secondary key",
        &[
            (
                "1 first",
                "SELECT * FROM t FORCE INDEX (value) WHERE value BETWEEN 5 AND 25 FOR UPDATE",
            ),
            ("2", "INSERT INTO t VALUES (5, 15)"),
            ("2", "COMMIT"),
            (
                "1 second",
                "SELECT * FROM t FORCE INDEX (value) WHERE value BETWEEN 5 AND 25 FOR UPDATE",
            ),
            ("1", "COMMIT"),
        ],
        phantom,
    ),
    anomaly(
        "phantom, LOCK IN SHARE MODE by secondary key, moved in",
        &[
            (
                "1 first",
                "SELECT * FROM t FORCE INDEX (value) WHERE value > 15 LOCK IN SHARE MODE",
            ),
            ("2", "UPDATE t SET value = 17 WHERE id = 1"),
            ("2", "COMMIT"),
            (
                "1 second",
                "SELECT * FROM t FORCE INDEX (value) WHERE value > 15 LOCK IN SHARE MODE",
            ),
            ("1", "COMMIT"),
        ],
        phantom,
    ),
    anomaly(
        "phantom, LOCK IN SHARE MODE of the whole table",
        &[
            ("1 first", "SELECT * FROM t LOCK IN SHARE MODE"),
            ("2", "INSERT INTO t VALUES (3, 30)"),
            ("2", "COMMIT"),
            ("1 second", "SELECT * FROM t LOCK IN SHARE MODE"),
            ("1", "COMMIT"),
        ],
        phantom,
    ),
    anomaly(
        "phantom, a missing row FOR UPDATE",
        &[
            ("1 first", "SELECT * FROM t WHERE id = 5 FOR UPDATE"),
            ("2", "INSERT INTO t VALUES (5, 50)"),
            ("2", "COMMIT"),
            ("1 second", "SELECT * FROM t WHERE id = 5 FOR UPDATE"),
            ("1", "COMMIT"),
        ],
        phantom,
    ),
    anomaly(
        "phantom, descending FOR UPDATE",
        &[
            (
                "1 first",
                "SELECT * FROM t WHERE id > 1 ORDER BY id DESC FOR UPDATE",
            ),
            ("2", "INSERT INTO t VALUES (7, 70)"),
            ("2", "COMMIT"),
            (
                "1 second",
                "SELECT * FROM t WHERE id > 1 ORDER BY id DESC FOR UPDATE",
            ),
            ("1", "COMMIT"),
        ],
        phantom,
    ),
    anomaly(
        "an uncommitted row is passed by FOR UPDATE",
        &[
            ("2", "INSERT INTO t VALUES (5, 15)"),
            (
                "1 first",
                "SELECT * FROM t FORCE INDEX (value) WHERE value BETWEEN 5 AND 25 FOR UPDATE",
            ),
            ("2", "COMMIT"),
            (
                "1 second",
                "SELECT * FROM t FORCE INDEX (value) WHERE value BETWEEN 5 AND 25 FOR UPDATE",
            ),
            ("1", "COMMIT"),
        ],
        phantom,
    ),
    anomaly(
        "write skew, both FOR UPDATE",
        &[
            ("1 one", "SELECT SUM(value) FROM t WHERE id IN (1, 2) FOR UPDATE"),
            ("2 two", "SELECT SUM(value) FROM t WHERE id IN (1, 2) FOR UPDATE"),
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("1", "COMMIT"),
            ("2", "UPDATE t SET value = 21 WHERE id = 2"),
            ("2", "COMMIT"),
        ],
        |played| played.value("one") == played.value("two") && !played.failed(),
    ),
    anomaly(
        "write skew, both LOCK IN SHARE MODE",
        &[
            ("1", "SELECT * FROM t WHERE id IN (1, 2) LOCK IN SHARE MODE"),
            ("2", "SELECT * FROM t WHERE id IN (1, 2) LOCK IN SHARE MODE"),
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("2", "UPDATE t SET value = 21 WHERE id = 2"),
            ("1", "COMMIT"),
            ("2", "COMMIT"),
        ],
        |played| !played.failed(),
    ),
    anomaly(
        "lost update, both FOR UPDATE",
        &[
            ("1", "SELECT value FROM t WHERE id = 1 FOR UPDATE"),
            ("2 read", "SELECT value FROM t WHERE id = 1 FOR UPDATE"),
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("1", "COMMIT"),
            ("2", "UPDATE t SET value = 12 WHERE id = 1"),
            ("2", "COMMIT"),
        ],
        |played| played.value("read") == "10" && !played.failed(),
    ),
];

/// The DELETE did not find the row that the snapshot of the first read still has.
fn read_skew_by_delete(played: &Played) -> bool {
    played.value("read") == "10" && played.changed("delete") == Some(0)
}

/// The same locking read finds something else the second time.
fn phantom(played: &Played) -> bool {
    use super::Seen::Rows;
    match (played.seen("first"), played.seen("second")) {
        (Rows(first), Rows(second)) => first != second,
        _ => false,
    }
}

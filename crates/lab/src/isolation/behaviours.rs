//! What an application sees of locks: the same on both engines.

use super::{Behaviour, Scenario};

const fn behaviour(name: &'static str, steps: &'static [(&'static str, &'static str)]) -> Behaviour {
    Behaviour {
        scenario: Scenario { name, steps },
        not_at_serializable: false,
    }
}

/// All of them.
pub const BEHAVIOURS: &[Behaviour] = &[
    behaviour(
        "a row that a new foreign key refers to stays while the table waits to be replaced",
        &[
            ("3", "CREATE TABLE c (id INT PRIMARY KEY, r INT)"),
            ("3", "INSERT INTO c VALUES (1, 1)"),
            ("1", "SELECT * FROM c"),
            ("2 a", "ALTER TABLE c ADD FOREIGN KEY (r) REFERENCES t (id)"),
            ("3 b", "DELETE FROM t WHERE id = 1"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "SKIP LOCKED leaves out what is locked",
        &[
            ("1", "SELECT * FROM t WHERE id = 1 FOR UPDATE"),
            ("2 a", "SELECT * FROM t ORDER BY id FOR UPDATE SKIP LOCKED"),
            ("3 b", "SELECT * FROM t ORDER BY id FOR UPDATE SKIP LOCKED"),
        ],
    ),
    behaviour(
        "NOWAIT fails at once and the transaction goes on",
        &[
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("2 a", "UPDATE t SET value = 21 WHERE id = 2"),
            ("2 b", "SELECT * FROM t WHERE id = 1 FOR UPDATE NOWAIT"),
            ("2 c", "SELECT * FROM t WHERE id = 2 LOCK IN SHARE MODE NOWAIT"),
            ("2", "COMMIT"),
        ],
    ),
    behaviour(
        "a lock wait timeout undoes its statement alone",
        &[
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("2 a", "INSERT INTO t VALUES (3, 30)"),
            ("2 b", "UPDATE t SET value = value + 1 WHERE id = 1"),
            ("2 c", "SELECT * FROM t WHERE id = 3"),
            ("2", "COMMIT"),
        ],
    ),
    behaviour(
        "a lock wait timeout while several indexes are read is told, too",
        &[
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            (
                "2 a",
                "SELECT * FROM t FORCE INDEX (PRIMARY, value) WHERE id = 9 OR value = 10 FOR UPDATE",
            ),
            (
                "2 b",
                "UPDATE t FORCE INDEX (PRIMARY, value) SET value = 16 WHERE id = 9 OR value = 10",
            ),
            ("2 c", "DELETE FROM t WHERE id = 9 OR value = 10"),
            ("2", "COMMIT"),
        ],
    ),
    behaviour(
        "a deadlock undoes one transaction, the lighter one",
        &[
            ("1", "INSERT INTO t VALUES (3, 30), (4, 40), (5, 50)"),
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("2 a", "UPDATE t SET value = 21 WHERE id = 2"),
            ("2 b", "UPDATE t SET value = 12 WHERE id = 1"),
            ("1 c", "UPDATE t SET value = 22 WHERE id = 2"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "a deadlock is told of by a statement that fails by another row, too",
        &[
            ("1", "INSERT INTO t VALUES (3, 30), (4, 40), (5, 50)"),
            ("1", "UPDATE t SET value = 11 WHERE id = 1"),
            ("2 a", "UPDATE t SET value = 21 WHERE id = 2"),
            ("1 b", "UPDATE t SET value = 22 WHERE id = 2"),
            ("2 c", "INSERT INTO t VALUES (1, 5), (6, 'no number')"),
            ("1", "COMMIT"),
            ("2 d", "SELECT @@in_transaction"),
            ("2 e", "SELECT * FROM t"),
        ],
    ),
    Behaviour {
        not_at_serializable: true,
        ..behaviour(
            "an UPDATE changes the newest row, not the snapshot's",
            &[
                ("1 a", "SELECT * FROM t"),
                ("2", "UPDATE t SET value = 15 WHERE id = 1"),
                ("2", "COMMIT"),
                ("1 b", "UPDATE t SET value = value + 1 WHERE id = 1"),
                ("1 c", "SELECT * FROM t"),
                ("1", "COMMIT"),
            ],
        )
    },
    Behaviour {
        not_at_serializable: true,
        ..behaviour(
            "a row that INSERT IGNORE leaves alone stays out of the snapshot",
            &[
                ("1 a", "SELECT * FROM t"),
                ("2", "INSERT INTO t VALUES (3, 30)"),
                ("2", "COMMIT"),
                ("1 b", "INSERT IGNORE INTO t VALUES (3, 31), (4, 40)"),
                (
                    "1 c",
                    "SELECT id FROM t FORCE INDEX (value) WHERE value > 0 ORDER BY value",
                ),
                ("1 d", "SELECT * FROM t FORCE INDEX (value) WHERE value = 30"),
                ("1", "COMMIT"),
            ],
        )
    },
    Behaviour {
        not_at_serializable: true,
        ..behaviour(
            "an UPDATE by several indexes changes the newest rows, too",
            &[
                ("1 a", "SELECT * FROM t"),
                ("2", "UPDATE t SET value = 15 WHERE id = 1"),
                ("2", "COMMIT"),
                (
                    "1 b",
                    "SELECT * FROM t FORCE INDEX (PRIMARY, value) WHERE id = 9 OR value = 15 FOR UPDATE",
                ),
                (
                    "1",
                    "UPDATE t FORCE INDEX (PRIMARY, value) SET value = 16 WHERE id = 9 OR value = 15",
                ),
                ("1 c", "SELECT * FROM t"),
                ("1", "COMMIT"),
            ],
        )
    },
    Behaviour {
        not_at_serializable: true,
        ..behaviour(
            "a row whose unique value went to another one is seen beside the one that took it from there",
            &[
                (
                    "1",
                    "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, value INT NOT NULL, UNIQUE (value))",
                ),
                ("1", "INSERT INTO t VALUES (2, 20)"),
                ("1", "COMMIT"),
                ("1 a", "SELECT * FROM t"),
                ("2", "REPLACE INTO t VALUES (3, 20)"),
                ("2", "COMMIT"),
                ("1", "REPLACE INTO t VALUES (1, 20)"),
                ("1 b", "SELECT * FROM t FORCE INDEX (PRIMARY)"),
                (
                    "1 c",
                    "SELECT * FROM t FORCE INDEX (value) WHERE value > 0 ORDER BY id",
                ),
                ("1 d", "SELECT * FROM t WHERE value = 20"),
                (
                    "1 e",
                    "SELECT * FROM t FORCE INDEX (value) WHERE value > 0 FOR UPDATE",
                ),
                ("1", "COMMIT"),
            ],
        )
    },
    Behaviour {
        not_at_serializable: true,
        ..behaviour(
            "a row that was deleted since the snapshot is seen beside the one that took its unique value",
            &[
                (
                    "1",
                    "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, value INT NOT NULL, UNIQUE (value))",
                ),
                ("1", "INSERT INTO t VALUES (2, 20)"),
                ("1", "COMMIT"),
                ("1 a", "SELECT * FROM t"),
                ("2", "DELETE FROM t"),
                ("2", "COMMIT"),
                ("1", "INSERT INTO t VALUES (1, 20)"),
                ("1 b", "SELECT * FROM t FORCE INDEX (PRIMARY)"),
                (
                    "1 c",
                    "SELECT * FROM t FORCE INDEX (value) WHERE value > 0 ORDER BY id",
                ),
                ("1 d", "SELECT * FROM t WHERE value = 20"),
                ("1", "COMMIT"),
            ],
        )
    },
    behaviour(
        "an inserted row that was undone locks nothing",
        &[
            ("1", "SAVEPOINT s"),
            ("1 a", "INSERT INTO t VALUES (5, 50)"),
            ("1", "ROLLBACK TO SAVEPOINT s"),
            ("2 b", "INSERT INTO t VALUES (5, 51)"),
            ("2", "COMMIT"),
            ("1 c", "SELECT * FROM t WHERE id = 5"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "a locking read sees what is committed, a plain one its snapshot",
        &[
            ("1", "SELECT * FROM t"),
            ("2", "INSERT INTO t VALUES (3, 30)"),
            ("2", "COMMIT"),
            ("1 a", "SELECT * FROM t"),
            ("1 b", "SELECT * FROM t LOCK IN SHARE MODE"),
            ("1", "COMMIT"),
        ],
    ),
    Behaviour {
        not_at_serializable: true,
        ..behaviour(
            "what an INSERT .. SELECT copies is what a DELETE then takes away",
            &[
                ("1 a", "SELECT * FROM t"),
                ("2", "INSERT INTO t VALUES (3, 30)"),
                ("2", "COMMIT"),
                ("1 b", "INSERT INTO t SELECT id + 10, value FROM t"),
                ("1 c", "DELETE FROM t WHERE id < 10"),
                ("1 d", "SELECT * FROM t"),
                ("1", "COMMIT"),
            ],
        )
    },
    behaviour(
        "WITH CONSISTENT SNAPSHOT holds at REPEATABLE READ alone",
        &[
            ("1", "START TRANSACTION WITH CONSISTENT SNAPSHOT"),
            ("2", "INSERT INTO t VALUES (3, 30)"),
            ("2", "COMMIT"),
            ("1 a", "SELECT * FROM t"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "an INSERT waits for whoever has deleted the key",
        &[
            ("1", "DELETE FROM t WHERE id = 1"),
            ("2 a", "INSERT INTO t VALUES (1, 99)"),
            ("1", "COMMIT"),
            ("2", "COMMIT"),
        ],
    ),
    behaviour(
        "an INSERT waits for whoever has inserted the key",
        &[
            ("1", "INSERT INTO t VALUES (3, 30)"),
            ("2 a", "INSERT INTO t VALUES (3, 31)"),
            ("1", "ROLLBACK"),
            ("2", "COMMIT"),
        ],
    ),
    behaviour(
        "two who lock a missing row and insert it: one deadlock",
        &[
            ("1 a", "SELECT * FROM t WHERE id = 5 FOR UPDATE"),
            ("2 b", "SELECT * FROM t WHERE id = 5 FOR UPDATE"),
            ("1 c", "INSERT INTO t VALUES (5, 50)"),
            ("2", "INSERT INTO t VALUES (5, 51)"),
            ("1", "COMMIT"),
            ("2", "COMMIT"),
        ],
    ),
    behaviour(
        "rows that a DELETE looked at and left are locked above READ COMMITTED",
        &[
            ("1 a", "DELETE FROM t WHERE value + 0 = 10"),
            ("2 b", "UPDATE t SET value = 21 WHERE id = 2"),
            ("2", "COMMIT"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "FOR UPDATE with LIMIT locks what it returns",
        &[
            ("1 a", "SELECT * FROM t ORDER BY id LIMIT 1 FOR UPDATE"),
            ("2 b", "UPDATE t SET value = 21 WHERE id = 2"),
            ("2 c", "INSERT INTO t VALUES (3, 30)"),
            ("2", "COMMIT"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "what INSERT ... SELECT reads stays until its transaction ends",
        &[
            (
                "1 a",
                "INSERT INTO t SELECT id + 100, value FROM t FORCE INDEX (PRIMARY) WHERE id < 10",
            ),
            ("2 b", "INSERT INTO t VALUES (3, 30)"),
            ("1 c", "DELETE FROM t WHERE id < 10"),
            ("1 d", "SELECT * FROM t"),
            ("1", "COMMIT"),
            ("2", "COMMIT"),
        ],
    ),
    Behaviour {
        not_at_serializable: true,
        ..behaviour(
            "INSERT ... SELECT reads what is newest above READ COMMITTED",
            &[
                ("1 a", "SELECT * FROM t"),
                ("2", "INSERT INTO t VALUES (3, 30)"),
                ("2", "COMMIT"),
                (
                    "1 b",
                    "INSERT INTO t SELECT id + 100, value FROM t FORCE INDEX (PRIMARY) WHERE id < 10",
                ),
                ("1 c", "SELECT * FROM t"),
                ("1", "COMMIT"),
            ],
        )
    },
    behaviour(
        "an INSERT into a range that is held times out in its statement",
        &[
            ("1 a", "SELECT * FROM t WHERE id > 1 FOR UPDATE"),
            ("2 b", "INSERT INTO t VALUES (3, 30)"),
            ("2 c", "SELECT * FROM t WHERE id = 1"),
            ("2", "COMMIT"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "WITH CONSISTENT SNAPSHOT",
        &[
            ("1", "START TRANSACTION WITH CONSISTENT SNAPSHOT"),
            ("2", "INSERT INTO t VALUES (3, 30)"),
            ("2", "COMMIT"),
            ("1 a", "SELECT * FROM t"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "DROP TABLE waits for whoever holds ranges",
        &[
            ("1 a", "SELECT * FROM t WHERE id BETWEEN 2 AND 9 FOR UPDATE"),
            ("2 b", "DROP TABLE t"),
            ("1 c", "INSERT INTO t VALUES (6, 60)"),
            ("1 d", "SELECT * FROM t ORDER BY id"),
            ("1", "COMMIT"),
            (
                "2 e",
                "CREATE TABLE t (id INT PRIMARY KEY, value INT NOT NULL, KEY (value))",
            ),
            ("2 f", "INSERT INTO t VALUES (1, 11), (6, 61)"),
        ],
    ),
    behaviour(
        "TRUNCATE waits for whoever holds ranges, which bar nobody then",
        &[
            ("1 a", "SELECT * FROM t WHERE id > 0 FOR UPDATE"),
            ("2 b", "TRUNCATE TABLE t"),
            ("1 c", "INSERT INTO t VALUES (3, 30)"),
            ("1", "COMMIT"),
            ("2 d", "INSERT INTO t VALUES (1, 11), (3, 31)"),
            ("2 e", "SELECT * FROM t WHERE id > 0 FOR UPDATE"),
        ],
    ),
    behaviour(
        "RENAME waits for whoever holds ranges",
        &[
            ("1 a", "SELECT * FROM t WHERE value > 0 ORDER BY id FOR UPDATE"),
            ("2 b", "RENAME TABLE t TO u"),
            ("1 c", "INSERT INTO t VALUES (3, 30)"),
            ("1", "COMMIT"),
            ("2 d", "INSERT INTO u VALUES (4, 40)"),
            ("2 e", "SELECT * FROM u ORDER BY id FOR UPDATE"),
            ("2", "RENAME TABLE u TO t"),
        ],
    ),
    behaviour(
        "ALTER TABLE waits for holders of ranges and for those who wait for them",
        &[
            ("1 a", "SELECT * FROM t WHERE id > 2 FOR UPDATE"),
            ("3 b", "INSERT INTO t VALUES (3, 30)"),
            (
                "2 c",
                "ALTER TABLE t ADD COLUMN more INT DEFAULT 7, ADD INDEX (more), ALGORITHM=INPLACE, LOCK=NONE",
            ),
            ("1", "COMMIT"),
            ("3 d", "SELECT * FROM t WHERE id > 2"),
            ("3", "COMMIT"),
            ("2 e", "INSERT INTO t VALUES (4, 40, 8)"),
            ("2 f", "SELECT * FROM t WHERE more > 6 ORDER BY id FOR UPDATE"),
        ],
    ),
    behaviour(
        "an UPDATE that reads downwards locks nothing below its range",
        &[
            ("1", "INSERT INTO t SELECT seq, 0 FROM seq_3_to_300"),
            ("1", "COMMIT"),
            ("1 a", "UPDATE t SET value = 1 WHERE id = 200"),
            (
                "2 b",
                "UPDATE t SET value = value + 1 WHERE id BETWEEN 250 AND 300 ORDER BY id DESC",
            ),
            ("2", "COMMIT"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "an UPDATE of a join with a LIMIT locks no row behind it",
        &[
            ("1", "INSERT INTO t SELECT seq, 0 FROM seq_3_to_50"),
            ("1", "COMMIT"),
            ("1 a", "UPDATE t SET value = 1 WHERE id = 5"),
            (
                "2 b",
                "UPDATE t x FORCE INDEX (PRIMARY) STRAIGHT_JOIN t y ON y.id = x.id SET x.value = 7 LIMIT 1",
            ),
            ("2", "COMMIT"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "a subquery that stops at its first row locks no other one",
        &[
            ("1", "INSERT INTO t SELECT seq, 0 FROM seq_3_to_50"),
            ("1", "COMMIT"),
            ("1 a", "UPDATE t SET value = 1 WHERE id = 5"),
            (
                "2 b",
                "UPDATE t SET value = 7 WHERE id = 1 AND EXISTS (SELECT 1 FROM t s FORCE INDEX (PRIMARY) WHERE s.id > 1)",
            ),
            ("2", "COMMIT"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "rows that a sort leaves out stay locked above READ COMMITTED only",
        &[
            (
                "1",
                "INSERT INTO t SELECT seq, seq * 37 MOD 101 FROM seq_3_to_100",
            ),
            ("1", "COMMIT"),
            (
                "2 a",
                "UPDATE t SET value = value + 1000 WHERE MD5(id) < '8' ORDER BY value + 0",
            ),
            ("1 b", "SELECT value FROM t WHERE id = 2 FOR UPDATE"),
            ("1 c", "SELECT value FROM t WHERE id = 90 FOR UPDATE"),
            ("2", "COMMIT"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "HANDLER sees what its snapshot shows, and each statement has one at READ COMMITTED",
        &[
            ("1", "HANDLER t OPEN"),
            ("1 a", "HANDLER t READ `PRIMARY` FIRST"),
            ("2", "UPDATE t SET value = 99 WHERE id = 2"),
            ("2", "COMMIT"),
            ("1 b", "HANDLER t READ `PRIMARY` NEXT"),
            ("1", "HANDLER t CLOSE"),
            ("1", "COMMIT"),
        ],
    ),
    behaviour(
        "HANDLER finds a row by the entry that it has from another transaction",
        &[
            ("1", "ALTER TABLE t ADD COLUMN pad INT DEFAULT 0"),
            ("1 a", "SELECT * FROM t"),
            ("1", "HANDLER t OPEN"),
            ("1 b", "HANDLER t READ value FIRST"),
            ("2", "UPDATE t SET value = 25 WHERE id = 1"),
            ("2", "COMMIT"),
            ("1", "UPDATE t SET pad = 1 WHERE id = 1"),
            ("1 c", "HANDLER t READ value NEXT LIMIT 9"),
            ("1", "HANDLER t CLOSE"),
            ("1", "COMMIT"),
        ],
    ),
];

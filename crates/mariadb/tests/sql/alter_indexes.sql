-- Indexes come and go while the table stays.
CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(20), c INT NOT NULL, d DOUBLE, e TEXT) ENGINE=$ENGINE;
INSERT INTO t SELECT seq, seq % 7, CONCAT('b', seq % 13), seq * 3, seq / 4, REPEAT(CHAR(97 + seq % 26), seq % 50) FROM seq_1_to_1000;
UPDATE t SET a = NULL WHERE id % 50 = 0;
ALTER TABLE t ADD INDEX ka (a), ALGORITHM=INPLACE, LOCK=NONE;
SELECT COUNT(*), SUM(id) FROM t FORCE INDEX (ka) WHERE a = 3;
SELECT COUNT(*), SUM(id) FROM t FORCE INDEX (ka) WHERE a IS NULL;
SELECT a, COUNT(*) FROM t FORCE INDEX (ka) GROUP BY a ORDER BY a;
ALTER TABLE t ADD UNIQUE INDEX kc (c), ADD INDEX kb (b, d DESC), ADD INDEX ke (e(5)), ALGORITHM=NOCOPY, LOCK=NONE;
SELECT index_name, non_unique, seq_in_index, column_name, sub_part, nullable, ignored FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 't' AND (index_name <> 'PRIMARY' AND seq_in_index = 1) ORDER BY index_name, seq_in_index;
SELECT id, d FROM t FORCE INDEX (kb) WHERE b = 'b5' ORDER BY b, d DESC LIMIT 5;
SELECT COUNT(*), SUM(id) FROM t FORCE INDEX (ke) WHERE e LIKE 'ccccc%';
SELECT id FROM t FORCE INDEX (kc) WHERE c IN (3, 300, 3000) ORDER BY c;
INSERT INTO t VALUES (2000, 1, 'x', 300, 0, '');
INSERT INTO t VALUES (2000, 1, 'x', 1, 0.5, 'e');
UPDATE t SET c = 3 WHERE id = 2000;
UPDATE t SET a = 6, b = 'b1' WHERE id = 2000;
DELETE FROM t WHERE id = 7;
SELECT COUNT(*), SUM(id) FROM t FORCE INDEX (ka) WHERE a = 6;
SELECT COUNT(*), SUM(id) FROM t IGNORE INDEX (ka) WHERE a = 6;
SELECT COUNT(*), SUM(id) FROM t FORCE INDEX (kb) WHERE b = 'b1';

-- Duplicates, with the right key and value.
ALTER TABLE t ADD UNIQUE INDEX ua (a), ALGORITHM=INPLACE, LOCK=NONE;
ALTER TABLE t ADD UNIQUE INDEX good (c, id), ADD UNIQUE INDEX bad (b), ALGORITHM=INPLACE;
SELECT index_name, non_unique, seq_in_index, column_name, sub_part, nullable, ignored FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 't' AND (index_name IN ('ua', 'good', 'bad')) ORDER BY index_name, seq_in_index;
UPDATE t SET a = id;
UPDATE t SET a = NULL WHERE id < 10;
ALTER TABLE t ADD UNIQUE INDEX ua (a), ALGORITHM=INPLACE, LOCK=NONE;
INSERT INTO t (id, a, c) VALUES (2001, 500, 9999);
INSERT INTO t (id, a, c) VALUES (2002, NULL, 9999);
SELECT COUNT(*) FROM t FORCE INDEX (ua) WHERE a IS NULL;

-- Drop, rename, ignore.
ALTER TABLE t DROP INDEX ka, ALGORITHM=INPLACE, LOCK=NONE;
ALTER TABLE t RENAME INDEX kb TO kb2, ALGORITHM=INPLACE;
SELECT COUNT(*) FROM t FORCE INDEX (kb2) WHERE b = 'b5';
ALTER TABLE t ALTER INDEX kb2 IGNORED;
SELECT COUNT(*) FROM t WHERE b = 'b5';
ALTER TABLE t ALTER INDEX kb2 NOT IGNORED;
ALTER TABLE t DROP INDEX kc, ADD INDEX kc (c, a), ALGORITHM=INPLACE;
INSERT INTO t (id, a, c) VALUES (2003, NULL, 9999);
SELECT id, a FROM t FORCE INDEX (kc) WHERE c = 9999 ORDER BY id;
CREATE INDEX made ON t (d);
SELECT id FROM t FORCE INDEX (made) WHERE d BETWEEN 10 AND 10.5 ORDER BY d;
DROP INDEX made ON t;
SELECT index_name, non_unique, seq_in_index, column_name, sub_part, nullable, ignored FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 't' AND (seq_in_index = 1) ORDER BY index_name, seq_in_index;

-- Columns and their indexes at once.
ALTER TABLE t ADD COLUMN n INT DEFAULT 11, ADD INDEX kn (n), ALGORITHM=INPLACE, LOCK=NONE;
SELECT COUNT(*) FROM t FORCE INDEX (kn) WHERE n = 11;
UPDATE t SET n = id % 3 WHERE id <= 300;
SELECT n, COUNT(*) FROM t FORCE INDEX (kn) GROUP BY n ORDER BY n;
ALTER TABLE t DROP COLUMN b, DROP COLUMN n;
SELECT index_name, non_unique, seq_in_index, column_name, sub_part, nullable, ignored FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 't' AND (seq_in_index = 1) ORDER BY index_name, seq_in_index;
SELECT COUNT(*), SUM(a), SUM(c) FROM t;
ALTER TABLE t MODIFY c INT NULL;
INSERT INTO t (id, c) VALUES (3000, NULL);
SELECT id FROM t FORCE INDEX (kc) WHERE c IS NULL;

-- Another primary key.
ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id, d);
UPDATE t SET d = 0 WHERE d IS NULL;
ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id, d);
SELECT COUNT(*) FROM t FORCE INDEX (ua) WHERE a > 990;
DROP TABLE t;

-- No primary key; then the first unique one takes its place.
CREATE TABLE h (a INT, b INT NOT NULL) ENGINE=$ENGINE;
INSERT INTO h SELECT seq % 10, seq FROM seq_1_to_100;
ALTER TABLE h ADD INDEX (a), ALGORITHM=INPLACE, LOCK=NONE;
SELECT COUNT(*), SUM(b) FROM h FORCE INDEX (a) WHERE a = 4;
DELETE FROM h WHERE a = 4 AND b < 50;
SELECT COUNT(*), SUM(b) FROM h FORCE INDEX (a) WHERE a = 4;
ALTER TABLE h ADD UNIQUE INDEX (b);
SELECT COUNT(*), SUM(b) FROM h FORCE INDEX (a) WHERE a = 4;
SELECT a FROM h WHERE b = 77;
ALTER TABLE h DROP INDEX b;
SELECT a FROM h WHERE b = 77;
SELECT COUNT(*), SUM(b) FROM h FORCE INDEX (a) WHERE a = 5;
DROP TABLE h;

-- Virtual columns.
CREATE TABLE g (id INT PRIMARY KEY, a INT, v INT AS (a + 1) VIRTUAL) ENGINE=$ENGINE;
INSERT INTO g (id, a) SELECT seq, seq % 5 FROM seq_1_to_50;
ALTER TABLE g ADD INDEX kv (v);
SELECT COUNT(*) FROM g FORCE INDEX (kv) WHERE v = 3;
ALTER TABLE g ADD INDEX ka (a), ALGORITHM=INPLACE;
UPDATE g SET a = 9 WHERE id = 1;
SELECT id FROM g FORCE INDEX (kv) WHERE v = 10;
ALTER TABLE g DROP INDEX kv, ALGORITHM=INPLACE;
ALTER TABLE g DROP COLUMN v, ALGORITHM=INSTANT;
SELECT id FROM g FORCE INDEX (ka) WHERE a = 9;
DROP TABLE g;

-- Collations, and what IGNORE leaves out.
CREATE TABLE k (id INT PRIMARY KEY, s VARCHAR(10)) ENGINE=$ENGINE DEFAULT CHARSET=utf8mb4;
INSERT INTO k VALUES (1, 'a'), (2, 'B'), (3, 'a');
ALTER TABLE k ADD UNIQUE (s), ALGORITHM=INPLACE;
DELETE FROM k WHERE id = 3;
ALTER TABLE k ADD UNIQUE (s), ALGORITHM=INPLACE;
INSERT INTO k VALUES (5, 'A');
INSERT INTO k VALUES (5, 'c');
SELECT id FROM k FORCE INDEX (s) WHERE s = 'b';
ALTER TABLE k ADD UNIQUE INDEX long_one (s(3));
SELECT id FROM k FORCE INDEX (long_one) WHERE s > 'a' ORDER BY s;
DROP TABLE k;

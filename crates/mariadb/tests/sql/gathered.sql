-- Changes that are sent many together, and rows read back by their positions.
CREATE TABLE t (id INT PRIMARY KEY, a INT NOT NULL, b INT NOT NULL, c VARCHAR(100), d TEXT, UNIQUE KEY (b), KEY (a),
    KEY (c, a)) ENGINE=$ENGINE;
CREATE TABLE copy LIKE t;
INSERT INTO t SELECT seq, seq MOD 100, seq * 10, CONCAT('c', seq MOD 7), REPEAT('d', seq MOD 50) FROM seq_1_to_3000;

-- Updates of the key that finds the rows, of others, of unique ones.
UPDATE t SET a = a + 1 WHERE a BETWEEN 10 AND 60;
SELECT a, COUNT(*) FROM t WHERE a BETWEEN 8 AND 63 GROUP BY a;
UPDATE t SET c = CONCAT(c, '!') WHERE a = 20 OR c = 'c3';
SELECT c, COUNT(*) FROM t GROUP BY c;
UPDATE t SET id = id + 10000 WHERE id BETWEEN 500 AND 900;
SELECT COUNT(*), SUM(id) FROM t;
UPDATE t SET b = b + 1 WHERE id < 400;
SELECT COUNT(*), SUM(b) FROM t;
UPDATE t SET b = b + 9 WHERE id BETWEEN 100 AND 200;
SELECT COUNT(*), SUM(b) FROM t;
UPDATE IGNORE t SET b = b + 9 WHERE id BETWEEN 100 AND 200;
SELECT COUNT(*), SUM(b) FROM t;
UPDATE t SET a = 7 WHERE id > 2500 ORDER BY b DESC LIMIT 50;
SELECT SUM(id), SUM(a) FROM t;
UPDATE t SET d = CONCAT(d, 'x') ORDER BY d, id LIMIT 300;
SELECT SUM(LENGTH(d)) FROM t;
SELECT id, LENGTH(d) FROM t WHERE a > 90 ORDER BY d, id LIMIT 40;
SELECT COUNT(*) FROM (SELECT d FROM t WHERE a > 20 ORDER BY d, id LIMIT 1000) s;
UPDATE t SET d = 'gone' WHERE a = 3 OR b = 50 OR id = 77;
SELECT COUNT(*) FROM t WHERE d = 'gone';

-- Deletes, and what follows them in the transaction.
BEGIN;
DELETE FROM t WHERE a = 50;
INSERT INTO t VALUES (-1, 50, -1, 'new', NULL);
DELETE FROM t WHERE id IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 5000, -1);
SELECT COUNT(*), SUM(id) FROM t;
SAVEPOINT s;
DELETE FROM t WHERE c LIKE 'c1%';
UPDATE t SET a = 1;
SELECT COUNT(*), SUM(a) FROM t;
ROLLBACK TO s;
SELECT COUNT(*), SUM(a) FROM t;
DELETE FROM t;
SELECT COUNT(*) FROM t;
ROLLBACK;
SELECT COUNT(*), SUM(a), SUM(b) FROM t;
DELETE FROM t WHERE a < 50 ORDER BY id DESC LIMIT 20;
SELECT COUNT(*), SUM(id) FROM t;
DELETE FROM t WHERE id < 20 RETURNING id;

-- Bulk inserts: a duplicate in the first, in the last and in a middle row.
INSERT INTO copy SELECT * FROM t;
SELECT COUNT(*), SUM(b) FROM copy;
INSERT INTO copy SELECT * FROM t;
DELETE FROM copy WHERE id <> 3000;
INSERT INTO copy SELECT * FROM t ORDER BY id;
SELECT COUNT(*) FROM copy;
UPDATE copy SET id = 1500, b = 7;
INSERT INTO copy SELECT * FROM t ORDER BY id;
SELECT COUNT(*) FROM copy;
BEGIN;
INSERT INTO copy SELECT * FROM t WHERE id <> 1500;
UPDATE copy SET a = a + 1 WHERE id > 2000;
INSERT INTO copy SELECT * FROM t WHERE id = 1500;
SELECT COUNT(*), SUM(a) FROM copy;
COMMIT;
INSERT IGNORE INTO copy SELECT id - 100, a, b + 3, c, d FROM t;
SELECT COUNT(*), SUM(b) FROM copy;
REPLACE INTO copy SELECT id, a + 1, b, c, d FROM t;
SELECT COUNT(*), SUM(a), SUM(b) FROM copy;
INSERT INTO copy SELECT id, a, b, c, d FROM t ON DUPLICATE KEY UPDATE a = copy.a + 5;
SELECT COUNT(*), SUM(a), SUM(b) FROM copy;
ALTER TABLE copy ADD UNIQUE KEY wrong (a);
ALTER TABLE copy ADD e INT DEFAULT 5, FORCE, ALGORITHM=COPY;
SELECT COUNT(*), SUM(e) FROM copy;

-- Triggers see each change when it happens.
CREATE TABLE log (n INT AUTO_INCREMENT PRIMARY KEY, was INT, others BIGINT) ENGINE=$ENGINE;
CREATE TRIGGER watch AFTER UPDATE ON copy FOR EACH ROW INSERT INTO log (was, others) VALUES (OLD.id, NEW.a);
CREATE TRIGGER gone AFTER DELETE ON copy FOR EACH ROW INSERT INTO log (was, others) SELECT OLD.id, COUNT(*) FROM t WHERE a = OLD.a;
UPDATE copy SET a = a + 1 WHERE id < 60 ORDER BY id;
DELETE FROM copy WHERE id < 60 ORDER BY id;
SELECT COUNT(*), SUM(was), SUM(others) FROM log;
SELECT * FROM log ORDER BY n LIMIT 5;

-- Several tables; LOCK TABLES; partitions.
UPDATE t, copy SET t.a = copy.a + 1, copy.c = t.c WHERE t.id = copy.id AND t.a < 30;
SELECT SUM(a) FROM t;
SELECT COUNT(*) FROM copy WHERE c LIKE 'c%';
DELETE t, copy FROM t JOIN copy ON t.id = copy.id WHERE t.a = 31;
SELECT COUNT(*), SUM(a) FROM t;
SELECT COUNT(*), SUM(a) FROM copy;
LOCK TABLES t WRITE;
UPDATE t SET a = a + 1 WHERE a > 40;
DELETE FROM t WHERE a > 90;
SELECT COUNT(*), SUM(a) FROM t;
UNLOCK TABLES;
CREATE TABLE p (id INT, a INT, PRIMARY KEY (id, a), KEY (a)) ENGINE=$ENGINE PARTITION BY HASH (a) PARTITIONS 3;
INSERT INTO p SELECT seq, seq MOD 10 FROM seq_1_to_500;
UPDATE p SET a = a + 1 WHERE a > 4;
DELETE FROM p WHERE a = 6;
SELECT a, COUNT(*), SUM(id) FROM p GROUP BY a;
CREATE TABLE hidden (a INT, b TEXT, KEY (a)) ENGINE=$ENGINE;
INSERT INTO hidden SELECT seq MOD 20, REPEAT('h', seq) FROM seq_1_to_200;
UPDATE hidden SET a = a + 5 WHERE a BETWEEN 3 AND 12;
DELETE FROM hidden WHERE a IN (4, 6, 8);
SELECT a, COUNT(*), SUM(LENGTH(b)) FROM hidden GROUP BY a;
SELECT LENGTH(b) FROM hidden ORDER BY b LIMIT 30;
DROP TABLE t, copy, log, p, hidden;

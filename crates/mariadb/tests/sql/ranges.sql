-- Several ranges of a key read together: IN lists, OR, batched joins, and changes
-- of what was asked for ahead.
CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT NOT NULL, c VARCHAR(20), d TEXT, UNIQUE KEY (b), KEY (a, b), KEY (c))
    ENGINE=$ENGINE;
INSERT INTO t SELECT seq, NULLIF(seq MOD 20, 3), 1000 - seq, CONCAT('v', seq MOD 7), REPEAT('x', seq)
    FROM seq_1_to_500;
SELECT id, a FROM t WHERE id IN (5, 1, 900, 77, 5, 500, -1) ORDER BY id;
SELECT id, LENGTH(d) FROM t WHERE b IN (999, 998, 5, 700, 12345) ORDER BY id;
SELECT COUNT(*), SUM(LENGTH(d)) FROM t FORCE INDEX (a) WHERE a IN (1, 2, 7, 55) OR a IS NULL;
SELECT id FROM t WHERE id BETWEEN 3 AND 5 OR id BETWEEN 100 AND 102 OR id > 498 OR id < 2 ORDER BY id;
SELECT id FROM t WHERE id BETWEEN 3 AND 5 OR id BETWEEN 100 AND 102 OR id > 498 ORDER BY id DESC;
SELECT id FROM t WHERE a IN (4, 5, 6) ORDER BY a, b LIMIT 5;
SELECT id FROM t WHERE a IN (4, 5, 6) ORDER BY a DESC, b DESC LIMIT 5;
SELECT a, b FROM t FORCE INDEX (a) WHERE (a, b) IN ((1, 979), (2, 998), (1, 999), (3, 1), (NULL, 5)) ORDER BY a, b;
SELECT COUNT(*) FROM t WHERE c IN ('v1', 'V3', 'v3 ', 'none');
SELECT SUM(id) FROM t WHERE id IN (SELECT seq FROM seq_1_to_300);
SELECT SUM(LENGTH(d)) FROM t WHERE b < 600 OR c = 'v1';

-- More ranges than are asked for at once, and an end in the middle.
SELECT COUNT(*), SUM(b) FROM t WHERE id MOD 2 = 0 AND id IN (
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
    31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58,
    59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86);
SELECT id FROM t WHERE id IN (10, 20, 30, 40, 50, 60, 70) LIMIT 2;

-- Own changes within and before.
BEGIN;
DELETE FROM t WHERE id IN (20, 40);
UPDATE t SET a = 100 WHERE id IN (10, 20, 30);
INSERT INTO t VALUES (1001, 100, 2001, 'new', 'd');
SELECT id, a FROM t WHERE id IN (10, 20, 30, 40, 50, 1001) ORDER BY id;
SELECT id FROM t WHERE a IN (100, 101, 102) ORDER BY id;
UPDATE t SET id = id + 2000 WHERE id IN (10, 30, 50, 2010);
SELECT id FROM t WHERE id IN (10, 30, 50, 2010, 2030, 2050) ORDER BY id;
UPDATE t SET a = a + 1 WHERE a IN (5, 6, 7);
SELECT a, COUNT(*) FROM t WHERE a IN (5, 6, 7, 8) GROUP BY a;
UPDATE t SET b = b + 1 WHERE b IN (600, 602, 604);
SELECT b FROM t WHERE b BETWEEN 599 AND 606 ORDER BY b;
DELETE FROM t WHERE c IN ('v1', 'v2');
SELECT COUNT(*) FROM t;
ROLLBACK;
SELECT COUNT(*), SUM(a), SUM(b) FROM t;
SELECT id FROM t WHERE id IN (1, 3, 5) FOR UPDATE;
SELECT id FROM t WHERE id IN (1, 3, 5) LOCK IN SHARE MODE;

-- Batched joins.
SET optimizer_switch = 'mrr=on,mrr_cost_based=off';
CREATE TABLE u (n INT, k INT) ENGINE=$ENGINE;
INSERT INTO u SELECT seq, seq * 7 MOD 600 FROM seq_1_to_300;
INSERT INTO u VALUES (1000, NULL), (1001, 5), (1001, 5);
SET join_cache_level = 6;
SELECT COUNT(*), SUM(t.b), SUM(u.n) FROM u JOIN t ON t.id = u.k;
SELECT COUNT(*), SUM(t.b), SUM(u.n) FROM u JOIN t ON t.a = u.k;
SELECT COUNT(*), SUM(t.b), SUM(LENGTH(t.d)) FROM u JOIN t ON t.b = u.k + 500;
SELECT COUNT(*), COUNT(t.id) FROM u LEFT JOIN t ON t.id = u.k AND t.a > 5;
SELECT COUNT(*) FROM u WHERE k IN (SELECT a FROM t WHERE t.b > 500);
SET join_cache_level = 8;
SELECT COUNT(*), SUM(t.b), SUM(u.n) FROM u JOIN t ON t.id = u.k;
SELECT COUNT(*), SUM(t.b), SUM(u.n) FROM u JOIN t ON t.a = u.k;
SELECT COUNT(*), COUNT(t.id) FROM u LEFT JOIN t ON t.c = CONCAT('v', u.k) AND t.a > 5;
SELECT COUNT(*), SUM(x.b), SUM(y.b) FROM u JOIN t x ON x.id = u.k JOIN t y ON y.a = x.a AND y.b < 600;
SET join_cache_level = DEFAULT, optimizer_switch = DEFAULT;

-- Partitions.
CREATE TABLE p (id INT PRIMARY KEY, a INT, KEY (a)) ENGINE=$ENGINE PARTITION BY HASH (id) PARTITIONS 4;
INSERT INTO p SELECT seq, seq MOD 9 FROM seq_1_to_200;
SELECT id FROM p WHERE id IN (3, 4, 5, 6, 199, 201) ORDER BY id;
SELECT COUNT(*), SUM(id) FROM p WHERE a IN (2, 4, 6);
UPDATE p SET a = 20 WHERE id IN (3, 4, 5, 6);
DELETE FROM p WHERE a IN (20, 8);
SELECT COUNT(*), SUM(id) FROM p;
DROP TABLE t, u, p;

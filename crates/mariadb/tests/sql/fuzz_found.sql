-- What the fuzzer found, each case as small as it made it.
-- A row that an UPDATE leaves as it is does not count as changed.
CREATE TABLE same (a BIGINT UNSIGNED NOT NULL, c CHAR(6) NULL DEFAULT '1', d INT UNSIGNED NULL, PRIMARY KEY (a)) ENGINE=$ENGINE;
INSERT INTO same VALUES (1, NULL, 0), (2, 'X', 1);
UPDATE same SET c = UPPER(c);
SELECT ROW_COUNT();
UPDATE same SET d = 0 WHERE a = 1;
SELECT ROW_COUNT();
UPDATE IGNORE same SET d = -7 ORDER BY a;
SELECT ROW_COUNT();
INSERT INTO same VALUES (1, NULL, 5) ON DUPLICATE KEY UPDATE d = 0;
SELECT ROW_COUNT();
UPDATE same x JOIN same y ON x.a = y.a SET x.d = 0, y.c = NULL;
SELECT ROW_COUNT();
SELECT * FROM same ORDER BY a;
-- A covering read finds virtual columns of every type in the index.
CREATE TABLE virt (a INT NOT NULL, v VARCHAR(40) AS (CONCAT('v', a)) VIRTUAL, w VARCHAR(9) AS (NULLIF(v, 'v2')) VIRTUAL,
  n DECIMAL(9,3) AS (a / 8) VIRTUAL, t TEXT AS (REPEAT(v, 3)) VIRTUAL,
  UNIQUE KEY k (v DESC, a), KEY w (w, n), KEY t (t(5), v)) ENGINE=$ENGINE;
INSERT INTO virt (a) VALUES (1), (2), (3), (-4);
SELECT COUNT(*) FROM virt WHERE v IS NOT NULL;
SELECT v, a FROM virt FORCE INDEX (k) ORDER BY v DESC;
SELECT w, n FROM virt FORCE INDEX (w) ORDER BY w, n;
SELECT v, t FROM virt FORCE INDEX (t) ORDER BY a;
UPDATE virt SET a = a + 10 WHERE v = 'v2';
DELETE FROM virt WHERE w = 'v3';
SELECT v, a FROM virt FORCE INDEX (k) ORDER BY v DESC;
SELECT w, n FROM virt FORCE INDEX (w) ORDER BY w, n;
-- So does a locking one, which fetches the row.
SELECT v FROM virt FORCE INDEX (k) ORDER BY v DESC LOCK IN SHARE MODE;
SELECT w, n FROM virt FORCE INDEX (w) WHERE w > 'v' ORDER BY w, n FOR UPDATE;
UPDATE virt SET a = a * 2 WHERE w = 'v12';
SELECT a, v, w, n FROM virt ORDER BY a;
-- A duplicate that an UPDATE meets in another partition is named.
CREATE TABLE part (a BIGINT UNSIGNED NOT NULL, c INT NULL, PRIMARY KEY (a)) ENGINE=$ENGINE PARTITION BY HASH (a) PARTITIONS 5;
INSERT INTO part VALUES (1, NULL), (32, 4);
UPDATE part SET c = 15, a = 4 ORDER BY a DESC;
SELECT * FROM part ORDER BY a;
DROP TABLE same, virt, part;

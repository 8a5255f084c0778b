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
-- Rows whose virtual column is out of range are accepted, and no damage.
CREATE TABLE huge (a BIGINT NOT NULL, v BIGINT AS (a * 2) VIRTUAL, w BIGINT AS (v * 2) VIRTUAL, PRIMARY KEY (a DESC)) ENGINE=$ENGINE;
INSERT IGNORE INTO huge (a) VALUES (18), (-5350897127596365441);
CHECK TABLE huge EXTENDED;
DROP TABLE huge;
-- Below REPEATABLE READ each statement has a snapshot of its own, and this warns.
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
START TRANSACTION WITH CONSISTENT SNAPSHOT;
SHOW COUNT(*) WARNINGS;
COMMIT;
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
START TRANSACTION WITH CONSISTENT SNAPSHOT;
SHOW COUNT(*) WARNINGS;
COMMIT;
-- A row that IGNORE leaves out does not use its AUTO_INCREMENT value; one that
-- REPLACE or INSERT .. SELECT comes back to does.
CREATE TABLE count (a INT UNSIGNED NOT NULL AUTO_INCREMENT, b INT NOT NULL, PRIMARY KEY (b), KEY (a)) ENGINE=$ENGINE;
INSERT IGNORE INTO count VALUES (11, 1), (4294967295, 1);
REPLACE INTO count VALUES (27, 1), (0, 1);
INSERT INTO count VALUES (100, 1) ON DUPLICATE KEY UPDATE b = 2;
INSERT INTO count VALUES (0, 3);
INSERT INTO count VALUES (200, 3);
INSERT INTO count VALUES (0, 4);
INSERT IGNORE INTO count SELECT 300, 4;
INSERT INTO count VALUES (0, 5);
SELECT * FROM count ORDER BY b;
DROP TABLE count;
-- BIT columns keep all their bits in groups.
CREATE TABLE bits (a INT NOT NULL, c BIT(5) NOT NULL, d BIT(12), KEY (d, c)) ENGINE=$ENGINE;
INSERT INTO bits VALUES (29, b'10101', b'111100001111'), (-3, b'10', b'1'), (4, b'10', NULL), (5, b'0', b'100000000000');
SELECT c, MIN(c), COUNT(*), COUNT(DISTINCT c) FROM bits GROUP BY c;
SELECT HEX(c), HEX(d), COUNT(DISTINCT a) FROM bits GROUP BY c, d;
SELECT HEX(c), HEX(d) FROM bits FORCE INDEX (d) WHERE d >= b'1' ORDER BY d DESC;
SELECT a FROM bits WHERE c = 2 ORDER BY a;
ALTER TABLE bits ADD COLUMN e BIT(3) DEFAULT b'101' FIRST;
UPDATE bits SET e = b'1', c = c + 1 WHERE d IS NOT NULL;
SELECT a, HEX(c), HEX(d), HEX(e) FROM bits ORDER BY a;
DROP TABLE bits;
-- Rows are found by positions that were taken of an index, also if the primary key
-- has only a prefix of a column.
CREATE TABLE long_names (a INT NOT NULL, b INT NOT NULL, c BLOB NOT NULL, d VARCHAR(90) NOT NULL, e INT NOT NULL,
  v INT AS (e % 7) VIRTUAL, PRIMARY KEY (b, c(12) DESC, d(9)), KEY k (b), KEY l (e), KEY v (v)) ENGINE=$ENGINE;
INSERT INTO long_names (a, b, c, d, e) SELECT seq, seq % 9, CONCAT('c', seq, 'xxxxxxxxxxxxxx'), CONCAT('D', seq % 11, 'yyyyyyyyyyyyy'), seq % 13 FROM seq_1_to_400;
SELECT a, c, d FROM long_names FORCE INDEX (k, l) WHERE b = 4 AND e = 5 ORDER BY a;
SELECT a, v FROM long_names FORCE INDEX (v, l) WHERE v = 4 OR e = 5 ORDER BY a LIMIT 20;
SELECT a, v FROM long_names FORCE INDEX (v, k) WHERE v = 4 AND b = 5 ORDER BY a LIMIT 20;
SELECT v, COUNT(*) FROM long_names FORCE INDEX (v) GROUP BY v;
DELETE x FROM long_names x FORCE INDEX (k) JOIN long_names y ON x.b = y.b WHERE y.a = 10;
UPDATE long_names x FORCE INDEX (v) JOIN long_names y ON x.v = y.v SET x.a = x.a + 1000 WHERE y.a = 11;
SELECT COUNT(*), SUM(a), SUM(b), SUM(v) FROM long_names;
CHECK TABLE long_names;
DROP TABLE long_names;
-- Sorted locking reads by several indexes, one of them of a virtual column.
CREATE TABLE merged (a INT NOT NULL, b INT NOT NULL, e INT NOT NULL, v INT AS (e % 7) VIRTUAL, PRIMARY KEY (b, a), KEY l (e), KEY v (v)) ENGINE=$ENGINE;
INSERT INTO merged (a, b, e) SELECT seq, seq % 9, seq % 13 FROM seq_1_to_400;
SELECT a, v, e FROM merged FORCE INDEX (v, l) WHERE v IN (4, 5) OR e = 5 ORDER BY a LIMIT 30 FOR UPDATE;
SELECT a FROM merged FORCE INDEX (v, l) WHERE v IN (4, 5) OR e = 5 ORDER BY a DESC LIMIT 30 LOCK IN SHARE MODE;
UPDATE merged FORCE INDEX (v, l) SET b = b + 9 WHERE v = 4 OR e = 5 ORDER BY a LIMIT 50;
SELECT COUNT(*), SUM(a), SUM(b), SUM(v) FROM merged WHERE b >= 9;
DROP TABLE merged;
-- Locking reads of an index of a virtual column alone, merged from partitions.
CREATE TABLE parts (a INT NOT NULL, v BIGINT AS (a % 5) VIRTUAL, w VARCHAR(20) AS (CONCAT('w', a)) VIRTUAL,
  UNIQUE KEY k (v, a), UNIQUE KEY l (w, a)) ENGINE=$ENGINE PARTITION BY HASH (a) PARTITIONS 3;
INSERT INTO parts (a) VALUES (10), (11), (4), (-3), (23), (8), (12);
SELECT v FROM parts ORDER BY v LOCK IN SHARE MODE;
SELECT v, a FROM parts FORCE INDEX (k) ORDER BY v DESC, a DESC FOR UPDATE;
SELECT w FROM parts FORCE INDEX (l) WHERE w > 'w1' ORDER BY w FOR UPDATE;
SELECT v, a FROM parts FORCE INDEX (k) WHERE v = 3 ORDER BY a LOCK IN SHARE MODE;
DROP TABLE parts;
-- A row without a primary key is changed though a virtual column is out of range.
CREATE TABLE hidden (a BIGINT NOT NULL, v BIGINT AS (a * 2) VIRTUAL, b INT NULL, c VARCHAR(9), KEY (b)) ENGINE=$ENGINE;
INSERT IGNORE INTO hidden (a, b, c) VALUES (-9223372036854775808, 1, 'x'), (3, 2, 'y');
UPDATE hidden SET b = b + 5 WHERE b < 3;
UPDATE hidden SET c = 'z' WHERE b = 6;
SELECT a, b, c FROM hidden ORDER BY b;
DELETE FROM hidden WHERE b = 6;
SELECT a, b, c, v FROM hidden FORCE INDEX (b) WHERE b > 0;
CHECK TABLE hidden;
DROP TABLE hidden;
-- Whether a column of a descending key is NULL, and how many are not.
CREATE TABLE down (a SMALLINT UNSIGNED NOT NULL, b INT, c VARCHAR(9) COLLATE utf8mb4_bin, KEY k (a DESC, b DESC), KEY l (c DESC)) ENGINE=$ENGINE;
INSERT INTO down VALUES (12, NULL, 'x'), (13, 4, NULL), (12, 5, 'y'), (14, NULL, 'x');
SELECT DISTINCT a FROM down WHERE a IS NOT NULL ORDER BY a;
SELECT a, COUNT(b) FROM down WHERE b IS NULL OR a > 12 GROUP BY a ORDER BY a;
SELECT COUNT(c), COUNT(*) FROM down FORCE INDEX (l) WHERE c IS NOT NULL;
SELECT COUNT(c), COUNT(*) FROM down FORCE INDEX (l);
DROP TABLE down;

-- Several ranges of an index that has only a prefix, merged with another index: the
-- server looks at the column to see where a range ends.
CREATE TABLE merged_prefixes (a INT PRIMARY KEY, c VARBINARY(19) NOT NULL, v INT AS (a MOD 3) VIRTUAL, KEY (c(8)), KEY (v, c(3)))
    ENGINE=$ENGINE;
INSERT INTO merged_prefixes (a, c) VALUES (8, ''), (9, 'xyzxyzxyz');
INSERT INTO merged_prefixes (a, c) SELECT seq + 100, CONCAT('q', seq) FROM seq_1_to_100;
ANALYZE TABLE merged_prefixes;
SELECT a FROM merged_prefixes WHERE c IN ('', 'z') OR a = -4;
SELECT a FROM merged_prefixes WHERE c IN ('q1', 'q2') OR a = -4;
SELECT a FROM merged_prefixes WHERE c IN ('q1', 'q1x') OR a = -4;
SELECT a, v FROM merged_prefixes WHERE c IN ('xyzxyzxyz', 'q1') OR a = -4;
SELECT a, v FROM merged_prefixes WHERE (v = 2 AND c IN ('q1', 'q10', 'q100')) OR a = 9;
-- The checks of columns that are added are not made for the rows that are there.
CREATE TABLE added (a INT NOT NULL, b VARCHAR(9) NULL) ENGINE=$ENGINE;
INSERT INTO added VALUES (1, 'x'), (2, NULL);
ALTER TABLE added ADD COLUMN j JSON NOT NULL, ADD KEY k (b, j(10));
ALTER TABLE added ADD COLUMN k JSON NOT NULL FIRST, ADD COLUMN l TIMESTAMP(3) NULL FIRST, DROP COLUMN b;
ALTER TABLE added ADD COLUMN n INT NOT NULL CHECK (n > 0), ALGORITHM=INSTANT;
SELECT * FROM added ORDER BY a;
INSERT INTO added (a, k, j, n) VALUES (3, '1', '', 1);
INSERT INTO added (a, k, j, n) VALUES (3, '1', '2', 0);
INSERT INTO added (a, k, j, n) VALUES (3, '1', '2', 1);
SELECT COUNT(*) FROM added;
ALTER TABLE added ADD CONSTRAINT positive CHECK (a > 1);
DROP TABLE added;
-- Where partitions are merged by an index, a column of which it has only a prefix is
-- read from the row, also if the query does not want it.
CREATE TABLE merged (a INT NOT NULL, b VARCHAR(9) NULL, j JSON NULL, t TINYBLOB NOT NULL, PRIMARY KEY (a DESC),
  KEY k (b, j(3)), KEY t (t(2), a)) ENGINE=$ENGINE PARTITION BY HASH (a) PARTITIONS 3;
INSERT INTO merged SELECT seq, IF(seq % 4, NULL, seq % 3), CONCAT('"', REPEAT('x', seq), '"'), REPEAT(seq % 5, 9) FROM seq_1_to_60;
SELECT COUNT(*) FROM merged FORCE INDEX (k) WHERE b IS NULL;
SELECT COUNT(*) FROM merged FORCE INDEX (k) WHERE b = '1';
SELECT a FROM merged FORCE INDEX (k) WHERE b = '2' ORDER BY b, j;
SELECT b, COUNT(*) FROM merged FORCE INDEX (k) GROUP BY b;
SELECT x.a, y.b FROM merged x JOIN merged y FORCE INDEX (k) ON x.b = y.b WHERE x.a = 8 AND y.a < 30 ORDER BY y.a;
SELECT a FROM merged FORCE INDEX (t) WHERE t = '111111111' ORDER BY t, a DESC;
DROP TABLE merged;
-- A prefix beside the whole column.
CREATE TABLE beside (a VARCHAR(20) NOT NULL, b INT, PRIMARY KEY (a), KEY k (a(2), b)) ENGINE=$ENGINE;
INSERT INTO beside VALUES ('abc', 1), ('abd', 2), ('ab', 3), ('b', 4);
SELECT a, b FROM beside FORCE INDEX (k) WHERE a LIKE 'ab%' ORDER BY a;
SELECT b FROM beside FORCE INDEX (k) WHERE b > 1 ORDER BY b;
DROP TABLE beside;
-- What a statement still needs of AUTO_INCREMENT values behind one of its own.
CREATE TABLE own (a INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, b INT) ENGINE=$ENGINE;
INSERT INTO own VALUES (6, 1), (100, 2), (0, 3), (1000, 4), (0, 5);
INSERT INTO own VALUES (0, 6);
INSERT IGNORE INTO own VALUES (0, 7), (1000, 8), (0, 9), (5000, 10), (5000, 11), (0, 12), (0, 13);
INSERT INTO own VALUES (0, 14);
REPLACE INTO own VALUES (0, 15), (6000, 16), (0, 17), (6000, 18);
INSERT INTO own VALUES (0, 19);
INSERT INTO own SELECT IF(seq % 3, 0, 7000 + seq), seq FROM seq_20_to_30;
INSERT INTO own VALUES (0, 31);
SELECT * FROM own ORDER BY a;
-- Values that were taken and not used are not given again when the table is opened anew.
INSERT INTO own (b) SELECT seq FROM seq_40_to_50;
ALTER TABLE own ADD COLUMN c INT NULL;
INSERT INTO own (b) VALUES (51);
INSERT INTO own (b) SELECT seq FROM seq_60_to_64;
FLUSH TABLES own;
INSERT INTO own (b) VALUES (65);
INSERT INTO own (b) SELECT seq FROM seq_70_to_71;
RENAME TABLE own TO renamed;
INSERT INTO renamed (b) VALUES (72);
SELECT MAX(a), COUNT(*) FROM renamed;
ALTER TABLE renamed AUTO_INCREMENT = 1;
INSERT INTO renamed (b) VALUES (73);
SELECT MAX(a) FROM renamed;
TRUNCATE TABLE renamed;
FLUSH TABLES renamed;
INSERT INTO renamed (b) VALUES (74);
SELECT * FROM renamed;
DROP TABLE renamed;
-- A YEAR of 0 as the server shows it; dates with a month or a day of 0, which some modes do not have.
CREATE TABLE sums (a INT NOT NULL, y YEAR NULL, d DATETIME(3) NULL, e DATE NULL) ENGINE=$ENGINE;
INSERT INTO sums VALUES (1, 0, '2000-10-00 23:59:59', '2000-00-01'), (2, 2024, '2024-01-01', '0000-00-00');
SELECT MIN(y), MAX(y), MIN(d), MAX(e) FROM sums;
SELECT y, COUNT(*) FROM sums GROUP BY y;
SET sql_mode = 'TRADITIONAL';
SELECT d, COUNT(*) FROM sums GROUP BY d;
SELECT e, COUNT(*), MIN(d), MIN(e) FROM sums GROUP BY e;
SELECT MIN(d), MIN(e), MAX(e) FROM sums;
SET sql_mode = DEFAULT;
DROP TABLE sums;
-- A CHAR that the session has filled up with spaces, in a collation that they matter to.
CREATE TABLE filled (a INT NOT NULL, c CHAR(6) CHARACTER SET latin1 COLLATE latin1_nopad_bin NOT NULL, d CHAR(6) NOT NULL) ENGINE=$ENGINE;
INSERT INTO filled VALUES (-1, '  _', '  _'), (17, 'CH9e', 'CH9e'), (18, '0', '0');
SELECT a FROM filled WHERE c >= '0 ' ORDER BY a;
SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH';
SELECT a FROM filled WHERE c >= '0 ' ORDER BY a;
SELECT a FROM filled WHERE c IN ('0', 'CH9e  ') OR c BETWEEN '0 ' AND '0  ' ORDER BY a;
SELECT a FROM filled WHERE d = '0' OR d > 'CH9' ORDER BY a;
DELETE FROM filled WHERE c >= '0 ' ORDER BY c LIMIT 1;
SELECT a FROM filled ORDER BY a;
SET sql_mode = DEFAULT;
DROP TABLE filled;

-- A negative value that ON DUPLICATE KEY UPDATE has written ends the statement, but not the counter.
CREATE TABLE below (a SMALLINT NOT NULL AUTO_INCREMENT, b INT PRIMARY KEY, KEY (a)) ENGINE=$ENGINE;
INSERT INTO below VALUES (-8, 1);
INSERT INTO below VALUES (0, 1), (0, 2) ON DUPLICATE KEY UPDATE a = a + 1;
INSERT INTO below VALUES (0, 3), (0, 4);
SELECT * FROM below ORDER BY b;
DROP TABLE below;

-- The server reads ranges for DISTINCT whose ends lack the key's first part.
CREATE TABLE loose (a INT UNSIGNED NOT NULL, b SMALLINT NULL, PRIMARY KEY (a), KEY k (b)) ENGINE=$ENGINE;
SELECT DISTINCT b, a FROM loose WHERE a <= 13 AND (a = 8 OR b IS NULL);
INSERT INTO loose VALUES (8, 1), (9, NULL), (10, NULL), (11, 5), (14, NULL);
SELECT DISTINCT b, a FROM loose FORCE INDEX (k) WHERE a <= 13 AND (a = 8 OR b IS NULL);
DROP TABLE loose;

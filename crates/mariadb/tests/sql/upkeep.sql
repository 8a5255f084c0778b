-- CHECK, CHECKSUM and ANALYZE TABLE say the same for sound tables.
CREATE TABLE plain (a INT PRIMARY KEY, b VARCHAR(20), c INT, UNIQUE (c), KEY (b), KEY (b, c)) ENGINE=$ENGINE;
INSERT INTO plain SELECT seq, CONCAT('name ', seq % 7), IF(seq % 5, seq, NULL) FROM seq_1_to_500;
UPDATE plain SET b = UPPER(b) WHERE a % 3 = 0;
DELETE FROM plain WHERE a % 11 = 0;
CHECK TABLE plain;
CHECK TABLE plain QUICK;
CHECK TABLE plain MEDIUM;
CHECK TABLE plain EXTENDED;
CHECK TABLE plain FAST;
CHECK TABLE plain CHANGED;
CHECKSUM TABLE plain;
CHECKSUM TABLE plain EXTENDED;
ANALYZE TABLE plain;

-- Without a primary key; with collations, texts and blobs in keys, descending.
CREATE TABLE hidden (a VARCHAR(30) COLLATE utf8mb4_unicode_ci, b BLOB, c DECIMAL(10,3), d TIMESTAMP NULL,
  KEY (a), KEY (b(5)), KEY (c DESC, a), UNIQUE (a, c)) ENGINE=$ENGINE CHARSET utf8mb4;
INSERT INTO hidden SELECT CONCAT('Ärger ', seq), REPEAT(CHAR(65 + seq % 26), seq), seq / 7,
  '2024-01-01 00:00:00' + INTERVAL seq HOUR FROM seq_1_to_200;
INSERT INTO hidden VALUES (NULL, NULL, NULL, NULL), (NULL, '', 0, NULL);
CHECK TABLE hidden;
CHECK TABLE hidden QUICK;
CHECK TABLE hidden EXTENDED;
CHECKSUM TABLE hidden;

-- Keys over virtual columns.
CREATE TABLE computed (a INT PRIMARY KEY, b INT, c INT AS (b * 2) VIRTUAL, d VARCHAR(20) AS (CONCAT('v', b)) VIRTUAL,
  e INT AS (a + b) PERSISTENT, KEY (c), KEY (d, e)) ENGINE=$ENGINE;
INSERT INTO computed (a, b) SELECT seq, seq % 13 FROM seq_1_to_100;
UPDATE computed SET b = b + 1 WHERE a % 4 = 0;
CHECK TABLE computed;
CHECK TABLE computed EXTENDED;

-- Several at once, partitions, empty ones, and one that does not exist.
CREATE TABLE parted (a INT PRIMARY KEY, b INT, KEY (b)) ENGINE=$ENGINE PARTITION BY HASH (a) PARTITIONS 3;
INSERT INTO parted SELECT seq, seq % 10 FROM seq_1_to_100;
CREATE TABLE empty (a INT PRIMARY KEY, KEY (a)) ENGINE=$ENGINE;
CHECK TABLE parted, empty, plain, no_such_table EXTENDED;
ALTER TABLE parted CHECK PARTITION p1;
CHECKSUM TABLE parted, empty, no_such_table;

-- It commits what is open, and sees what others have committed.
SET autocommit = 0;
INSERT INTO empty VALUES (1), (2);
CHECK TABLE empty;
ROLLBACK;
SELECT * FROM empty;
SET autocommit = 1;
LOCK TABLES empty READ;
CHECK TABLE empty EXTENDED;
UNLOCK TABLES;

-- Order, equality and ranges of strings in keys, by each kind of collation.
DELIMITER //
CREATE PROCEDURE try(collation VARCHAR(64), charset VARCHAR(32))
BEGIN
  EXECUTE IMMEDIATE CONCAT('CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(40) CHARACTER SET ', charset, ' COLLATE ', collation,
    ', KEY(s)) ENGINE=$ENGINE');
  INSERT INTO t VALUES (1, 'a'), (2, 'A'), (3, 'a '), (4, 'ab'), (5, 'b'), (6, 'B'), (7, ''), (8, ' '), (9, NULL), (10, 'a\t'),
    (11, 'abcdefgh'), (12, 'abcdefgh '), (13, 'abcdefghi'), (14, 'abcdefg'), (15, 'ABCDEFGH'), (16, 'a!'), (17, 'zz'),
    (18, '0'), (19, '10'), (20, '9'), (21, '-'), (22, 'abcdefghabcdefgh'), (23, 'abcdefghabcdefg'), (24, 'a  b');
  IF charset <> 'ascii' THEN
    INSERT INTO t VALUES (30, 'ä'), (31, 'Ä'), (32, 'ae'), (33, 'ß'), (34, 'ss'), (35, 'é'), (36, 'ö'), (37, 'øre'), (38, 'ñ');
  END IF;
  SELECT collation;
  SELECT GROUP_CONCAT(id ORDER BY s, id) AS by_sort FROM t;
  SELECT GROUP_CONCAT(id) AS by_key FROM (SELECT id FROM t FORCE INDEX (s) WHERE s IS NOT NULL ORDER BY s, id LIMIT 100) x;
  SELECT GROUP_CONCAT(id) AS backwards FROM (SELECT id FROM t FORCE INDEX (s) ORDER BY s DESC, id DESC LIMIT 100) x;
  SELECT GROUP_CONCAT(id ORDER BY id) AS equal_a FROM t FORCE INDEX (s) WHERE s = 'a';
  SELECT GROUP_CONCAT(id ORDER BY id) AS equal_8 FROM t FORCE INDEX (s) WHERE s = 'abcdefgh';
  SELECT GROUP_CONCAT(id ORDER BY id) AS below_b FROM t FORCE INDEX (s) WHERE s < 'b';
  SELECT GROUP_CONCAT(id ORDER BY id) AS above_a FROM t FORCE INDEX (s) WHERE s > 'a';
  SELECT GROUP_CONCAT(id ORDER BY id) AS like_a FROM t FORCE INDEX (s) WHERE s LIKE 'a%';
  SELECT GROUP_CONCAT(id ORDER BY id) AS is_empty FROM t FORCE INDEX (s) WHERE s = '';
  SELECT GROUP_CONCAT(n ORDER BY n) AS groups FROM (SELECT COUNT(*) AS n FROM t FORCE INDEX (s) GROUP BY s) x;
  DROP TABLE t;
END //
DELIMITER ;
SET NAMES utf8mb4;
CALL try('utf8mb4_general_ci', 'utf8mb4');
CALL try('utf8mb4_unicode_ci', 'utf8mb4');
CALL try('utf8mb4_unicode_520_ci', 'utf8mb4');
CALL try('utf8mb4_bin', 'utf8mb4');
CALL try('utf8mb4_nopad_bin', 'utf8mb4');
CALL try('utf8mb4_general_nopad_ci', 'utf8mb4');
CALL try('utf8mb4_unicode_nopad_ci', 'utf8mb4');
CALL try('utf8mb4_swedish_ci', 'utf8mb4');
CALL try('utf8mb4_german2_ci', 'utf8mb4');
CALL try('utf8mb4_czech_ci', 'utf8mb4');
CALL try('utf8mb4_thai_520_w2', 'utf8mb4');
CALL try('uca1400_ai_ci', 'utf8mb4');
CALL try('uca1400_as_ci', 'utf8mb4');
CALL try('uca1400_as_cs', 'utf8mb4');
CALL try('uca1400_nopad_as_cs', 'utf8mb4');
CALL try('utf8mb3_general_ci', 'utf8mb3');
CALL try('latin1_swedish_ci', 'latin1');
CALL try('latin1_german2_ci', 'latin1');
CALL try('latin1_bin', 'latin1');
CALL try('latin1_general_cs', 'latin1');
CALL try('latin1_swedish_nopad_ci', 'latin1');
CALL try('ascii_general_ci', 'ascii');
CALL try('ucs2_general_ci', 'ucs2');
CALL try('utf16_general_ci', 'utf16');
CALL try('utf16_unicode_ci', 'utf16');
CALL try('utf32_bin', 'utf32');
CALL try('utf32_general_ci', 'utf32');
CALL try('binary', 'binary');
DROP PROCEDURE try;
CREATE TABLE u (c CHAR(10) COLLATE utf8mb4_general_ci PRIMARY KEY) ENGINE=$ENGINE;
INSERT INTO u VALUES ('a');
INSERT INTO u VALUES ('A ');
INSERT INTO u VALUES ('ä');
INSERT INTO u VALUES ('b');
SELECT c FROM u ORDER BY c;
SELECT c FROM u WHERE c = 'B';
CREATE TABLE cs2 (latin2 VARCHAR(20) CHARACTER SET latin2 COLLATE latin2_czech_cs, cp VARCHAR(20) CHARACTER SET cp1250 COLLATE cp1250_czech_cs,
  t VARCHAR(20) CHARACTER SET tis620, KEY(latin2), KEY(cp), KEY(t)) ENGINE=$ENGINE;
INSERT INTO cs2 VALUES ('ch', 'ch', 'a'), ('c', 'c', 'b'), ('h', 'h', 'A'), ('cz', 'cz', 'a '), ('Ch', 'Ch', 'ab');
SELECT latin2 FROM cs2 FORCE INDEX (latin2) ORDER BY latin2;
SELECT cp FROM cs2 FORCE INDEX (cp) ORDER BY cp;
SELECT t FROM cs2 FORCE INDEX (t) WHERE t > 'a' ORDER BY t;

-- Joins that gather rows before they look for their partners (BKA, BKAH), with
-- conditions on columns of the index that need both tables.
CREATE TABLE a (x INT, y INT, z INT) ENGINE=$ENGINE;
CREATE TABLE b (id INT PRIMARY KEY, x INT, y INT, t VARCHAR(20), KEY (x, y)) ENGINE=$ENGINE;
CREATE TABLE p (id INT, x INT, y INT, t VARCHAR(20), PRIMARY KEY (id, x), KEY (x, y)) ENGINE=$ENGINE
    PARTITION BY HASH (x) PARTITIONS 3;
INSERT INTO a VALUES (1, 1, 9), (2, 2, 9), (3, 3, 1), (4, NULL, 2), (NULL, 1, 1), (5, 5, 5), (77, 1, 1);
INSERT INTO b SELECT seq, seq MOD 7, seq MOD 5, CONCAT('t', seq) FROM seq_1_to_200;
INSERT INTO p SELECT * FROM b;
SET optimizer_switch = 'mrr=on,mrr_cost_based=off,mrr_sort_keys=on,index_condition_pushdown=on,join_cache_bka=on,optimize_join_buffer_size=off';
SET join_cache_level = 5;
SELECT COUNT(*), SUM(id), SUM(LENGTH(t)) FROM a STRAIGHT_JOIN b FORCE INDEX (x) ON a.x = b.x WHERE b.y BETWEEN a.x AND a.y;
SELECT COUNT(*), SUM(id), SUM(LENGTH(t)) FROM a STRAIGHT_JOIN b FORCE INDEX (x) ON a.x = b.x WHERE b.y BETWEEN a.x AND a.z AND b.y + 1 > a.y;
SELECT a.x, COUNT(id), SUM(id), SUM(LENGTH(t)) FROM a LEFT JOIN b FORCE INDEX (x) ON a.x = b.x AND b.y + 1 > a.y GROUP BY a.x ORDER BY a.x;
SELECT COUNT(*), SUM(id), SUM(LENGTH(t)) FROM a STRAIGHT_JOIN p FORCE INDEX (x) ON a.x = p.x WHERE p.y BETWEEN a.x AND a.y;
SET join_cache_level = 6;
SELECT COUNT(*), SUM(id), SUM(LENGTH(t)) FROM a STRAIGHT_JOIN b FORCE INDEX (x) ON a.x = b.x WHERE b.y BETWEEN a.x AND a.y;
SET join_cache_level = 8;
SELECT COUNT(*), SUM(id), SUM(LENGTH(t)) FROM a STRAIGHT_JOIN b FORCE INDEX (x) ON a.x = b.x WHERE b.y BETWEEN a.x AND a.y;
SELECT a.x, COUNT(id), SUM(id), SUM(LENGTH(t)) FROM a LEFT JOIN b FORCE INDEX (x) ON a.x = b.x AND b.y + 1 > a.y GROUP BY a.x ORDER BY a.x;
SELECT COUNT(*), SUM(id), SUM(LENGTH(t)) FROM a STRAIGHT_JOIN p FORCE INDEX (x) ON a.x = p.x WHERE p.y BETWEEN a.x AND a.y;
SELECT COUNT(*) FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.x = a.x AND b.y + 1 > a.y);
SELECT COUNT(*) FROM a WHERE a.x NOT IN (SELECT b.x FROM b WHERE b.y + 1 > a.y);

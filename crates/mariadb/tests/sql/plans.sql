-- The optimizer chooses the plans that it chooses with InnoDB. How many rows an
-- engine estimates, and the Extra column, are left out of the comparison. Summaries
-- are the server's here: EXPLAIN shows no plan of what an engine sums up.
SET vamos_pushdown = 'condition,index_condition';
CREATE TABLE item (id INT PRIMARY KEY, kind INT NOT NULL, code INT NOT NULL, price INT NOT NULL,
    name VARCHAR(60) NOT NULL, note VARCHAR(200), UNIQUE KEY by_code (code), KEY by_kind (kind, price),
    KEY by_price (price), KEY by_name (name)) ENGINE=$ENGINE;
INSERT INTO item SELECT seq, seq MOD 50, 200000 - seq, seq * 7919 MOD 10007, CONCAT('item ', seq MOD 3000),
    REPEAT('n', seq MOD 100) FROM seq_1_to_20000;
CREATE TABLE sale (item INT NOT NULL, number INT NOT NULL, amount INT NOT NULL, shop INT NULL, PRIMARY KEY (item, number),
    KEY by_shop (shop, amount)) ENGINE=$ENGINE;
INSERT INTO sale SELECT seq DIV 3, seq MOD 3, seq MOD 17, NULLIF(seq MOD 11, 3) FROM seq_3_to_30000;
CREATE TABLE shop (id INT PRIMARY KEY, city VARCHAR(30), KEY (city)) ENGINE=$ENGINE;
INSERT INTO shop SELECT seq, CONCAT('city ', seq MOD 4) FROM seq_0_to_10;
CREATE TABLE log (at DATETIME NOT NULL, level TINYINT NOT NULL, message TEXT, KEY by_at (at), KEY by_level (level))
    ENGINE=$ENGINE;
INSERT INTO log SELECT '2020-01-01' + INTERVAL seq MINUTE, IF(seq MOD 1000 = 0, 3, 1), REPEAT('m', 50)
    FROM seq_1_to_10000;
CREATE TABLE empty (id INT PRIMARY KEY, a INT, KEY (a)) ENGINE=$ENGINE;
ANALYZE TABLE item, sale, shop, log, empty;

-- One table: points, ranges, tables scans.
EXPLAIN SELECT * FROM item WHERE id = 4711;
EXPLAIN SELECT * FROM item WHERE code = 150000;
EXPLAIN SELECT * FROM item WHERE id IN (1, 5, 9, 10000);
EXPLAIN SELECT * FROM item WHERE id BETWEEN 100 AND 200;
EXPLAIN SELECT * FROM item WHERE id > 100;
EXPLAIN SELECT * FROM item WHERE kind = 7;
EXPLAIN SELECT * FROM item WHERE kind IN (7, 8, 9, 10, 11, 12);
EXPLAIN SELECT * FROM item WHERE price < 10;
EXPLAIN SELECT * FROM item WHERE price < 9000;
EXPLAIN SELECT * FROM item WHERE kind = 7 AND price = 100;
EXPLAIN SELECT * FROM item WHERE kind = 7 AND price BETWEEN 100 AND 300;
EXPLAIN SELECT * FROM item WHERE name = 'item 7';
EXPLAIN SELECT * FROM item WHERE name LIKE 'item 29%';
EXPLAIN SELECT * FROM item WHERE name > 'item' AND price = 5;
EXPLAIN SELECT * FROM log WHERE level = 3;
EXPLAIN SELECT * FROM log WHERE at >= '2020-01-07 00:00:00';
EXPLAIN SELECT * FROM log WHERE at >= '2020-01-01 00:00:00';
EXPLAIN SELECT * FROM empty WHERE a = 1;
EXPLAIN SELECT * FROM sale WHERE shop IS NULL AND amount = 3;

-- Covering, ORDER BY with LIMIT, GROUP BY, DISTINCT, MIN and MAX.
EXPLAIN SELECT kind, price FROM item WHERE kind > 45;
EXPLAIN SELECT COUNT(*) FROM item;
EXPLAIN SELECT COUNT(*) FROM sale;
EXPLAIN SELECT * FROM item ORDER BY id LIMIT 10;
EXPLAIN SELECT * FROM item ORDER BY price LIMIT 10;
EXPLAIN SELECT * FROM item ORDER BY price DESC LIMIT 10;
EXPLAIN SELECT * FROM item WHERE kind = 3 ORDER BY price LIMIT 5;
EXPLAIN SELECT * FROM item WHERE kind = 3 ORDER BY id LIMIT 5;
EXPLAIN SELECT * FROM item WHERE kind < 25 ORDER BY id LIMIT 5;
EXPLAIN SELECT * FROM item ORDER BY name;
EXPLAIN SELECT kind, COUNT(*) FROM item GROUP BY kind;
EXPLAIN SELECT kind, MIN(price), MAX(price) FROM item GROUP BY kind;
EXPLAIN SELECT kind, SUM(code) FROM item GROUP BY kind;
EXPLAIN SELECT DISTINCT kind FROM item;
EXPLAIN SELECT DISTINCT name FROM item WHERE kind = 1;
EXPLAIN SELECT MAX(price) FROM item WHERE kind = 4;
EXPLAIN SELECT shop, SUM(amount) FROM sale GROUP BY shop;

-- Several keys of one table.
EXPLAIN SELECT * FROM item WHERE code < 180100 OR price = 77;
EXPLAIN SELECT * FROM item WHERE id = 7 OR code = 150000;
EXPLAIN SELECT * FROM item WHERE name = 'item 5' OR kind = 3 AND price < 100;

-- Joins.
EXPLAIN SELECT * FROM item i JOIN sale s ON s.item = i.id WHERE i.kind = 3;
EXPLAIN SELECT * FROM item i JOIN sale s ON s.item = i.id WHERE i.id = 3;
EXPLAIN SELECT * FROM item i JOIN sale s ON s.item = i.id JOIN shop h ON h.id = s.shop WHERE h.city = 'city 2';
EXPLAIN SELECT * FROM item i JOIN sale s ON s.item = i.id JOIN shop h ON h.id = s.shop WHERE i.code = 150000;
EXPLAIN SELECT * FROM shop h LEFT JOIN sale s ON s.shop = h.id AND s.amount = 3;
EXPLAIN SELECT * FROM item i WHERE i.price < 50 AND EXISTS (SELECT * FROM sale s WHERE s.item = i.id);
EXPLAIN SELECT * FROM item i WHERE i.id IN (SELECT item FROM sale WHERE shop = 5 AND amount = 2);
EXPLAIN SELECT * FROM item WHERE price = (SELECT MAX(price) FROM item);
EXPLAIN SELECT * FROM item a JOIN item b ON b.price = a.price WHERE a.id < 100;
EXPLAIN SELECT i.name FROM sale s JOIN item i ON i.id = s.item ORDER BY s.item LIMIT 10;

-- Changes.
EXPLAIN UPDATE item SET note = 'x' WHERE price < 20;
EXPLAIN UPDATE item SET price = price + 1 WHERE price < 20;
EXPLAIN DELETE FROM item WHERE kind = 7;
EXPLAIN DELETE FROM sale WHERE item BETWEEN 10 AND 20;
DROP TABLE item, sale, shop, log, empty;

-- Every column type with its edges, and NULL.
CREATE TABLE numbers (
  id INT PRIMARY KEY, t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED, m MEDIUMINT,
  mu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED, f FLOAT, d DOUBLE,
  n DECIMAL(30,10), n0 DECIMAL(65,0), bits BIT(13), bits64 BIT(64), bo BOOLEAN, y YEAR
) ENGINE=$ENGINE;
INSERT INTO numbers VALUES
  (1, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, -3.4e38, -1.7e308,
   -99999999999999999999.9999999999, -99999999999999999999999999999999999999999999999999999999999999999, b'0', b'0', 0, 1901),
  (2, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615,
   3.4e38, 1.7e308, 99999999999999999999.9999999999, 99999999999999999999999999999999999999999999999999999999999999999,
   b'1111111111111', 0xFFFFFFFFFFFFFFFF, 1, 2155),
  (3, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, b'1', b'1', 0, 0),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1.5e-20, 1.5e-300, -0.0000000001, -1, b'101', b'101', 1, 2000);
SELECT id, t, tu, s, su, m, mu, i, iu, b, bu, f, d, n, n0, HEX(bits), HEX(bits64), bo, y FROM numbers ORDER BY id;
ALTER TABLE numbers ADD KEY(t), ADD KEY(tu), ADD KEY(s), ADD KEY(m), ADD KEY(mu), ADD KEY(i), ADD KEY(iu), ADD KEY(b),
  ADD KEY(bu), ADD KEY(f), ADD KEY(d), ADD KEY(n), ADD KEY(n0), ADD KEY(bits), ADD KEY(bits64), ADD KEY(y);
SELECT id, t FROM numbers FORCE INDEX (t) ORDER BY t, id;
SELECT id, tu FROM numbers FORCE INDEX (tu) ORDER BY tu DESC, id DESC;
SELECT id, m FROM numbers FORCE INDEX (m) WHERE m < 5 ORDER BY m, id;
SELECT id, mu FROM numbers FORCE INDEX (mu) WHERE mu >= 1 ORDER BY mu, id;
SELECT id, b FROM numbers FORCE INDEX (b) ORDER BY b, id;
SELECT id, bu FROM numbers FORCE INDEX (bu) ORDER BY bu, id;
SELECT id, f FROM numbers FORCE INDEX (f) WHERE f < 0 ORDER BY f, id;
SELECT id, d FROM numbers FORCE INDEX (d) ORDER BY d DESC, id DESC;
SELECT id, n FROM numbers FORCE INDEX (n) WHERE n > -1 ORDER BY n, id;
SELECT id, n0 FROM numbers FORCE INDEX (n0) ORDER BY n0, id;
SELECT id, HEX(bits) FROM numbers FORCE INDEX (bits) WHERE bits > 0 ORDER BY bits, id;
SELECT id, HEX(bits64) FROM numbers FORCE INDEX (bits64) ORDER BY bits64, id;
SELECT id, y FROM numbers FORCE INDEX (y) WHERE y IS NOT NULL ORDER BY y, id;
SELECT id FROM numbers FORCE INDEX (d) WHERE d IS NULL;

CREATE TABLE times (
  id INT PRIMARY KEY, d DATE, t TIME, t6 TIME(6), dt DATETIME, dt3 DATETIME(3), dt6 DATETIME(6), ts TIMESTAMP NULL, ts6 TIMESTAMP(6) NULL,
  KEY(d), KEY(t), KEY(t6), KEY(dt), KEY(dt3), KEY(dt6), KEY(ts), KEY(ts6)
) ENGINE=$ENGINE;
SET time_zone = '+00:00';
INSERT INTO times VALUES
  (1, '1000-01-01', '-838:59:59', '-838:59:59.999999', '1000-01-01 00:00:00', '1000-01-01 00:00:00.001', '1000-01-01 00:00:00.000001', '1970-01-01 00:00:01', '1970-01-01 00:00:01.000001'),
  (2, '9999-12-31', '838:59:59', '838:59:59.999999', '9999-12-31 23:59:59', '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '2038-01-19 03:14:07.999999'),
  (3, '2026-02-28', '00:00:00', '00:00:00.5', '2026-02-28 12:00:00', '2026-02-28 12:00:00.5', '2026-02-28 12:00:00.25', '2026-02-28 12:00:00', '2026-02-28 12:00:00.75'),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, '2026-02-27', '-00:00:01', '-00:00:00.000001', '2026-02-27 23:59:59', '2026-02-28 12:00:00.499', '2026-02-28 12:00:00.249999', '2026-02-28 11:59:59', '2026-02-28 12:00:00.749999');
SELECT * FROM times ORDER BY id;
SELECT id, t FROM times FORCE INDEX (t) ORDER BY t, id;
SELECT id, t6 FROM times FORCE INDEX (t6) WHERE t6 < '00:00:01' ORDER BY t6, id;
SELECT id, dt FROM times FORCE INDEX (dt) WHERE dt BETWEEN '2026-01-01' AND '2026-12-31' ORDER BY dt, id;
SELECT id, dt3 FROM times FORCE INDEX (dt3) ORDER BY dt3 DESC, id DESC;
SELECT id, dt6 FROM times FORCE INDEX (dt6) ORDER BY dt6, id;
SELECT id, ts FROM times FORCE INDEX (ts) ORDER BY ts, id;
SELECT id, ts6 FROM times FORCE INDEX (ts6) WHERE ts6 >= '2026-01-01' ORDER BY ts6, id;
SELECT id, d FROM times FORCE INDEX (d) WHERE d = '2026-02-28';

CREATE TABLE strings (
  id INT PRIMARY KEY, c CHAR(20), v VARCHAR(300), bi BINARY(8), vb VARBINARY(300), e ENUM('small','middle','large'),
  se SET('a','b','c','d'), tt TINYTEXT, tx TEXT, mt MEDIUMTEXT, lt LONGTEXT, tb TINYBLOB, bl BLOB, mb MEDIUMBLOB, lb LONGBLOB,
  j JSON, u UUID, a4 INET4, a6 INET6,
  KEY(c), KEY(v), KEY(bi), KEY(vb), KEY(e), KEY(se), KEY(tx(10)), KEY(bl(10)), KEY(u), KEY(a6)
) ENGINE=$ENGINE DEFAULT CHARSET=utf8mb4;
INSERT INTO strings VALUES
  (1, '', '', '', '', 'small', '', '', '', '', '', '', '', '', '', '{}', '00000000-0000-0000-0000-000000000000', '0.0.0.0', '::'),
  (2, 'abc', REPEAT('ä', 300), 'abc', REPEAT(x'00', 300), 'large', 'a,c', REPEAT('t', 255), REPEAT('x', 60000), REPEAT('m', 70000),
   REPEAT('l', 300000), REPEAT(x'ff', 255), REPEAT(x'00ff', 30000), REPEAT('b', 70000), REPEAT(x'00', 300000),
   '{"k": [1, 2, {"n": null}]}', '123e4567-e89b-12d3-a456-426655440000', '255.255.255.255', '2001:db8::ff00:42:8329'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, 'ABC ', 'trailing  ', x'00', x'00', 'middle', 'a,b,c,d', 't ', 'x ', 'm', 'l', x'20', x'2020', x'00', x'00', '[]',
   'ffffffff-ffff-ffff-ffff-ffffffffffff', '10.0.0.1', '::1');
SELECT id, c, CHAR_LENGTH(v), LEFT(v, 20), HEX(bi), HEX(LEFT(vb, 5)), LENGTH(vb), e, se, LENGTH(tt), LENGTH(tx), LENGTH(mt), LENGTH(lt),
  HEX(LEFT(tb, 3)), LENGTH(bl), MD5(bl), LENGTH(mb), LENGTH(lb), j, u, a4, a6 FROM strings ORDER BY id;
SELECT id, c FROM strings FORCE INDEX (c) ORDER BY c, id;
SELECT id, c FROM strings FORCE INDEX (c) WHERE c = 'abc' ORDER BY id;
SELECT id FROM strings FORCE INDEX (v) WHERE v = 'trailing';
SELECT id, HEX(bi) FROM strings FORCE INDEX (bi) ORDER BY bi, id;
SELECT id FROM strings FORCE INDEX (vb) WHERE vb = x'00';
SELECT id, e FROM strings FORCE INDEX (e) ORDER BY e, id;
SELECT id, se FROM strings FORCE INDEX (se) WHERE se > 'a' ORDER BY se, id;
SELECT id FROM strings FORCE INDEX (tx) WHERE tx = 'x' ORDER BY id;
SELECT id FROM strings FORCE INDEX (bl) WHERE bl = x'2020';
SELECT id, u FROM strings FORCE INDEX (u) ORDER BY u, id;
SELECT id, a6 FROM strings FORCE INDEX (a6) WHERE a6 >= '::1' ORDER BY a6, id;
UPDATE strings SET lb = REPEAT('z', 400000), v = 'short' WHERE id = 2;
SELECT id, LENGTH(lb), MD5(lb), v FROM strings WHERE id = 2;

CREATE TABLE shapes (id INT PRIMARY KEY, g GEOMETRY, p POINT) ENGINE=$ENGINE;
INSERT INTO shapes VALUES (1, ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0))'), POINT(1, 2)), (2, NULL, NULL);
SELECT id, ST_AsText(g), ST_AsText(p), ST_Contains(g, p) FROM shapes ORDER BY id;

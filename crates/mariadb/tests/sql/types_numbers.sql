-- Numbers of every type: edge values, NULL, and their order in keys.
create table t (
  id int primary key,
  t1 tinyint, t2 tinyint unsigned, s1 smallint, s2 smallint unsigned,
  m1 mediumint, m2 mediumint unsigned, i1 int, i2 int unsigned,
  b1 bigint, b2 bigint unsigned, f float, d double, fu float unsigned, f2 float(7,3),
  d1 decimal(5,2), d2 decimal(65,30), d3 decimal(10,0) unsigned, z int(6) zerofill,
  bi1 bit(1), bi7 bit(7), bi8 bit(8), bi13 bit(13), bi64 bit(64), bo boolean, y year,
  key(t1), key(t2), key(s1), key(s2), key(m1), key(m2), key(i1), key(i2), key(b1), key(b2),
  key(f), key(d), key(d1), key(d2), key(d3), key(bi1), key(bi7), key(bi13), key(bi64), key(y)
) engine=$ENGINE;
insert into t values
 (1, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, -3.402823466e38, -1.7976931348623157e308, 0, -9999.999,
  -999.99, -99999999999999999999999999999999999.999999999999999999999999999999, 0, 0, b'0', b'0', b'0', b'0', b'0', 0, 1901),
 (2, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615,
  3.402823466e38, 1.7976931348623157e308, 3.402823466e38, 9999.999, 999.99, 99999999999999999999999999999999999.999999999999999999999999999999,
  9999999999, 999999, b'1', b'1111111', b'11111111', b'1111111111111', x'ffffffffffffffff', 1, 2155),
 (3, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1e-38, 0.001, 0, 0, 1, 1, b'1', b'1', b'1', b'1', b'1', 1, 0),
 (4, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
 (5, -1, 128, -1, 32768, -1, 8388608, -1, 2147483648, -1, 9223372036854775808, -1.175494351e-38, -2.2250738585072014e-308, 1.5, -0.5,
  -0.01, -0.000000000000000000000000000001, 42, 42, b'0', b'1000000', b'10000000', b'1000000000000', x'8000000000000000', 1, 2000),
 (6, 1, 127, 1, 32767, 1, 8388607, 1, 2147483647, 1, 9223372036854775807, 1.175494351e-38, 2.2250738585072014e-308, 2.5, 0.5,
  0.01, 0.000000000000000000000000000001, 43, 43, b'1', b'0111111', b'01111111', b'0111111111111', x'7fffffffffffffff', 0, 1970);
select id, t1, t2, s1, s2, m1, m2, i1, i2, b1, b2, f, d, fu, f2, d1, d2, d3, z, bo, y, hex(bi1), hex(bi7), hex(bi8), hex(bi13), hex(bi64) from t order by id;
select id, t1 from t force index (t1) order by t1, id;
select id, t2 from t force index (t2) order by t2 desc, id desc;
select id, s1 from t force index (s1) order by s1, id;
select id, s2 from t force index (s2) order by s2, id;
select id, m1 from t force index (m1) order by m1, id;
select id, m2 from t force index (m2) order by m2, id;
select id, i1 from t force index (i1) order by i1, id;
select id, i2 from t force index (i2) order by i2, id;
select id, b1 from t force index (b1) order by b1, id;
select id, b2 from t force index (b2) order by b2, id;
select id, f from t force index (f) order by f, id;
select id, d from t force index (d) order by d, id;
select id, d1 from t force index (d1) order by d1, id;
select id, d2 from t force index (d2) order by d2, id;
select id, d3 from t force index (d3) order by d3, id;
select id, hex(bi1) from t force index (bi1) order by bi1, id;
select id, hex(bi7) from t force index (bi7) order by bi7, id;
select id, hex(bi13) from t force index (bi13) order by bi13, id;
select id, hex(bi64) from t force index (bi64) order by bi64, id;
select id, y from t force index (y) order by y, id;
select id from t where t1 = -128;
select id from t force index (t1) where t1 between -1 and 1 order by t1;
select id from t force index (t2) where t2 > 127 order by t2;
select id from t force index (b2) where b2 >= 9223372036854775808 order by b2;
select id from t force index (b1) where b1 < 0 order by b1;
select id from t force index (f) where f < 0 order by f;
select id from t force index (d) where d > 0 and d < 1 order by d;
select id from t force index (d1) where d1 in (0, 0.01, -0.01) order by d1;
select id from t force index (d2) where d2 <= 0 order by d2;
select id from t force index (bi13) where bi13 >= b'1000000000000' order by bi13;
select id from t force index (bi7) where bi7 = b'1000000' order by id;
select id from t force index (y) where y is null;
select id from t force index (t1) where t1 is not null and t1 < 2 order by t1 desc;
update t set bi13 = bi13 + 1 where id = 3;
select id, hex(bi13), hex(bi1), hex(bi7) from t where id = 3;
select min(i1), max(i1), min(d), max(d), min(y), max(y), sum(d2) from t;
select bit_or(bi64), count(distinct bi13) from t;

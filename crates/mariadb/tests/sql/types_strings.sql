-- Texts, binaries, blobs, ENUM, SET, JSON, UUID, INET, GEOMETRY.
set names utf8mb4;
create table t (
  id int primary key, c0 char(0), c char(10), cu char(10) character set utf8mb4, v0 varchar(0), v varchar(20), vl varchar(600) character set latin1,
  b binary(5), vb varbinary(10), tt tinytext, tx text, mt mediumtext, lt longtext, tb tinyblob, bl blob, mb mediumblob, lb longblob,
  e enum('x','a','m'), s set('one','two','three'), j json, u uuid, i4 inet4, i6 inet6,
  key(c), key(cu), key(v), key(vl), key(b), key(vb), key(tx(10)), key(bl(5)), key(e), key(s), key(u), key(i6), key(i4)
) engine=$ENGINE default character set utf8mb4;
insert into t values
 (1, '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', 'x', '', '{}', '00000000-0000-0000-0000-000000000000', '0.0.0.0', '::'),
 (2, '', 'abc', 'äöü€😀', '', 'Hello World', repeat('x', 600), 'ab\0cd', x'00ff00', repeat('t', 255), repeat('ü', 1000), repeat('m', 70000), repeat('l', 100000), x'00', repeat(x'00ff', 5000), repeat('b', 70000), repeat('c', 200000),
  'a', 'one,three', '{"a": [1, 2, {"b": null}]}', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'),
 (3, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
 (4, '', 'ABC  ', 'ÄÖÜ', '', 'hello world  ', 'y  ', 'ab', x'00ff', 'T', 'abc', 'M', 'L', x'0001', 'abcde', 'B', 'C', 'm', 'one,two,three', '[]', '123e4567-e89b-12d3-a456-426655440000', '10.0.0.1', '::ffff:10.0.0.1'),
 (5, '', 'abd', 'z', '', 'hello worle', 'y', 'ac', x'00ff01', 't', 'abcdefghijklm', 'n', 'k', x'ff', 'abcdf', 'A', 'D', 'a', 'two', '"x"', '123e4567-e89b-12d3-a456-426655440001', '9.255.0.1', '2001:db8::1');
select id, c0, c, cu, v0, v, length(vl), hex(b), hex(vb), e, s, j, u, i4, i6 from t order by id;
select id, length(tt), md5(tx), md5(mt), md5(lt), hex(tb), md5(bl), md5(mb), md5(lb) from t order by id;
select id, length(c), length(v), length(vl), length(b) from t order by id;
select id, c from t force index (c) order by c, id;
select id, cu from t force index (cu) order by cu, id;
select id, v from t force index (v) order by v, id;
select id, left(vl, 3) from t force index (vl) order by vl, id;
select id, hex(b) from t force index (b) order by b, id;
select id, hex(vb) from t force index (vb) order by vb, id;
select id, e from t force index (e) order by e, id;
select id, s from t force index (s) order by s desc, id desc;
select id, u from t force index (u) order by u, id;
select id, i6 from t force index (i6) order by i6, id;
select id, i4 from t force index (i4) order by i4, id;
select id from t force index (c) where c = 'abc' order by id;
select id from t force index (v) where v = 'HELLO WORLD' order by id;
select id from t force index (v) where v like 'hello%' order by v, id;
select id from t force index (tx) where tx = 'abc' order by id;
select id from t force index (tx) where tx like 'abc%' order by id;
select id from t force index (bl) where bl = 'abcde';
select id from t force index (bl) where bl > 'abcde' and bl < 'b' order by id;
select id from t force index (b) where b = 'ab\0cd';
select id from t force index (vb) where vb between x'00ff' and x'00ff01' order by vb;
select id from t force index (e) where e > 'a' order by e, id;
select id from t where find_in_set('two', s) order by id;
select id from t force index (u) where u > '123e4567-e89b-12d3-a456-426655440000' order by u;
select id from t force index (i6) where i6 = '2001:db8::1';
update t set lb = concat(lb, 'more'), c = 'changed' where id in (2, 4);
select id, c, length(lb), right(lb, 6) from t order by id;
update t set tx = null, bl = 'new' where id = 2;
select id, tx is null, bl, length(lt) from t where id = 2;
create table g (id int primary key auto_increment, g geometry, p point not null) engine=$ENGINE;
insert into g(g, p) values (st_geomfromtext('LINESTRING(0 0, 1 1, 2 2)'), point(1, 2)), (null, point(3, 4));
select id, st_astext(g), st_astext(p) from g order by id;
create table w (id int primary key, a char(20) character set utf16, b varchar(20) character set utf32, c char(10) character set ucs2, key(a), key(b), key(c)) engine=$ENGINE;
insert into w values (1, 'abc', 'abc', 'abc'), (2, 'ABC ', 'ABC ', 'ABC '), (3, '😀', '😀', 'ü'), (4, '', '', ''), (5, null, null, null), (6, '  x', '  x', '  x');
select id, a, b, c, hex(a), hex(c) from w order by id;
select id from w force index (a) order by a, id;
select id from w force index (b) order by b, id;
select id from w force index (c) where c = 'abc' order by id;
create table z (id int primary key, t text compressed, v varchar(1000) compressed) engine=$ENGINE;
insert into z values (1, repeat('abc', 1000), repeat('x', 900)), (2, '', ''), (3, null, null);
select id, length(t), md5(t), length(v), md5(v) from z order by id;

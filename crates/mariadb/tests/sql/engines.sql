-- Tables move between engines with every type they have.
create table t (
  id bigint unsigned primary key auto_increment, ti tinyint, sm smallint unsigned, mi mediumint, bi bigint,
  de decimal(30, 10), fl float, db double, bt bit(13), da date, dt datetime(6), ts timestamp(3) null, tm time(2), ye year,
  ch char(10), vc varchar(300) character set utf8mb4, bn binary(8), vb varbinary(50), bl blob, lt longtext, tt tinytext,
  en enum('a', 'b', 'c'), st set('x', 'y', 'z'), js json, i6 inet6, i4 inet4, uu uuid, po point, ge geometry,
  cc varchar(200) compressed, cb blob compressed, iv int invisible default 5, ex varchar(50) default (concat('e', 1 + 1)),
  gv int as (ti + 1) virtual, gs varchar(20) as (concat(ti, '!')) stored,
  unique (uu), unique (i6, i4), key (vc(10)), key (de desc, fl), key (bl(4)), key (en, st), key (gs), key (gv), key (bt), key (dt desc) ignored
) engine=$ENGINE;
insert into t (ti, sm, mi, bi, de, fl, db, bt, da, dt, ts, tm, ye, ch, vc, bn, vb, bl, lt, tt, en, st, js, i6, i4, uu, po, ge, cc, cb) values
  (-5, 65535, -8388608, -9223372036854775808, -12345678901234567890.0123456789, 1.5, -2.25e100, b'1010101010101', '2024-02-29', '1999-12-31 23:59:59.123456', '2020-01-01 00:00:00.123', '-838:59:59.99', 1901, 'char', 'vär😀char', 'bin', x'00ff00', repeat('b', 1000), repeat('l', 70000), 'tiny', 'b', 'x,z', '{"a": [1, 2]}', '2001:db8::1', '10.0.0.1', '123e4567-e89b-12d3-a456-426614174000', point(1, 2), st_geomfromtext('linestring(0 0, 1 1)'), repeat('compress', 20), repeat('me', 5000)),
  (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
  (127, 0, 8388607, 9223372036854775807, 0, -0.0, 1e-300, 0, '0001-01-01', '9999-12-31 23:59:59', '2038-01-19 03:14:07', '838:59:59', 2155, '', '', '', '', '', '', '', 'a', '', '[]', '::', '0.0.0.0', '00000000-0000-0000-0000-000000000000', point(0, 0), point(-1, -1), '', '');
create table expect engine=MyISAM select *, iv from t;
delimiter //
create procedure same()
begin
  select count(*), sum(crc32(concat_ws('|', id, ti, sm, mi, bi, de, fl, db, bt + 0, da, dt, ts, tm, ye, ch, vc, hex(bn), hex(vb), bl, lt, tt, en, st, js, i6, i4, uu, st_astext(po), st_astext(ge), cc, cb, iv, ex, gv, gs))) as crc from t;
end //
delimiter ;
call same();
alter table t engine=InnoDB;
call same();
alter table t engine=$ENGINE;
call same();
alter table t engine=Aria;
call same();
alter table t engine=$ENGINE;
call same();
alter table t engine=MyISAM;
call same();
alter table t engine=$ENGINE;
call same();
select id from t force index (de) where de < 0;
select id, de from t order by de desc, fl limit 1;
select id from t where uu = '123e4567-e89b-12d3-a456-426614174000';
select id from t where i6 = '2001:db8::1' and i4 = '10.0.0.1';
select id from t force index (vc) where vc like 'vär%';
select id from t force index (bl) where bl like 'bbbb%';
select id from t force index (dt) where dt > '2000-01-01';
select id from t force index (bt) where bt = b'1010101010101';
select id from t where js = '{"a": [1, 2]}';
insert into t (js) values ('{');
select length(cc), length(cb) from t order by id;
select id, gs from t where gs = '-5!';
alter table t drop column cc, drop column cb, modify lt longtext compressed, modify vc varchar(300) compressed character set utf8mb4;
alter table t drop key vc, modify vc varchar(300) compressed character set utf8mb4;
select length(lt), vc from t order by id;
alter table t add unique (lt);
show create table t;
create table s like t;
insert into s select * from t;
select count(*) from s;
create or replace table s engine=$ENGINE select id, iv, gv, ex from t;
show columns from s;
select * from s order by id;
create or replace table s engine=$ENGINE select nosuch from t;
select count(*) from s;
create or replace table s (id int primary key) engine=$ENGINE select 1 as id union all select 1;
select count(*) from s;
create table if not exists t engine=$ENGINE select 1;
create table s (id int primary key, x int default 7) engine=$ENGINE replace select seq % 3 as id, seq as y from seq_1_to_10;
select * from s order by id;

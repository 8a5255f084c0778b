-- What the host sums up: every type of number, NULLs, groups, and what is left to the server.
create table n (id int primary key, g int, h smallint unsigned, t tinyint, b bigint, bu bigint unsigned, d decimal(10,2), dd decimal(36,10), w decimal(50,5), f float, r double, y year, dt date, tm datetime, t6 datetime(6), ts timestamp null, s varchar(20), e enum('a','b'), bi bit(5), v int as (g + 1) virtual, p int as (g + 2) stored, key (g, d), key (dt)) engine=$ENGINE;
insert into n (id, g, h, t, b, bu, d, dd, w, f, r, y, dt, tm, t6, ts, s, e, bi) select q, nullif(q % 7, 3), q % 5, q % 256 - 128, q * 1000003 - 500000000, q * 1000003, (q - 300) / 7, (q - 300) / 7.123456, q * 1.5, (q - 300) / 8, (q - 300) / 10, 1901 + q % 150, date '2020-01-01' + interval q % 90 day, timestamp '2020-01-01 12:00:00' + interval q * 7 hour, timestamp '2020-01-01 12:00:00.123456' + interval q second, timestamp '2020-01-01 12:00:00' + interval q hour, concat('v', q % 11), if(q % 3, 'a', 'b'), q % 32 from (select cast(seq as signed) as q from seq_1_to_1000) a;
insert into n (id) values (2001), (2002);
insert into n (id, b, bu, d, dd) values (3001, -9223372036854775808, 18446744073709551615, -99999999.99, -99999999999999999999999999.9999999999), (3002, 9223372036854775807, 18446744073709551615, 99999999.99, 99999999999999999999999999.9999999999), (3003, 9223372036854775807, 18446744073709551615, 99999999.99, 12345678901234567890123456.0123456789);
set sql_mode = '';
insert into n (id, g, dt, tm, t6) values (4001, 8, '0000-00-00', '0000-00-00', '0000-00-00'), (4002, 8, '2020-00-00', '2020-02-00', '9999-12-31 23:59:59.999999');
set sql_mode = default;

-- Without groups.
select count(*) from n;
select count(g), count(s), count(v), count(e), count(bi), count(1), count(null) from n;
select sum(g), sum(h), sum(t), sum(b), sum(bu) from n;
select sum(d), sum(dd), sum(w) from n;
select sum(d) from n;
select sum(f), sum(r) from n where id < 1000;
select avg(g), avg(h), avg(t), avg(b), avg(bu), avg(d) from n;
select avg(dd) from n where id < 2000;
select min(g), max(g), min(h), max(h), min(t), max(t), min(b), max(b), min(bu), max(bu) from n;
select min(d), max(d), min(dd), max(dd), min(y), max(y) from n;
select min(w), max(w) from n;
select min(f), max(f), min(r), max(r) from n;
select min(tm), max(tm), min(t6), max(t6) from n;
select min(ts), max(ts), min(s), max(s), min(e), max(e), min(bi), max(bi) from n;
select min(y), max(y), sum(y) from n;
select min(v), max(v), sum(v), min(p), max(p), sum(p) from n;
select sum(g) + 1, count(*) * 2, 'x', sum(d) / count(*), if(count(*) > 5, 'many', 'few') from n;
select count(*), count(*), sum(g), 7, sum(g) from n;
select count(distinct g), sum(distinct g), count(*) from n;
select bit_or(g), group_concat(g order by id), std(g) from n where id < 20;
select 5, count(*) from n having count(*) > 3;
select count(*) c from n having c > 3000;
select count(*) from n limit 1;
select count(*) from n limit 0;
select count(*) from n limit 1 offset 1;
select count(*), max(id) from n order by max(id);
select sum(g + 1), sum(-g), min(abs(t)), sum(case when g > 2 then d else 0 end) from n;

-- Nothing, or only NULLs.
create table empty (a int not null, b decimal(5,1) not null, c datetime not null) engine=$ENGINE;
select count(*), count(a), sum(a), avg(b), min(a), max(b), min(c), max(c), sum(b) + 1, 'x' from empty;
select a, count(*), sum(b) from empty group by a;
select count(*), sum(d), min(tm), max(id) from n where id between 2001 and 2002 and h is null;
select count(*), sum(d), min(tm), max(b) from n where t = 5 and t = 6 and h = 7;
select count(*) from n where t > 1000 or h > 60000;

-- With conditions.
select count(*), sum(d), max(b) from n where t > 5;
select count(*), sum(d), max(b) from n where t > 5 or h is null;
select count(*), sum(d), max(b) from n where s = 'v7';
select count(*), sum(d), max(b) from n where s collate utf8mb4_bin = 'v7';
select count(*), sum(d), max(b) from n where s like 'v1%';
select count(*), sum(d), max(b) from n where h in (1, 2, 77) and not (t between 5 and 20);
select count(*), sum(d), max(b) from n where dd > 0.1403812644;
select count(*), sum(d), max(b) from n where dd < 0.14038126441234567;
select count(*), sum(d), max(b) from n where dd > d;
select count(*), sum(d), max(b) from n where dd > r;
select count(*), sum(d), max(b) from n where bu > b;
select count(*), sum(id) from n where tm > '2020-02-01' and t6 < '2020-01-01 12:10:00.5';
select count(*), sum(id) from n where y = 2001 xor t > 0;
select count(*), sum(id) from n where t + h > 100;
select count(*), sum(id) from n where length(s) = 2 and t > 0;
select count(*), sum(id) from n where t > 5 and rand() >= 0;
select count(*), sum(id) from n where v > 3;
select count(*), sum(id) from n where h > (select avg(h) from n);
select count(*), sum(id) from n where g in (select id from n where id < 4);
select count(*), sum(id) from n where 1 = 0;
select count(*), sum(id) from n where id = 5;
select count(*), sum(id) from n where id between 5 and 50;
select count(*), sum(id) from n where g = 2;

-- Groups.
select g, count(*), sum(d), avg(t), min(tm), max(t6) from n group by g order by g;
select g, count(*), sum(d) from n group by g;
select h, g, count(*), sum(id) from n group by g, h order by h, g;
select h, g, count(*), sum(id) from n group by g, h order by g;
select h, count(*) from n group by h order by h desc;
select h, count(*) from n group by h desc;
select h, count(*) c from n group by h order by c, h;
select h, count(*) from n group by h order by h limit 3;
select h, count(*) from n group by h order by h limit 2 offset 3;
select sql_calc_found_rows h, count(*) from n group by h order by h limit 2;
select found_rows();
select h, count(*) c from n group by h having c > 200 order by h;
select h, count(*) c from n group by h having sum(id) > 100 and h > 1 order by h;
select h from n group by h order by h;
select h from n group by h having count(*) > 100 order by h;
select distinct count(*) from n group by h order by 1;
select count(*) from n group by h order by h;
select h + 1, count(*) from n group by h order by h;
select h + 1, count(*) from n group by h + 1 order by 1;
select g, h, count(*) from n group by g, h with rollup limit 5;
select b, count(*), sum(id) from n where id > 2000 group by b order by b;
select bu, d, dd, count(*) from n where id > 2000 group by bu, d, dd order by bu, d, dd;
select dt, count(*), min(dt) from n where h < 2 group by dt order by dt limit 5;
select y, count(*), min(y) from n group by y order by y limit 5;
select tm, t6, count(*) from n where t < -100 group by tm, t6 order by tm, t6 limit 7;
select s, count(*) from n group by s order by s;
select e, count(*) from n group by e order by e;
select r, count(*) from n where t > 100 group by r order by r limit 3;
select v, count(*) from n group by v order by v;
select p, count(*), sum(p) from n group by p order by p;
select 'x', g, count(*) + 1, sum(d) / 2, 5 from n group by g order by g;
select g as a, g as b, count(*) from n group by a, b order by b, a;
select g, d, count(*) from n force index (g) group by g, d order by g, d limit 5;
select g, min(d), max(d) from n group by g order by g;
select id, count(*) from n group by id order by id limit 3;
select h, sum(count(*)) over (order by h) from n group by h order by h;

-- In other queries.
select * from (select h, count(*) c, sum(d) s from n group by h) x order by h;
select count(*) from (select g, h from n group by g, h) x;
with x as (select h, max(b) m from n group by h) select a.h, b.m from x a join x b on a.h = b.h order by a.h;
select h, count(*) from n group by h union all select -1, count(*) from n order by 1;
select (select count(*) from n) + 1, (select max(b) from n where t > 3);
select id from n where id = (select max(h) from n);
select id from n where id in (select count(*) from n group by h) order by id;
select a.id, (select count(*) from n b where b.h = a.h) from n a where a.id < 4 order by a.id;
select a.id, (select count(*) from n b where b.t > a.id) from n a where a.id < 4 order by a.id;
select exists (select h from n group by h having count(*) > 100000);
create table copy engine=$ENGINE as select h, count(*) c, sum(dd) s, avg(d) a, min(tm) m, max(y) y from n group by h;
select * from copy order by h;
show create table copy;
insert into copy select h, 2, sum(dd), avg(d), max(tm), min(y) from n group by h;
select * from copy order by h, c;
create view w as select h, count(*) c, sum(d) s from n where t > 0 group by h;
select * from w order by h;
select * from w where h = 3;
prepare q from 'select h, count(*), sum(d), avg(b) from n where t > ? group by h order by h';
set @a = 5;
execute q using @a;
set @a = 100;
execute q using @a;
execute q using @a;
delimiter //
create procedure p(a int) begin declare i int default 0; while i < 3 do select count(*), sum(d) into @c, @s from n where t > a + i; select @c, @s; set i = i + 1; end while; end //
create function f(a int) returns decimal(30,2) reads sql data return (select sum(d) from n where t > a) //
delimiter ;
call p(50);
call p(100);
select f(3), f(100);
select h, f(h) from n group by h order by h;

-- A transaction sees its own changes.
begin;
insert into n (id, g, h, d) values (5001, 1, 2, 7.77), (5002, 9, 9, 0.01);
update n set d = d + 1, h = 4 where id between 10 and 20;
delete from n where id between 30 and 40;
select count(*), sum(d), max(id) from n;
select h, count(*), sum(d), min(id) from n group by h order by h;
select g, count(*), sum(d) from n force index (g) group by g order by g;
select count(*), sum(d) from n lock in share mode;
rollback;
select count(*), sum(d), max(id) from n;
set transaction isolation level serializable;
begin;
select count(*), sum(d) from n;
commit;
select h, count(*) from n group by h order by h for update;

-- Columns that came and went, and other tables.
alter table n add column z int not null default 42, add column z2 decimal(6,2), drop column f;
select sum(z), min(z), count(z2), max(z2), sum(d), count(*) from n;
update n set z = id, z2 = id / 8 where id < 500;
select z div 100, count(*) from n group by z div 100 order by 1;
select z2, count(*) from n group by z2 order by z2 limit 3;
select sum(z), min(z), count(z2), max(z2), sum(z2), sum(d) from n;
create temporary table tt (a int primary key, b int) engine=$ENGINE;
insert into tt select seq, seq % 3 from seq_1_to_100;
select b, count(*), sum(a) from tt group by b order by b;
drop table tt;
create table part (a int primary key, b int) engine=$ENGINE partition by hash (a) partitions 3;
insert into part select seq, seq % 3 from seq_1_to_100;
select b, count(*), sum(a) from part group by b order by b;
select count(*), sum(b) from part;
create table many (a int primary key, b int, c decimal(12,3)) engine=$ENGINE;
insert into many select seq, seq % 40000, seq / 3 from seq_1_to_60000;
select count(*), sum(c), sum(x), min(b), max(b) from (select b, count(*) x, sum(c) c from many group by b) y;
select b, count(*), sum(c) from many group by b order by b limit 3 offset 19999;
create table myisam (a int, b int) engine=myisam;
insert into myisam values (1, 2), (2, 2), (3, null);
select b, sum(a) from myisam group by b order by b;
create sequence q start with 5 engine=$ENGINE;
select count(*), max(minimum_value), sum(increment) from q;
drop sequence q;

-- What the server has to look at itself.
CREATE TABLE outside (a INT PRIMARY KEY, b INT) ENGINE=$ENGINE;
INSERT INTO outside VALUES (1, 1), (2, 1), (3, 2), (4, 5);
SELECT 1 FROM outside GROUP BY outside.a HAVING (SELECT AVG(outside.b + o.b) FROM outside o ORDER BY SUM(o.a) LIMIT 1);
SELECT b, COUNT(*) FROM outside GROUP BY b HAVING (SELECT MAX(o.a) FROM outside o WHERE o.b = outside.b) > 1;
SELECT SQL_CALC_FOUND_ROWS b, COUNT(*) AS c FROM outside GROUP BY b ORDER BY b LIMIT 1;
SELECT FOUND_ROWS();
SELECT SQL_CALC_FOUND_ROWS DISTINCT b FROM outside ORDER BY b LIMIT 1;
SELECT FOUND_ROWS();
SELECT MAX(b) FROM outside WHERE b > 10 LIMIT ROWS EXAMINED 2;
SELECT COUNT(b) FROM outside WHERE b > 10 LIMIT ROWS EXAMINED 2;

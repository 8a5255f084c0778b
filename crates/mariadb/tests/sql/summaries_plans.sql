-- Which queries the host sums up: of those EXPLAIN says that the storage engine handles them.
create table n (id int primary key, g int, h smallint unsigned not null, b bigint unsigned, d decimal(10,2), w decimal(50,5), r double, y year, dt date, t6 datetime(6), ts timestamp null, s varchar(20), u varchar(20) collate utf8mb4_bin, x varchar(20) collate utf8mb4_general_ci, v int as (g + 1) virtual, key (g, d)) engine=$ENGINE;
insert into n (id, g, h, d, s) select seq, seq % 7, seq % 5, seq / 7, concat('v', seq % 11) from seq_1_to_1000;
analyze table n;
-- Summed up on the host.
explain select count(*) from n;
explain select count(s), count(w), count(r), sum(g), sum(b), sum(d), avg(h), min(d), count(y), min(dt), max(t6) from n;
explain select h, count(*) from n group by h;
explain select h, g, count(*) c from n where d > 5 and u = 'v7' group by g, h having c > 5 order by h limit 3;
explain select g, sum(d) from n group by g order by g;
explain select sum(d) / count(*) from n where h in (1, 2) or x is null or s = 'v7';
explain select * from (select h, count(*) from n group by h) x;
explain select h, count(*) from n group by h union all select 1, count(*) from n;
-- Left to the server: what is not the same to the last digit there,
explain select sum(r) from n;
explain select min(r) from n;
explain select sum(w) from n;
explain select max(s) from n;
explain select min(ts) from n;
explain select max(v) from n;
explain select max(y) from n;
explain select count(*) from n group by s;
explain select sum(h + 1) from n;
explain select count(distinct h) from n;
explain select count(*) from n where x = 'v7';
explain select count(*) from n where d > 5 and length(s) = 2;
explain select count(*) from n where h + id > 5;
-- what a key finds faster,
explain select count(*) from n where g = 3;
explain select count(*) from n where id between 5 and 10;
-- what asks for another order or more,
explain select h, count(*) from n group by h order by h desc;
explain select h, count(*) c from n group by h order by c;
explain select h, count(*) c from n group by h with rollup;
explain select distinct count(*) from n group by h;
explain select count(*) from n a, n b where a.id = b.id;
explain select (select count(*) from n b where b.h = a.h) from n a;
-- and reads that lock.
explain select count(*) from n for update;
explain select count(*) from n lock in share mode;
set transaction isolation level serializable;
begin;
explain select count(*) from n;
commit;
set vamos_pushdown = 'condition,index_condition';
explain select count(*) from n;
set vamos_pushdown = default;
-- Dates that a mode would make others of.
set sql_mode = 'TRADITIONAL';
explain select dt, count(*) from n group by dt;
explain select max(t6) from n;
explain select sum(d), count(dt) from n;

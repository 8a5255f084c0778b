-- LIMIT, of which the host is told: where it is exact, too low and too high.
create table t (id int primary key, a int, b varchar(300), key (a)) engine=$ENGINE;
insert into t select seq, seq % 100, repeat(char(97 + seq % 26), seq % 300) from seq_1_to_5000;
select id from t order by id limit 5;
select id from t order by id desc limit 5;
select id, length(b) from t where length(b) = 7 order by id limit 3;
select id, length(b) from t where a = 7 and length(b) > 100 order by id limit 40;
select id from t where a > 5 and length(b) > 250 order by a, id limit 70;
select id from t order by id limit 3 offset 4000;
select count(*), sum(id) from (select id from t order by id limit 1000) x;
select count(*), sum(id) from (select id from t where a < 50 order by id limit 65) x;
select count(*), sum(id) from (select id from t where length(b) % 3 = 1 order by id limit 1500) x;
select sql_calc_found_rows id from t where a > 3 order by id limit 2;
select found_rows();
select distinct a from t order by a limit 3;
select a, count(*) from t group by a order by a limit 3;
select id from t where exists (select 1 from t u where u.a = t.id) order by id limit 98, 5;
select (select id from t u where u.a > t.a order by u.a, u.id limit 1) from t order by id limit 3;
(select id from t order by id limit 2) union all (select id from t order by id desc limit 2) order by 1;
select u.id, v.id from t u join t v on v.a = u.id order by u.id, v.id limit 5;
select id from t order by id limit 0;
begin;
update t set b = 'x' where id in (3, 4, 200);
delete from t where id = 5;
insert into t values (0, 1, 'new');
select id, left(b, 3) from t order by id limit 6;
select id, left(b, 3) from t where length(b) = 1 order by id limit 6;
select id from t order by id limit 6 for update;
rollback;
handler t open;
handler t read first limit 3;
handler t read `PRIMARY` next limit 3;
handler t close;
delimiter //
create procedure p() begin declare i int; declare c cursor for select id from t where length(b) > 290 order by id limit 300; open c; fetch c into i; fetch c into i; select i; close c; end //
delimiter ;
call p();

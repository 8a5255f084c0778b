-- A trigger or a function that returns to a savepoint of its own: the statement that it is
-- part of is still undone as a whole. InnoDB keeps what the statement did before that.
create table t (a int primary key) engine=$ENGINE;
create table l (b int) engine=$ENGINE;
delimiter //
create trigger tr after insert on t for each row begin savepoint s; insert into l values (new.a); rollback to savepoint s; end//
delimiter ;
begin;
insert into t values (5);
insert into t values (1), (5);
select * from t;
insert into t values (2), (3);
insert into t values (4), (6), (5);
select * from t order by a;
commit;
select * from t order by a;
select count(*) from l;
drop trigger tr;
delete from t;
-- A function whose savepoint is older than the statement's first change.
delimiter //
create function f(i int) returns int begin savepoint s; insert into l values (i); rollback to savepoint s; return i; end//
create function g(i int) returns int begin savepoint s; insert into l values (i); rollback to savepoint s; insert into l values (-i); return i; end//
delimiter ;
begin;
insert into t values (5);
insert into t values (f(1)), (f(2)), (f(5));
select * from t;
insert into t values (f(1)), (2), (f(2));
select * from t;
insert into t values (g(7)), (g(8));
insert into t values (g(9)), (g(8));
select * from t order by a;
select * from l order by b;
commit;
select * from t order by a;
select * from l order by b;
-- The user's savepoints around it.
begin;
savepoint a;
insert into t values (20);
savepoint b;
insert into t values (g(21)), (f(20));
select * from t where a >= 20;
insert into t values (g(22));
rollback to savepoint b;
select * from t where a >= 20;
insert into t values (g(23)), (f(20));
select * from t where a >= 20;
rollback to savepoint a;
select * from t where a >= 20;
select * from l order by b;
commit;

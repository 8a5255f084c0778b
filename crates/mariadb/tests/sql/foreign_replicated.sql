-- Rows that a replica applies and that a foreign key refuses: where it goes on, as by
-- slave_exec_mode = IDEMPOTENT, nothing of them stays. The events have tables of
-- script_foreign_replicated in row format, each after what it does.
create table p (id int primary key) engine=$ENGINE;
create table c (id int primary key, p int, foreign key (p) references p (id)) engine=$ENGINE;
insert into p values (1), (2);
insert into c values (1, 1), (2, 1), (3, 2);
create table a (x int, y int, primary key (x, y)) engine=$ENGINE;
create table b (n int primary key, x int, y int, unique (x), foreign key (x, y) references a (x, y) on update cascade) engine=$ENGINE;
insert into a values (1, 1), (2, 2);
insert into b values (1, 1, 1), (2, 2, 2);
create table t (id int primary key) engine=$ENGINE;
create table u (id int primary key, t int, foreign key (t) references t (id) on delete cascade) engine=$ENGINE;
create table v (u int, foreign key (u) references u (id)) engine=$ENGINE;
insert into t values (1);
insert into u values (1, 1), (2, 1);
insert into v values (2);
-- The format of the events.
BINLOG '
OLkEaw8BAAAA/AAAAAABAAAAAAQAMTAuMTEuMTgtTWFyaWFEQi0wK2RlYjEydTEtbG9nAAAAAAAA
AAAAAAAAAAAAAAAAAAAAAAAAEzgNAAgAEgAEBAQEEgAA5AAEGggAAAAICAgCAAAACgoKAAAAAAAA
CgoKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
AAAAAAAAAAAEEwQADQgICAoKCgFHtG5a
';
set @mode = @@global.slave_exec_mode;
set global slave_exec_mode = idempotent;
-- update c set p = case id when 1 then 2 when 2 then 9 else 1 end
BINLOG '
OLkEaxMBAAAAQgAAAOEBAAAAABYAAAAAAAEAGXNjcmlwdF9mb3JlaWduX3JlcGxpY2F0ZWQAAWMA
AgMDAALheDtb
OLkEaxgBAAAAWAAAADkCAAAAABYAAAAAAAEAAgMD/AEAAAABAAAA/AEAAAACAAAA/AIAAAABAAAA
/AIAAAAJAAAA/AMAAAACAAAA/AMAAAABAAAAXDRaTQ==
';
select * from c order by id;
-- delete from p where id = 2
BINLOG '
OLkEaxMBAAAAQQAAAMMCAAAAABIAAAAAAAEAGXNjcmlwdF9mb3JlaWduX3JlcGxpY2F0ZWQAAXAA
AQMAAHxbVx4=
OLkEaxkBAAAAJgAAAOkCAAAAABIAAAAAAAEAAQH+AgAAAKRu2ng=
';
select * from p order by id;
-- insert into c values (4, 77), (5, 1)
BINLOG '
OLkEaxMBAAAAQgAAAOMEAAAAABYAAAAAAAEAGXNjcmlwdF9mb3JlaWduX3JlcGxpY2F0ZWQAAWMA
AgMDAAIqf4xV
OLkEaxcBAAAAMwAAABYFAAAAABYAAAAAAAEAAgP8BAAAAE0AAAD8BQAAAAEAAAAzcKzh
';
select * from c order by id;
-- update a set x = 2, y = 1 where x = 1
BINLOG '
OLkEaxMBAAAAQgAAAHQDAAAAABcAAAAAAAEAGXNjcmlwdF9mb3JlaWduX3JlcGxpY2F0ZWQAAWEA
AgMDAAAolBZH
OLkEaxgBAAAANAAAAKgDAAAAABcAAAAAAAEAAgMD/AEAAAABAAAA/AIAAAABAAAAVYx/9Q==
';
select * from a order by x, y;
select * from b order by n;
-- delete from t
BINLOG '
OLkEaxMBAAAAQQAAADIEAAAAABgAAAAAAAEAGXNjcmlwdF9mb3JlaWduX3JlcGxpY2F0ZWQAAXQA
AQMAAJ61Coc=
OLkEaxkBAAAAJgAAAFgEAAAAABgAAAAAAAEAAQH+AQAAAIAIBvg=
';
select * from t;
select * from u order by id;
set global slave_exec_mode = @mode;
-- Strictly, the event is refused.
delete from c where id = 5;
BINLOG '
OLkEaxMBAAAAQgAAAOMEAAAAABYAAAAAAAEAGXNjcmlwdF9mb3JlaWduX3JlcGxpY2F0ZWQAAWMA
AgMDAAIqf4xV
OLkEaxcBAAAAMwAAABYFAAAAABYAAAAAAAEAAgP8BAAAAE0AAAD8BQAAAAEAAAAzcKzh
';
select * from c order by id;

-- Rows that follow their parent and meet a duplicate: the statement ends, and leaves
-- nothing, whether it leaves out refused rows or not.
create table p (x int, y int, primary key (x, y)) engine=$ENGINE;
create table c (x int, y int, unique one (x), foreign key (x, y) references p (x, y) on update cascade) engine=$ENGINE;
insert into p values (1, 1), (2, 2), (5, 5);
insert into c values (1, 1), (2, 2);
update ignore p set x = 2 where x = 1;
update p set x = 2 where x = 1;
update ignore p set x = x + 1 order by x;
begin;
update ignore p set y = 7 where x = 5;
update ignore p set x = 2 where x in (1, 5) order by x;
select * from p order by x, y;
commit;
select * from p order by x, y;
select * from c order by x, y;
-- Of several that follow, some were changed before.
create table m (id int primary key) engine=$ENGINE;
create table n (id int, k int primary key, foreign key (id) references m (id) on update cascade) engine=$ENGINE;
create table o (a int primary key, id int, unique two (id, a), key (id), foreign key (id) references m (id) on update cascade) engine=$ENGINE;
create table q (id int primary key, foreign key (id) references m (id) on update cascade) engine=$ENGINE;
insert into m values (1), (3);
insert into n values (1, 1), (1, 2), (3, 3);
insert into o values (1, 1), (2, 3);
insert into q values (1);
set foreign_key_checks = 0;
insert into q values (2);
set foreign_key_checks = 1;
update ignore m set id = 2 where id = 1;
update m set id = 2 where id = 1;
insert into m values (1) on duplicate key update id = 2;
select * from m order by id;
select * from n order by k;
select * from o order by a;
select * from q order by id;
-- At the second step.
create table top (id int primary key) engine=$ENGINE;
create table middle (id int primary key, foreign key (id) references top (id) on update cascade) engine=$ENGINE;
create table bottom (id int, unique last (id), foreign key (id) references middle (id) on update cascade) engine=$ENGINE;
insert into top values (1);
insert into middle values (1);
insert into bottom values (1);
set foreign_key_checks = 0;
insert into bottom values (2);
set foreign_key_checks = 1;
update ignore top set id = 2;
update top set id = 2;
select top.id, middle.id, bottom.id from top, middle, bottom order by bottom.id;
-- A duplicate of the row's own is left out as ever.
insert into top values (3);
update ignore top set id = 3 where id = 1;
update top set id = 3 where id = 1;
select * from top order by id;

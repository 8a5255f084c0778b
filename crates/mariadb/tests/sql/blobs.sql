-- Large values, alone and many in a row.
create table b (id int primary key, l longblob, t longtext, k varchar(10), key(k)) engine=$ENGINE;
insert into b values (1, repeat('0123456789abcdef', 1048576), 'small', 'a');
insert into b values (2, repeat('x', 17000000), repeat('y', 100000), 'b'), (3, null, null, 'a'), (4, '', '', null);
select id, length(l), md5(l), length(t), md5(t), k from b order by id;
select id, length(l) from b where k = 'a' order by id;
update b set l = concat(l, 'tail') where id = 1;
select id, length(l), right(l, 8), md5(l) from b where id = 1;
update b set t = repeat('z', 5000000);
select id, length(l), length(t) from b order by id desc;
delete from b where id = 2;
insert into b select id + 10, l, t, 'copy' from b where id = 1;
select id, length(l), md5(l), k from b order by id;
replace into b values (1, 'replaced', 'r', 'r');
select id, length(l), l from b where id = 1;
select a.id, c.id, a.l = c.l from b a join b c on a.t = c.t where a.id < c.id and c.id < 11 order by a.id, c.id;

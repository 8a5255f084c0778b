-- Order and equality in indexes, for collations of all kinds, against the
-- server's own sorting of the same texts.
set names utf8mb4;
delimiter //
create procedure try(cs varchar(32), coll varchar(64), type varchar(20))
begin
  execute immediate concat('create table c (id int primary key, t ', type, ' character set ', cs, ' collate ', coll, ', key(t)) engine=$ENGINE');
  insert ignore into c select id, t from texts;
  execute immediate 'select count(*) into @n from c';
  -- The same order as sorting gives, where equal texts are ordered by id.
  execute immediate 'create temporary table a (p int auto_increment primary key, id int) engine=memory';
  execute immediate 'create temporary table f (p int auto_increment primary key, id int) engine=memory';
  execute immediate 'insert into a(id) select id from c force index (t) order by t, id';
  execute immediate 'insert into f(id) select id from (select id, t from c ignore index (t)) x order by t, id';
  execute immediate 'select count(*) into @same from a join f using (p, id)';
  -- Each text finds those that are equal to it, and no others.
  execute immediate 'select count(*) into @found from c x join c y force index (t) on x.t = y.t';
  execute immediate 'select count(*) into @equal from c x join c y ignore index (t) on x.t = y.t';
  execute immediate 'select count(*) into @between from c force index (t) where t between ''B'' and ''s''';
  execute immediate 'select count(*) into @between2 from c ignore index (t) where t between ''B'' and ''s''';
  execute immediate 'select count(*) into @like from c force index (t) where t like ''a%''';
  execute immediate 'select md5(group_concat(id order by p)) into @order from a';
  select coll, type, @n as n, @same as same, @found as found, @equal as equal, @between as btw, @between2 as btw2, @like as lk, @order as o;
  drop temporary table a, f;
  drop table c;
end//
delimiter ;
set group_concat_max_len = 100000;
create table texts (id int primary key auto_increment, t varchar(40) character set utf8mb4 collate utf8mb4_bin) engine=memory;
insert into texts(t) values (''), (' '), ('  '), ('a'), ('a '), ('a  '), ('A'), ('A '), ('á'), ('Á'), ('à'), ('ä'), ('Ä'), ('ae'), ('æ'), ('Æ'), ('b'), ('B'), ('ab'), ('aB'), ('a b'), ('a-b'), ('ab '), ('a\tb'), ('a\t'), ('\t'), ('\n'), ('\0'), ('a\0'), ('a\0b'), ('a!'), ('!'), ('~'),
 ('s'), ('ss'), ('ß'), ('SS'), ('ẞ'), ('sz'), ('ch'), ('c'), ('cz'), ('č'), ('ć'), ('h'), ('i'), ('ı'), ('I'), ('İ'), ('ij'), ('ĳ'), ('ll'), ('l'), ('lz'), ('ł'), ('n'), ('ñ'), ('nz'), ('o'), ('ö'), ('ø'), ('oe'), ('œ'), ('u'), ('ü'), ('y'), ('z'), ('ž'), ('å'), ('Å'), ('aa'), ('þ'), ('ð'),
 ('0'), ('1'), ('10'), ('9'), ('я'), ('Я'), ('а'), ('б'), ('α'), ('Ω'), ('ω'), ('ก'), ('เก'), ('แก'), ('あ'), ('ア'), ('亜'), ('中'), ('文'), ('字'), ('가'), ('😀'), ('😁'), ('a😀'), ('e'), ('é'), ('e\u0301'), ('résumé'), ('resume'), ('Resume'), ('RÉSUMÉ '), ('côte'), ('coté'), ('cote'),
 ('abcdefgh'), ('abcdefgh '), ('abcdefghi'), ('abcdefgH'), ('abcdefgh\t'), ('abcdefgh!'), ('abcdefghijklmnopqrstuvwxyz'), ('abcdefghijklmnopqrstuvwxyZ'), ('abcdefg '), ('abcdefg'), ('abcdefg h'), ('        '), ('         x'), (null);
call try('latin1', 'latin1_swedish_ci', 'varchar(40)');
call try('latin1', 'latin1_swedish_nopad_ci', 'varchar(40)');
call try('latin1', 'latin1_german1_ci', 'varchar(40)');
call try('latin1', 'latin1_german2_ci', 'varchar(40)');
call try('latin1', 'latin1_general_cs', 'varchar(40)');
call try('latin1', 'latin1_bin', 'varchar(40)');
call try('latin1', 'latin1_nopad_bin', 'varchar(40)');
call try('latin1', 'latin1_swedish_ci', 'char(40)');
call try('latin1', 'latin1_swedish_nopad_ci', 'char(40)');
call try('latin2', 'latin2_general_ci', 'varchar(40)');
call try('latin5', 'latin5_turkish_ci', 'varchar(40)');
call try('latin7', 'latin7_general_cs', 'varchar(40)');
call try('cp1250', 'cp1250_general_ci', 'varchar(40)');
call try('cp1251', 'cp1251_ukrainian_ci', 'varchar(40)');
call try('koi8r', 'koi8r_general_ci', 'varchar(40)');
call try('greek', 'greek_general_ci', 'varchar(40)');
call try('ascii', 'ascii_general_ci', 'varchar(40)');
call try('cp850', 'cp850_bin', 'varchar(40)');
call try('tis620', 'tis620_thai_ci', 'varchar(40)');
call try('big5', 'big5_chinese_ci', 'varchar(40)');
call try('gbk', 'gbk_chinese_ci', 'varchar(40)');
call try('gbk', 'gbk_bin', 'varchar(40)');
call try('gb2312', 'gb2312_chinese_ci', 'varchar(40)');
call try('sjis', 'sjis_japanese_ci', 'varchar(40)');
call try('cp932', 'cp932_japanese_ci', 'varchar(40)');
call try('ujis', 'ujis_japanese_ci', 'varchar(40)');
call try('eucjpms', 'eucjpms_bin', 'varchar(40)');
call try('euckr', 'euckr_korean_ci', 'varchar(40)');
call try('utf8mb3', 'utf8mb3_general_ci', 'varchar(40)');
call try('utf8mb3', 'utf8mb3_unicode_ci', 'varchar(40)');
call try('utf8mb3', 'utf8mb3_bin', 'varchar(40)');
call try('utf8mb3', 'utf8mb3_general_mysql500_ci', 'varchar(40)');
call try('utf8mb3', 'utf8mb3_general_ci', 'char(40)');
call try('utf8mb4', 'utf8mb4_general_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_general_ci', 'char(40)');
call try('utf8mb4', 'utf8mb4_general_nopad_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_general_nopad_ci', 'char(40)');
call try('utf8mb4', 'utf8mb4_unicode_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_unicode_ci', 'char(40)');
call try('utf8mb4', 'utf8mb4_unicode_nopad_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_unicode_520_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_bin', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_nopad_bin', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_nopad_bin', 'char(40)');
call try('utf8mb4', 'utf8mb4_swedish_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_german2_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_czech_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_spanish2_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_turkish_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_danish_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_thai_520_w2', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_uca1400_ai_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_uca1400_as_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_uca1400_ai_cs', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_uca1400_as_cs', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_uca1400_as_cs', 'char(40)');
call try('utf8mb4', 'utf8mb4_uca1400_nopad_as_cs', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_uca1400_nopad_ai_ci', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_uca1400_german2_as_cs', 'varchar(40)');
call try('utf8mb4', 'utf8mb4_uca1400_danish_as_ci', 'varchar(40)');
call try('ucs2', 'ucs2_general_ci', 'varchar(40)');
call try('ucs2', 'ucs2_unicode_ci', 'varchar(40)');
call try('ucs2', 'ucs2_bin', 'varchar(40)');
call try('utf16', 'utf16_general_ci', 'varchar(40)');
call try('utf16', 'utf16_bin', 'char(40)');
call try('utf16le', 'utf16le_general_ci', 'varchar(40)');
call try('utf32', 'utf32_unicode_ci', 'varchar(40)');
call try('utf32', 'utf32_bin', 'varchar(40)');
call try('binary', 'binary', 'varchar(40)');
-- The Czech collations with rules of their own: order and equality as an index has them.
create table cz (id int primary key auto_increment, t varchar(20) character set latin2 collate latin2_czech_cs, key(t)) engine=$ENGINE;
insert into cz(t) values ('a'), ('A'), ('á'), ('c'), ('ch'), ('h'), ('cz'), ('č'), ('a '), ('ab'), ('a b'), (''), ('z'), ('ž'), ('zz');
select id, t from cz force index (t) order by t, id;
select id from cz force index (t) where t = 'a' order by id;
select id from cz force index (t) where t > 'c' and t < 'h' order by t, id;
-- Uniqueness is equality by collation.
create table u1 (t varchar(20) character set utf8mb4 collate utf8mb4_general_ci primary key) engine=$ENGINE;
insert into u1 values ('a');
insert into u1 values ('A');
insert into u1 values ('a ');
insert into u1 values ('á');
insert into u1 values ('b'), ('B ');
create table u2 (t varchar(20) character set utf8mb4 collate utf8mb4_nopad_bin primary key) engine=$ENGINE;
insert into u2 values ('a'), ('A'), ('a '), ('á');
insert into u2 values ('a ');
select t, length(t) from u2 order by t;

-- Dates and times with fractions, zero dates and NULL.
set sql_mode='';
set time_zone='+00:00';
create table t (
  id int primary key, d date, t0 time, t3 time(3), t6 time(6), dt datetime, dt1 datetime(1), dt6 datetime(6),
  ts timestamp null, ts4 timestamp(4) null, ts6 timestamp(6) null,
  key(d), key(t0), key(t3), key(t6), key(dt), key(dt1), key(dt6), key(ts), key(ts4), key(ts6)
) engine=$ENGINE;
insert into t values
 (1, '0000-00-00', '-838:59:59', '-838:59:59.999', '-838:59:59.999999', '0000-00-00 00:00:00', '0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00'),
 (2, '9999-12-31', '838:59:59', '838:59:59.999', '838:59:59.999999', '9999-12-31 23:59:59', '9999-12-31 23:59:59.9', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '2038-01-19 03:14:07.9999', '2038-01-19 03:14:07.999999'),
 (3, '1000-01-01', '00:00:00', '00:00:00.001', '-00:00:00.000001', '1000-01-01', '1000-01-01 00:00:00.1', '1000-01-01 00:00:00.000001', '1970-01-01 00:00:01', '1970-01-01 00:00:01.0001', '1970-01-01 00:00:01.000001'),
 (4, null, null, null, null, null, null, null, null, null, null),
 (5, '2024-02-29', '12:34:56', '12:34:56.789', '12:34:56.789012', '2024-02-29 12:34:56', '2024-02-29 12:34:56.7', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56', '2024-02-29 12:34:56.7890', '2024-02-29 12:34:56.789012'),
 (6, '2024-00-00', '-00:00:01', '-00:00:00.999', '-00:00:01.000001', '2024-02-29 12:34:55', '2024-02-29 12:34:56.6', '2024-02-29 12:34:56.789011', '2024-02-29 12:34:55', '2024-02-29 12:34:56.7889', '2024-02-29 12:34:56.789011');
select * from t order by id;
select id, d from t force index (d) order by d, id;
select id, t0 from t force index (t0) order by t0, id;
select id, t3 from t force index (t3) order by t3 desc, id desc;
select id, t6 from t force index (t6) order by t6, id;
select id, dt from t force index (dt) order by dt, id;
select id, dt1 from t force index (dt1) order by dt1, id;
select id, dt6 from t force index (dt6) order by dt6 desc, id desc;
select id, ts from t force index (ts) order by ts, id;
select id, ts4 from t force index (ts4) order by ts4, id;
select id, ts6 from t force index (ts6) order by ts6, id;
select id from t force index (d) where d between '1000-01-01' and '2024-12-31' order by d;
select id from t force index (t6) where t6 < 0 order by t6;
select id from t force index (t3) where t3 > '-00:00:01' order by t3;
select id from t force index (dt6) where dt6 >= '2024-02-29 12:34:56.789011' order by dt6;
select id from t force index (ts6) where ts6 = '2024-02-29 12:34:56.789012';
select id from t force index (d) where d = '2024-00-00';
select id from t force index (d) where d is null;
select min(t6), max(t6), min(ts6), max(dt6) from t;
-- The old formats without fractions.
set global mysql56_temporal_format=0;
create table o (id int primary key, t time, dt datetime, ts timestamp null, t2 time(2), key(t), key(dt), key(ts), key(t2)) engine=$ENGINE;
set global mysql56_temporal_format=1;
insert into o values (1, '-10:00:00', '2000-01-01', '2000-01-01', '-10:00:00.55'), (2, '10:00:00', '1999-12-31 23:59:59', '1999-12-31 23:59:59', '10:00:00.55'), (3, null, null, null, null), (4, '-00:00:01', '0000-00-00', '2030-01-01', '-00:00:00.01');
select * from o order by id;
select id from o force index (t) order by t, id;
select id from o force index (dt) order by dt, id;
select id from o force index (ts) order by ts, id;
select id from o force index (t2) order by t2, id;
select id from o force index (t) where t < '00:00:00' order by t;

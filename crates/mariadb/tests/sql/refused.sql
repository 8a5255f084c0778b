-- What the engine does not have is refused, not accepted and ignored.
CREATE TABLE f (id INT PRIMARY KEY, t TEXT, FULLTEXT (t)) ENGINE=$ENGINE;
CREATE TABLE g (id INT PRIMARY KEY, g GEOMETRY NOT NULL, SPATIAL INDEX (g)) ENGINE=$ENGINE;
SHOW TABLES;

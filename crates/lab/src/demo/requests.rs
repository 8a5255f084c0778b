//! What the demonstration asks of both engines.

/// Something that is asked of both engines with the same SQL.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Its name in the table.
    pub(crate) name: String,
    /// The statements, run by the command-line client in the engine's database.
    pub(crate) sql: String,
    /// What its rows and bytes are.
    pub(crate) size: Size,
}

/// How to tell how much a request moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// The lines and bytes of its output.
    Output,
    /// The first number of its output is the number of rows changed; there are
    /// so many bytes (0: not told).
    Changed {
        /// The bytes.
        bytes: u64,
    },
}

impl Request {
    fn new(name: impl Into<String>, sql: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            sql: sql.into(),
            size: Size::Output,
        }
    }

    fn changes(self, bytes: u64) -> Self {
        Self {
            size: Size::Changed { bytes },
            ..self
        }
    }
}

/// The tables, with `$ENGINE` for the engine.
pub(crate) const SCHEMA: &str = "\
CREATE TABLE packages (
    id INT UNSIGNED NOT NULL PRIMARY KEY,
    name VARCHAR(120) NOT NULL,
    version VARCHAR(120) NOT NULL,
    architecture VARCHAR(16) NOT NULL,
    section VARCHAR(64),
    priority VARCHAR(16),
    maintainer VARCHAR(255),
    installed_kib BIGINT UNSIGNED,
    size BIGINT UNSIGNED,
    sha256 CHAR(64),
    description TEXT,
    KEY by_name (name),
    KEY by_section (section, installed_kib),
    KEY by_maintainer (maintainer)
) ENGINE=$ENGINE DEFAULT CHARSET=utf8mb4;
CREATE TABLE dependencies (
    package INT UNSIGNED NOT NULL,
    kind VARCHAR(16) NOT NULL,
    position SMALLINT UNSIGNED NOT NULL,
    target VARCHAR(120) NOT NULL,
    constraint_text VARCHAR(160),
    PRIMARY KEY (package, kind, position),
    KEY by_target (target)
) ENGINE=$ENGINE DEFAULT CHARSET=utf8mb4;
CREATE TABLE orders (
    id INT UNSIGNED NOT NULL PRIMARY KEY,
    package INT UNSIGNED NOT NULL,
    note VARCHAR(100) NOT NULL
) ENGINE=$ENGINE DEFAULT CHARSET=utf8mb4;
";

/// Filling the tables from files of these sizes in bytes.
pub(crate) fn loads(packages: u64, dependencies: u64) -> Vec<Request> {
    let load = |table: &str, bytes: u64| {
        Request::new(
            format!("load {table}"),
            format!(
                "LOAD DATA INFILE '/payload/data/{table}.tsv' INTO TABLE {table} CHARACTER SET utf8mb4; \
                 SELECT ROW_COUNT();"
            ),
        )
        .changes(bytes)
    };
    vec![load("packages", packages), load("dependencies", dependencies)]
}

/// The requests behind the loads, in their order. `rows` is the number of
/// packages.
pub(crate) fn requests(rows: u64) -> Vec<Request> {
    let mut all = cold_ranges(rows);
    all.push(point_queries(rows));
    all.push(Request::new(
        "index range scan",
        "SELECT name, section, installed_kib, description FROM packages FORCE INDEX (by_section) \
         WHERE section = 'games' AND installed_kib BETWEEN 100 AND 20000 ORDER BY installed_kib, id",
    ));
    all.push(Request::new(
        "covering index scan",
        "SELECT section, COUNT(*), SUM(installed_kib) FROM packages FORCE INDEX (by_section) GROUP BY section",
    ));
    all.push(Request::new(
        "join",
        "SELECT p.name, d.kind, d.target FROM packages p JOIN dependencies d ON d.package = p.id \
         WHERE p.section = 'database' ORDER BY p.id, d.kind, d.position",
    ));
    all.push(Request::new(
        "aggregate",
        "SELECT kind, COUNT(*), COUNT(constraint_text), MIN(target), MAX(target) FROM dependencies GROUP BY kind",
    ));
    all.push(Request::new(
        "large ordered scan",
        "SELECT package, kind, position, target FROM dependencies ORDER BY package, kind, position",
    ));
    all.extend(writes(rows));
    all
}

/// Ranges of the primary key, each in a part of the table of its own that no
/// earlier request has read, on cold caches.
fn cold_ranges(rows: u64) -> Vec<Request> {
    let sizes = [10, 100, 1_000, 10_000, rows / 2];
    let mut first = 1;
    let mut ranges = Vec::new();
    for size in sizes {
        let sql = format!(
            "SELECT * FROM packages WHERE id BETWEEN {first} AND {}",
            first + size - 1
        );
        ranges.push(Request::new(format!("range of {size} rows, cold"), sql));
        first += size + 500;
    }
    ranges
}

fn point_queries(rows: u64) -> Request {
    let queries: String = (0..200u64)
        .map(|i| {
            format!(
                "SELECT id, name, version FROM packages WHERE id = {};\n",
                i * 7919 % rows + 1
            )
        })
        .collect();
    Request::new("200 point queries", queries)
}

fn writes(rows: u64) -> Vec<Request> {
    let commits: String = (1..=100u64)
        .map(|i| {
            format!(
                "INSERT INTO orders VALUES ({i}, {}, 'ordered');\n",
                i * 6007 % rows + 1
            )
        })
        .collect();
    vec![
        Request::new(
            "100 commits, fully durable",
            commits + "SELECT COUNT(*) FROM orders;",
        )
        .changes(0),
        Request::new(
            "update transaction",
            "BEGIN; UPDATE packages SET installed_kib = installed_kib + 1, section = 'amusement' \
             WHERE section = 'games'; SELECT ROW_COUNT(); COMMIT;",
        )
        .changes(0),
        Request::new(
            "delete transaction",
            "BEGIN; DELETE FROM dependencies WHERE kind = 'Suggests'; SELECT ROW_COUNT(); COMMIT;",
        )
        .changes(0),
        Request::new(
            "check of everything",
            "SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', id, name, version, section, installed_kib, description))) \
             FROM packages; \
             SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', package, kind, position, target, constraint_text))) \
             FROM dependencies; SELECT COUNT(*), SUM(CRC32(CONCAT_WS('|', id, package, note))) FROM orders;",
        ),
    ]
}

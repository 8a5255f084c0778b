//! What InnoDB is asked once more before its answer counts.

use super::{
    compare::{self, Verdict},
    engines::Pair,
    runner::HANG,
    statement::Statement,
};
use crate::sql_client::{Answer, Outcome, Value};

/// Whether InnoDB answers a query as VAMOS did if it is asked for another plan: a plain
/// one, since some of the server's plans go wrong with it, as BKA joins by an index of a
/// virtual column do, and reads of that index beside one who changes a row; or VAMOS'
/// own, since the server itself finds other rows by an index of prefixes where a
/// collation ignores letters. Or whether InnoDB's plain answer is another one than it
/// gave, and VAMOS' plain answer the same: the server's loose index scans leave out
/// rows with either engine where a later part of the key has ranges, and each engine
/// may be asked for another scan.
pub(super) fn contradicts_itself(pair: &Pair, query: &Statement, vamos: &Outcome, innodb: &Outcome) -> bool {
    let sql = query.sql();
    if !sql.starts_with("SELECT") || !matches!(vamos, Ok(Answer::Rows(_))) {
        return false;
    }
    let same = |left: &Outcome, right: &Outcome| compare::outcomes(query, left, right) == Verdict::Same;
    let plain = plain(&sql);
    let Some(simply) = pair.run_on_innodb(&plain, HANG).filter(Result::is_ok) else {
        return false;
    };
    if same(vamos, &simply) {
        return true;
    }
    if !same(innodb, &simply) {
        let ours = pair.run_on_vamos(&plain, HANG);
        return ours.is_some_and(|ours| same(&ours, &simply));
    }
    let answers_so = |sql: &str| {
        let again = pair.run_on_innodb(sql, HANG);
        again.is_some_and(|again| again.is_ok() && same(vamos, &again))
    };
    let as_vamos = as_explained(&sql, &keys(pair, &sql));
    // The server's hash joins find other rows by which table they begin with, where
    // the columns' character sets differ.
    answers_so(&as_vamos) || answers_so(&as_vamos.replace(" JOIN ", " STRAIGHT_JOIN "))
}

/// Whether InnoDB copies other rows than there are: what an INSERT .. SELECT reads is
/// asked for by itself, as it is and plainly.
pub(super) fn copies_other_rows(pair: &Pair, statement: &Statement) -> bool {
    let sql = statement.sql();
    let is_copy = sql.starts_with("INSERT") || sql.starts_with("REPLACE");
    let Some(at) = sql.find("SELECT ").filter(|_| is_copy) else {
        return false;
    };
    let query = sql[at..].split(" ON DUPLICATE ").next().unwrap_or_default();
    let sorted = |outcome: Option<Outcome>| match outcome {
        Some(Ok(Answer::Rows(mut rows))) => {
            rows.sort();
            Some(rows)
        }
        _ => None,
    };
    let as_it_is = sorted(pair.run_on_innodb(query, HANG));
    let plainly = sorted(pair.run_on_innodb(&plain(query), HANG));
    as_it_is.is_some() && plainly.is_some() && as_it_is != plainly
}

/// The keys by which VAMOS reads a query's tables, each with the table's alias.
fn keys(pair: &Pair, sql: &str) -> Vec<(String, String)> {
    let Some(Ok(Answer::Rows(plan))) = pair.run_on_vamos(&format!("EXPLAIN {sql}"), HANG) else {
        return Vec::new();
    };
    let text = |value: Option<&Value>| Some(String::from_utf8_lossy(value?.as_ref()?).into_owned());
    plan.iter()
        .filter_map(|row| Some((text(row.get(2))?, text(row.get(5))?)))
        // That of a hash join is none of the table's.
        .filter(|(_, key)| !key.starts_with('#'))
        .collect()
}

/// Whether a statement may rightly have met fewer rows on InnoDB: below REPEATABLE READ
/// it does not wait for a row that was not there before, though it may for one behind
/// that.
pub(super) fn may_leave_rows_out(pair: &Pair) -> bool {
    let level = "SELECT COALESCE((SELECT trx_isolation_level FROM information_schema.innodb_trx \
                 WHERE trx_mysql_thread_id = CONNECTION_ID()), @@tx_isolation)";
    let is_low = |outcome: Outcome| match outcome {
        Ok(Answer::Rows(rows)) => rows
            .iter()
            .flatten()
            .flatten()
            .all(|level| level.starts_with(b"READ")),
        _ => false,
    };
    pair.waited && pair.run_on_innodb(level, HANG).is_some_and(is_low)
}

/// What keeps a query from the server's cleverer plans.
const SETTINGS: &str =
    "SET STATEMENT optimizer_switch = 'mrr=off,index_merge=off', join_cache_level = 0 FOR ";

/// The query with a hint, in place of its own, that none of its tables' indexes is used.
pub(super) fn plain(query: &str) -> String {
    SETTINGS.to_owned() + &as_explained(query, &[])
}

/// The query with hints, in place of its own, to read each table by this key or by none.
fn as_explained(query: &str, keys: &[(String, String)]) -> String {
    let mut text = String::new();
    let mut rest = query;
    while let Some(at) = next_table(rest) {
        let (before, after) = rest.split_at(at);
        let alias = before.rsplit(' ').next().unwrap_or_default();
        let key = keys.iter().find(|(of, _)| of == alias);
        text.push_str(before);
        text.push_str(&key.map_or(" USE INDEX ()".to_owned(), |(_, key)| {
            format!(" FORCE INDEX ({key})")
        }));
        rest = without_hint(after);
    }
    text + rest
}

/// Where the next table's name, with its alias, ends.
fn next_table(text: &str) -> Option<usize> {
    let named = ["FROM t", "JOIN t"];
    let name = named
        .iter()
        .filter_map(|word| Some(text.find(word)? + word.len()))
        .min()?;
    let digits = text[name..].bytes().take_while(u8::is_ascii_digit).count();
    let end = name + digits;
    let mut alias = text[end..].bytes();
    let has_alias = alias.next() == Some(b' ')
        && alias.next().is_some_and(|letter| letter.is_ascii_lowercase())
        && alias.next().is_none_or(|after| !after.is_ascii_alphanumeric());
    Some(if has_alias { end + 2 } else { end })
}

/// The text behind an index hint, if it begins with one.
fn without_hint(text: &str) -> &str {
    let is_hint = [" USE INDEX (", " FORCE INDEX (", " IGNORE INDEX ("]
        .iter()
        .any(|hint| text.starts_with(hint));
    match text.split_once(')') {
        Some((_, behind)) if is_hint => behind,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_by_the_keys_that_are_given() {
        let keys = [("y".to_owned(), "PRIMARY".to_owned())];
        assert_eq!(
            as_explained(
                "SELECT y.a FROM t1 x FORCE INDEX (k2) JOIN t2 y ON x.a = y.a",
                &keys
            ),
            "SELECT y.a FROM t1 x USE INDEX () JOIN t2 y FORCE INDEX (PRIMARY) ON x.a = y.a"
        );
    }

    #[test]
    fn hints_give_way_and_are_added() {
        let query =
            "SELECT x.a FROM t1 x FORCE INDEX (k2) JOIN t2 y ON x.a = y.a WHERE x.a IN (SELECT a FROM t3)";
        let plain = plain(query);
        let (_, sql) = plain.split_once(" FOR ").unwrap();
        assert_eq!(
            sql,
            "SELECT x.a FROM t1 x USE INDEX () JOIN t2 y USE INDEX () ON x.a = y.a \
             WHERE x.a IN (SELECT a FROM t3 USE INDEX ())"
        );
    }
}

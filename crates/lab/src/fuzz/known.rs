//! The differences between the engines that are no faults of VAMOS, each with
//! its reason. A program that meets one ends there.

use super::compare::code;
use crate::sql_client::Outcome;

/// Whether this difference is known.
pub(super) fn is_known(sql: &str, vamos: &Outcome, innodb: &Outcome) -> bool {
    let (vamos, innodb) = (code(vamos), code(innodb));
    KNOWN.iter().any(|known| {
        sql.starts_with(known.begins)
            && known.vamos.is_none_or(|code| vamos == Some(code))
            && known.innodb.is_none_or(|code| innodb == Some(code))
    })
}

struct Known {
    begins: &'static str,
    /// VAMOS' error, if it matters.
    vamos: Option<u16>,
    /// InnoDB's.
    innodb: Option<u16>,
    #[expect(dead_code, reason = "it is there for who reads the list")]
    reason: &'static str,
}

const KNOWN: &[Known] = &[Known {
    begins: "",
    vamos: None,
    innodb: Some(1690),
    reason: "the host evaluates conditions in any order, and a row that one of them rules out \
             fails by none",
}];

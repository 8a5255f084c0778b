//! The differences between the engines that are no faults of VAMOS, each with
//! its reason. A program that meets one ends there.

use super::compare::code;
use crate::sql_client::Outcome;

/// Whether this difference is known.
pub(super) fn is_known(sql: &str, vamos: &Outcome, innodb: &Outcome) -> bool {
    let (vamos, innodb) = (code(vamos), code(innodb));
    KNOWN.iter().any(|known| {
        let has = |code: Option<u16>| code.is_some_and(|code| known.codes.contains(&code));
        sql.starts_with(known.begins) && (has(innodb) || (known.either && has(vamos)))
    })
}

struct Known {
    begins: &'static str,
    /// InnoDB's errors.
    codes: &'static [u16],
    /// They may as well be VAMOS'.
    either: bool,
    #[expect(dead_code, reason = "it is there for who reads the list")]
    reason: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        begins: "",
        codes: &[1292, 1690],
        either: true,
        reason: "conditions are evaluated in any order, on the host and by the server's plans, and a \
                 row that one of them rules out fails by none; rows that INSERT IGNORE has made fail \
                 where their virtual columns are computed",
    },
    Known {
        begins: "ALTER TABLE",
        codes: &[1292, 1690, 4025],
        either: true,
        reason: "an ALTER TABLE that copies the table checks each row once more, and the engines do \
                 not copy for all the same changes: VAMOS where InnoDB rebuilds a table in place, \
                 InnoDB where virtual columns are among other changes",
    },
    Known {
        begins: "ALTER TABLE",
        codes: &[1054],
        either: true,
        reason: "the server calls the columns of a CHECK by the alias that a query has left with the \
                 open table, and so does not rename them; InnoDB, too, after an ALTER that has failed \
                 while it copied",
    },
    Known {
        begins: "",
        codes: &[1713],
        either: false,
        reason: "a record of InnoDB's undo log must fit a page, as a long default of a column that is \
                 added does not",
    },
    Known {
        begins: "",
        codes: &[1038],
        either: true,
        reason: "whether a statement has to sort, and so has too little memory for it, is the \
                 optimizer's choice",
    },
];

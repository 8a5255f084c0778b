//! The tables that the connections work on: accounts whose money stays, counters of
//! transactions and a ledger; and what must hold of them.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::worker::Counts;
use crate::sql_client::SqlConnection;

pub(super) const ACCOUNTS: u32 = 60;
pub(super) const MONEY: u32 = ACCOUNTS * 1000;

const SCHEMA: &[&str] = &[
    "DROP DATABASE IF EXISTS stress",
    "CREATE DATABASE stress",
    "USE stress",
    "CREATE TABLE accounts (id INT PRIMARY KEY, owner INT NOT NULL, balance BIGINT NOT NULL, tag VARCHAR(20) NOT NULL, \
     UNIQUE KEY (tag), KEY (owner), KEY (balance, tag(3))) ENGINE=VAMOS",
    "CREATE TABLE counters (id INT PRIMARY KEY, n BIGINT NOT NULL) ENGINE=VAMOS",
    "CREATE TABLE ledger (id BIGINT AUTO_INCREMENT PRIMARY KEY, who INT NOT NULL, n BIGINT NOT NULL, amount INT NOT NULL, \
     UNIQUE KEY (who, n)) ENGINE=VAMOS",
];

/// How long until a killed worker's successor answers, at most.
const COMES_BACK: Duration = Duration::from_secs(30);

pub(super) fn prepare(control: &mut SqlConnection) -> Result<()> {
    for statement in SCHEMA {
        control.execute(statement)?;
    }
    for id in 0..ACCOUNTS {
        control.execute(&format!(
            "INSERT INTO accounts VALUES ({id}, {}, 1000, 'tag{id}')",
            id % 7
        ))?;
    }
    Ok(())
}

/// The indexes of the accounts, each with a condition that all fulfil.
pub(super) const WAYS: &[(&str, &str)] = &[
    ("PRIMARY", "id >= 0"),
    ("tag", "tag > ''"),
    ("owner", "owner >= 0"),
    ("balance", "balance > -1000000"),
];

/// Counts accounts and money by an index.
pub(super) fn money_by((index, condition): (&str, &str)) -> String {
    format!(
        "SELECT CONCAT(COUNT(*), ' ', SUM(balance)) FROM accounts FORCE INDEX ({index}) WHERE {condition}"
    )
}

/// The last worker that was killed needs a successor.
pub(super) fn await_worker(control: &mut SqlConnection) -> Result<()> {
    let start = Instant::now();
    while let Err(error) = control.run("SELECT COUNT(*) FROM accounts") {
        ensure!(
            start.elapsed() < COMES_BACK,
            "the worker does not come back: {error}"
        );
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// What must hold when all is quiet.
pub(super) fn verify(control: &mut SqlConnection, counts: &[Counts]) -> Result<()> {
    let wanted = format!("{ACCOUNTS} {MONEY}");
    for way in WAYS {
        let query = money_by(*way);
        let found = control.value(&query)?;
        ensure!(found == wanted, "{query}: {found} instead of {wanted}");
    }
    for (who, count) in counts.iter().enumerate() {
        let counted: u64 = control
            .value(&format!(
                "SELECT COALESCE(SUM(n), 0) FROM counters WHERE id = {who}"
            ))?
            .parse()
            .context("a counter is a number")?;
        let booked: u64 = control
            .value(&format!("SELECT COUNT(*) FROM ledger WHERE who = {who}"))?
            .parse()
            .context("a count is a number")?;
        ensure!(
            counted == booked,
            "connection {who} counted {counted} and booked {booked} transactions"
        );
        ensure!(
            (count.acknowledged..=count.acknowledged + count.unsure).contains(&counted),
            "connection {who}: {} transactions were acknowledged, {} unsure, {counted} are there",
            count.acknowledged,
            count.unsure
        );
    }
    for table in ["accounts", "counters", "ledger"] {
        let found = control.rows(&format!("CHECK TABLE {table} EXTENDED"))?;
        let bad = |row: &Vec<String>| {
            row.get(2)
                .is_some_and(|kind| kind == "error" || kind == "warning")
        };
        ensure!(!found.iter().any(bad), "CHECK TABLE {table}: {found:?}");
    }
    Ok(())
}

//! A program as an SQL script, for people to read and run, and for
//! `--replay` to run again.

use anyhow::{Context, Result, bail};

use super::{
    generator::Waiting,
    replay::Program,
    statement::{Compare, Kind, Statement, Step},
};

const SETTING: &str = "-- each connection: ";
const CONNECTION: &str = "-- connection ";

/// The script of a program; `head` is a comment that stands before it.
pub(super) fn write(program: &Program, head: &str) -> String {
    let mut script: String = head.lines().map(|line| format!("# {line}\n")).collect();
    for setting in &program.settings {
        script.push_str(&format!("{SETTING}{setting};\n"));
    }
    let mut connection = None;
    for step in &program.steps {
        if program.connections > 1 && connection != Some(step.connection) {
            script.push_str(&format!("{CONNECTION}{}\n", step.connection + 1));
            connection = Some(step.connection);
        }
        script.push_str(&step.statement.sql());
        script.push_str(";\n");
    }
    script
}

/// The program of a script: one statement a line.
pub(super) fn read(script: &str) -> Result<Program> {
    let mut program = Program {
        connections: 1,
        waiting: Waiting::Alone,
        settings: Vec::new(),
        steps: Vec::new(),
    };
    let mut connection = 0;
    for (number, line) in script.lines().enumerate() {
        if let Some(setting) = line.strip_prefix(SETTING) {
            program.settings.push(setting.trim_end_matches(';').to_owned());
        } else if let Some(which) = line.strip_prefix(CONNECTION) {
            let which: usize = which
                .trim()
                .parse()
                .with_context(|| format!("line {}: a connection has a number", number + 1))?;
            connection = which.saturating_sub(1);
            program.connections = program.connections.max(connection + 1);
        } else if !line.starts_with('#') && !line.starts_with("--") && !line.trim().is_empty() {
            program.steps.push(Step {
                connection,
                statement: statement(line.trim_end().trim_end_matches(';')),
            });
        }
    }
    if program.connections > 64 {
        bail!("a program has at most 64 connections");
    }
    if program.connections > 1 {
        let refused = program
            .settings
            .iter()
            .any(|setting| setting.contains("timeout = 0"));
        program.waiting = if refused { Waiting::Refused } else { Waiting::Waits };
    }
    Ok(program)
}

/// What a statement's text says of its kind and how it is compared.
fn statement(text: &str) -> Statement {
    let word = text.split(' ').next().unwrap_or_default().to_uppercase();
    let (kind, compare) = match word.as_str() {
        "SELECT" if text.contains(" LIMIT ") && !text.contains(" ORDER BY ") => (Kind::Rows, Compare::Count),
        "SELECT" | "DELETE" | "UPDATE" | "INSERT" | "REPLACE" => (Kind::Rows, Compare::Multiset),
        "BEGIN" | "START" | "COMMIT" => (Kind::Boundary, Compare::Success),
        "ROLLBACK" if !text.contains(" TO ") => (Kind::Boundary, Compare::Success),
        "SET" | "SAVEPOINT" | "RELEASE" | "ROLLBACK" => (Kind::Setting, Compare::Success),
        _ => (Kind::Definition, Compare::Success),
    };
    Statement::new(kind, compare, text)
}

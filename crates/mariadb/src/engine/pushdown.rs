//! Conditions that the server gives the engine, and what the host runs for them.

use crate::codec::Shape;
use crate::codec::condition::{Condition, Source, compile};
use std::sync::Arc;
use vamos_guest::Conditions;

/// The conditions of the present statement. The server evaluates them again on
/// the rows that come, so what a program cannot say is only not gained.
#[derive(Debug, Default)]
pub(crate) struct Pushdown {
    /// On every row that the statement wants.
    rows: Vec<Condition>,
    /// On every row that the statement wants through this key.
    through_key: Option<(usize, Vec<Condition>)>,
    /// What was compiled last, and for what.
    compiled: Option<(Reading, Arc<Conditions>)>,
}

/// How a scan reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The secondary key that is scanned; `None`: the primary index.
    pub(crate) secondary: Option<usize>,
    /// Whether rows come, not entries alone.
    pub(crate) whole_rows: bool,
    /// Whether the rows are locked.
    pub(crate) locks: bool,
}

impl Pushdown {
    /// Takes a condition for all scans, or for those through one key; `false` if
    /// no program can say it.
    pub(crate) fn add(&mut self, shape: &Shape, key: Option<usize>, condition: Condition) -> bool {
        let source = match key {
            Some(key) if Some(key) != shape.primary => Source::Entry(key),
            _ => Source::Row,
        };
        if compile(shape, source, std::slice::from_ref(&condition))
            .program
            .is_none()
        {
            return false;
        }
        self.compiled = None;
        match key {
            None => self.rows.push(condition),
            Some(key) => match &mut self.through_key {
                Some((of, conditions)) if *of == key => conditions.push(condition),
                through_key => *through_key = Some((key, vec![condition])),
            },
        }
        true
    }

    /// Forgets the conditions on all rows, or those on scans through one key.
    pub(crate) fn clear(&mut self, key: Option<usize>) {
        self.compiled = None;
        match key {
            Some(_) => self.through_key = None,
            None => self.rows.clear(),
        }
    }

    /// The statement is over.
    pub(crate) fn reset(&mut self) {
        self.rows.clear();
        self.through_key = None;
        self.compiled = None;
    }

    /// The programs for a scan; `None` if there is nothing to say.
    pub(crate) fn conditions(&mut self, shape: &Shape, reading: Reading) -> Option<Arc<Conditions>> {
        if self.rows.is_empty() && self.through_key.is_none() {
            return None;
        }
        if let Some((of, conditions)) = &self.compiled
            && *of == reading
        {
            return Some(Arc::clone(conditions));
        }
        let conditions = Arc::new(self.compile(shape, reading));
        self.compiled = Some((reading, Arc::clone(&conditions)));
        Some(conditions)
    }

    fn compile(&self, shape: &Shape, reading: Reading) -> Conditions {
        let through_key = self
            .through_key
            .iter()
            .filter(|(key, _)| reading.secondary == Some(*key))
            .flat_map(|(_, conditions)| conditions);
        let all: Vec<Condition> = self.rows.iter().chain(through_key).cloned().collect();
        let encode = |source| {
            let program = compile(shape, source, &all).program;
            program.map(|program| program.encode()).unwrap_or_default()
        };
        // The host judges a row that it locks by the row alone: the entry may
        // have changed while the lock was waited for.
        let entry = match reading.secondary {
            Some(key) if !reading.locks => encode(Source::Entry(key)),
            _ => Vec::new(),
        };
        let row = match reading.whole_rows {
            true => encode(Source::Row),
            false => Vec::new(),
        };
        Conditions {
            entry,
            row,
            summary: Vec::new(),
        }
    }
}

//! A program whose steps are given.

use super::{
    generator::{Source, Waiting},
    statement::Step,
};

/// A program: what its connections are like, and its steps.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) connections: usize,
    pub(super) waiting: Waiting,
    pub(super) settings: Vec<String>,
    pub(super) steps: Vec<Step>,
}

impl Program {
    /// The same with other steps.
    pub(super) fn with_steps(&self, steps: Vec<Step>) -> Self {
        Self {
            connections: self.connections,
            waiting: self.waiting,
            settings: self.settings.clone(),
            steps,
        }
    }
}

/// Gives a program's steps one after the other.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    program: &'a Program,
    next: usize,
}

impl<'a> Replay<'a> {
    pub(super) fn new(program: &'a Program) -> Self {
        Self { program, next: 0 }
    }
}

impl Source for Replay<'_> {
    fn connections(&self) -> usize {
        self.program.connections
    }

    fn waiting(&self) -> Waiting {
        self.program.waiting
    }

    fn settings(&self) -> &[String] {
        &self.program.settings
    }

    fn next(&mut self) -> Option<Step> {
        let step = self.program.steps.get(self.next).cloned();
        self.next += 1;
        step
    }

    fn learn(&mut self, _: bool) {}
}

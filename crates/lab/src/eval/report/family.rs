//! Families of cases: those that differ in one thing alone.

use crate::eval::arm::Bed;
use crate::eval::runs::Runs;
use crate::eval::sample::Case;

/// In what cases of a family differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vary {
    /// In the bytes of a row.
    RowSize,
    /// In connections.
    Connections,
    /// In guests.
    Guests,
}

/// Cases that differ in one thing alone, on one bed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Family<'a> {
    /// What they ran on.
    pub(super) bed: Bed,
    /// What they share; in what they differ is left open.
    pub(super) shared: Case,
    /// What each of them has, ascending, and the case.
    pub(super) members: Vec<(u32, &'a Case)>,
}

impl Vary {
    fn value(self, case: &Case) -> Option<u32> {
        match self {
            Self::RowSize => case.row_bytes,
            Self::Connections => Some(case.connections),
            Self::Guests => Some(case.guests),
        }
    }

    fn shared(self, case: &Case) -> Case {
        let mut shared = case.clone();
        match self {
            Self::RowSize => shared.row_bytes = None,
            Self::Connections => shared.connections = 0,
            Self::Guests => shared.guests = 0,
        }
        shared
    }

    /// All families with more than one case.
    pub(super) fn families(self, runs: &Runs) -> Vec<Family<'_>> {
        let mut families: Vec<Family<'_>> = Vec::new();
        for (bed, case) in runs.cases() {
            let Some(value) = self.value(case) else { continue };
            let shared = self.shared(case);
            match families
                .iter_mut()
                .find(|family| family.bed == bed && family.shared == shared)
            {
                Some(family) => family.members.push((value, case)),
                None => families.push(Family {
                    bed,
                    shared,
                    members: vec![(value, case)],
                }),
            }
        }
        families.retain(|family| family.members.len() > 1);
        for family in &mut families {
            family.members.sort_by_key(|member| member.0);
        }
        families
    }
}

impl Family<'_> {
    /// The arms that any of its cases ran on.
    pub(super) fn arms<'a>(&self, runs: &'a Runs) -> Vec<&'a str> {
        let mut arms: Vec<&str> = self
            .members
            .iter()
            .flat_map(|(_, case)| runs.arms(self.bed, case))
            .collect();
        arms.sort_unstable();
        arms.dedup();
        arms
    }
}

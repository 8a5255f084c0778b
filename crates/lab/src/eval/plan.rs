//! What an evaluation runs: which arms, with which cases, how often.

use super::{
    arm::Arm,
    recipe::Recipe,
    sample::{Case, Data},
    settings::Settings,
    sysbench::Extent,
};

/// Arms that are compared, and the cases that each of them runs after one start.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The arms; they take turns, and every other time in the opposite order.
    pub arms: Vec<Arm>,
    /// Their memory.
    pub settings: Settings,
    /// Whether that makes the data fit.
    pub data: Data,
    /// How many guests run at once.
    pub guests: usize,
    /// Whether the guests' instructions are counted, which slows them down.
    pub count_instructions: bool,
    /// What runs, in this order.
    pub cases: Vec<(Case, Extent)>,
}

/// A whole evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The data.
    pub recipe: Recipe,
    /// How often every arm is started afresh.
    pub repetitions: u32,
    /// What runs.
    pub groups: Vec<Group>,
}

/// One fresh start of an arm with all cases of its group.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// The group's place in the plan.
    pub group: usize,
    /// The arm.
    pub arm: Arm,
    /// From 0.
    pub repetition: u32,
}

impl Plan {
    /// The short form: what the goals need.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            recipe: Recipe {
                mib: 64,
                row_bytes: vec![64, 1024, 16384, 65536],
                ycsb: false,
                warehouses: 0,
                engine_mib: 16,
            },
            repetitions: 5,
            groups: vec![
                native(256, Data::Cached, 1.0, &[1, 16]),
                guests(
                    16,
                    &["innodb-blk", "myrocks-blk", "vamos"],
                    &[1024, 16384, 65536],
                    &[1, 100, 1000],
                    1,
                ),
            ],
        }
    }

    /// The long form.
    #[must_use]
    pub fn long() -> Self {
        Self {
            recipe: Recipe {
                mib: 256,
                row_bytes: vec![64, 256, 1024, 4096, 16384, 65536],
                ycsb: true,
                warehouses: 4,
                engine_mib: 64,
            },
            repetitions: 10,
            groups: vec![
                native(1024, Data::Cached, 10.0, &[1, 4, 16, 64]),
                native(64, Data::Large, 10.0, &[1, 4, 16, 64]),
                mixes(1024, Data::Cached, 10.0),
                mixes(64, Data::Large, 10.0),
                guests(
                    64,
                    GUEST_ARMS,
                    &[64, 256, 1024, 4096, 16384, 65536],
                    &[1, 10, 100, 1000],
                    5,
                ),
            ],
        }
    }

    /// Only these arms; groups without any of them are left out.
    pub fn keep_arms(&mut self, arms: &[Arm]) {
        for group in &mut self.groups {
            group.arms.retain(|arm| arms.contains(arm));
        }
        self.groups.retain(|group| !group.arms.is_empty());
    }

    /// Only cases whose workload has one of these names.
    pub fn keep_workloads(&mut self, names: &[String]) {
        for group in &mut self.groups {
            group.cases.retain(|(case, _)| names.contains(&case.workload));
        }
        self.groups.retain(|group| !group.cases.is_empty());
    }

    /// All starts in their order: arms interleaved as A B C, C B A, and so on, so
    /// that what drifts hits all alike.
    #[must_use]
    pub fn starts(&self) -> Vec<Start> {
        let mut starts = Vec::new();
        for repetition in 0..self.repetitions {
            for (group, content) in self.groups.iter().enumerate() {
                let mut arms = content.arms.clone();
                if repetition % 2 == 1 {
                    arms.reverse();
                }
                starts.extend(arms.into_iter().map(|arm| Start {
                    group,
                    arm,
                    repetition,
                }));
            }
        }
        starts
    }
}

/// sysbench's tests that the goals name.
pub const SYSBENCH: &[&str] = &[
    "oltp_point_select",
    "oltp_read_only",
    "oltp_read_write",
    "oltp_write_only",
    "oltp_update_index",
];

/// Every arm in a guest.
const GUEST_ARMS: &[&str] = &[
    "innodb-blk",
    "innodb-scsi",
    "innodb-nvme",
    "innodb-fs",
    "innodb-9p",
    "myrocks-blk",
    "myrocks-scsi",
    "myrocks-nvme",
    "myrocks-fs",
    "myrocks-9p",
    "vamos",
    "vamos-stream",
    "vamos-unpolled",
];

/// The three engines without a guest.
fn native(engine_mib: u32, data: Data, seconds: f64, connections: &[u32]) -> Group {
    let mut cases = Vec::new();
    let mut add = |workload: &str, row_bytes, rows, connections, extent| {
        let case = Case {
            workload: workload.to_owned(),
            row_bytes,
            rows,
            data,
            connections,
            guests: 0,
        };
        cases.push((case, extent));
    };
    let time = Extent::Seconds(seconds);
    for &connections in connections {
        for test in SYSBENCH {
            add(test, None, None, connections, time);
        }
    }
    add("rows_range", Some(64), Some(1000), 1, time);
    add("rows_scan", Some(64), None, 1, time);
    add("rows_load", Some(64), Some(50_000), 1, time);
    Group {
        arms: named(&["innodb", "myrocks", "vamos-unix"]),
        settings: Settings::with_engine_mib(engine_mib),
        data,
        guests: 0,
        count_instructions: false,
        cases,
    }
}

/// YCSB, the read-mostly mixes first, and the mix after TPC-C on the three engines
/// without a guest. What is inserted stays.
fn mixes(engine_mib: u32, data: Data, seconds: f64) -> Group {
    let case = |workload: &str| Case {
        workload: workload.to_owned(),
        row_bytes: None,
        rows: None,
        data,
        connections: 16,
        guests: 0,
    };
    Group {
        cases: ["ycsb_c", "ycsb_b", "ycsb_a", "ycsb_f", "ycsb_d", "ycsb_e", "tpcc"]
            .map(|workload| (case(workload), Extent::Seconds(seconds)))
            .into(),
        ..native(engine_mib, data, seconds, &[])
    }
}

/// VAMOS and its peers on virtio-blk, with a quarter of the memory that the data
/// would need. Under emulation everything is counted by work, not by time.
fn guests(engine_mib: u32, arms: &[&str], row_bytes: &[u32], ranges: &[u32], work: u64) -> Group {
    let data = Data::Large;
    let mut cases = Vec::new();
    let mut add = |workload: &str, row_bytes, rows, connections, events: u64| {
        let case = Case {
            workload: workload.to_owned(),
            row_bytes,
            rows,
            data,
            connections,
            guests: 1,
        };
        cases.push((case, Extent::Events(events * work)));
    };
    for &bytes in row_bytes {
        add("rows_point", Some(bytes), None, 1, 100);
        add("rows_update", Some(bytes), None, 1, 40);
    }
    for &rows in ranges {
        add(
            "rows_range",
            Some(1024),
            Some(rows),
            1,
            (400 / u64::from(rows)).clamp(5, 60),
        );
    }
    add("oltp_read_write", None, None, 16, 64);
    add("oltp_write_only", None, None, 16, 96);
    Group {
        arms: named(arms),
        settings: Settings::with_engine_mib(engine_mib),
        data,
        guests: 1,
        count_instructions: true,
        cases,
    }
}

fn named(names: &[&str]) -> Vec<Arm> {
    Arm::all().filter(|arm| names.contains(&arm.name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_take_turns_in_both_orders() {
        let mut plan = Plan::quick();
        plan.groups.truncate(1);
        plan.repetitions = 2;
        let names: Vec<&str> = plan.starts().iter().map(|start| start.arm.name()).collect();
        assert_eq!(
            names,
            [
                "innodb",
                "myrocks",
                "vamos-unix",
                "vamos-unix",
                "myrocks",
                "innodb"
            ]
        );
    }

    #[test]
    fn the_data_are_made_with_the_least_memory() {
        for plan in [Plan::quick(), Plan::long()] {
            let least = plan.groups.iter().map(|group| group.settings.engine_mib).min();
            assert_eq!(least, Some(plan.recipe.engine_mib));
        }
    }

    #[test]
    fn a_group_without_arms_is_gone() {
        let mut plan = Plan::quick();
        plan.keep_arms(&[]);
        assert!(plan.groups.is_empty());
    }
}

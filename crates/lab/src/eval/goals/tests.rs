use super::*;
use crate::eval::sample::{Cpu, Data, Instructions, Pair, Sample, Switches};

fn sample(bed: Bed, arm: &str, workload: &str, repetition: u32) -> Sample {
    Sample {
        bed,
        arm: arm.into(),
        case: Case {
            workload: workload.into(),
            row_bytes: None,
            rows: None,
            data: Data::Large,
            connections: 16,
            guests: u32::from(bed != Bed::Native),
        },
        repetition,
        requests: 1000,
        transactions: 1000,
        seconds: 1.0,
        latency: None,
        bytes: 0,
        switches: Some(Switches {
            kicks: 1000,
            interrupts: 1000,
            sleeps: 0,
        }),
        instructions: Some(Instructions {
            user: 1_000_000,
            kernel: 0,
        }),
        cpu: Cpu {
            vmm_us: 1000,
            ..Cpu::default()
        },
    }
}

/// Three repetitions of `change`d samples.
fn repeated(bed: Bed, arm: &str, workload: &str, change: impl Fn(&mut Sample)) -> Vec<Line> {
    (0..3)
        .map(|repetition| {
            let mut sample = sample(bed, arm, workload, repetition);
            change(&mut sample);
            Line::Sample(sample)
        })
        .collect()
}

fn goal<'a>(goals: &'a [Goal], words: &[&str]) -> &'a Goal {
    goals
        .iter()
        .find(|goal| words.iter().all(|word| goal.measure.contains(word)))
        .expect("such a goal")
}

#[test]
fn the_worst_test_is_the_figure() {
    let mut lines = repeated(Bed::Native, "myrocks", "oltp_point_select", |_| ());
    lines.extend(repeated(Bed::Native, "vamos-unix", "oltp_point_select", |s| {
        s.seconds = 0.5
    }));
    lines.extend(repeated(Bed::Native, "myrocks", "oltp_read_write", |_| ()));
    lines.extend(repeated(Bed::Native, "vamos-unix", "oltp_read_write", |s| {
        s.seconds = 1.25
    }));
    let goals = evaluate(&Runs::new(&lines));

    let every = goal(&goals, &["native", "every"]);
    assert_eq!((every.figure, every.met), (Some(0.8), Some(false)));
    assert!(
        every
            .note
            .contains("worst of 2, of which 1 reach it: oltp_read_write"),
        "{}",
        every.note
    );
    let point = goal(&goals, &["oltp_point_select", "16"]);
    assert_eq!(
        (point.figure, point.low, point.high, point.met),
        (Some(2.0), Some(2.0), Some(2.0), Some(true))
    );
    assert_eq!(goal(&goals, &["oltp_point_select", "1 connection,"]).met, None);
}

#[test]
fn in_a_guest_the_better_peer_counts_measure_by_measure() {
    let mut lines = repeated(Bed::Tcg, "innodb-blk", "tpcc", |s| s.cpu.vmm_us = 500);
    lines.extend(repeated(Bed::Tcg, "myrocks-blk", "tpcc", |s| {
        s.switches = Some(Switches {
            kicks: 400,
            interrupts: 100,
            sleeps: 7,
        });
    }));
    lines.extend(repeated(Bed::Tcg, "vamos", "tpcc", |s| {
        s.switches = Some(Switches {
            kicks: 30,
            interrupts: 20,
            sleeps: 9,
        });
        s.cpu = Cpu {
            worker_us: 400,
            guest_us: 9000,
            ..Cpu::default()
        };
        s.instructions = Some(Instructions {
            user: 750_000,
            kernel: 0,
        });
    }));
    let goals = evaluate(&Runs::new(&lines));
    let figure = |words: &[&str]| (goal(&goals, words).figure, goal(&goals, words).met);
    assert_eq!(
        figure(&["emulated", "switches", "better"]),
        (Some(0.1), Some(true))
    );
    assert_eq!(
        figure(&["emulated", "switches", "under load"]),
        (Some(0.05), Some(true))
    );
    assert_eq!(figure(&["emulated", "host CPU time"]), (Some(0.8), Some(false)));
    assert_eq!(
        figure(&["emulated", "instructions", "better"]),
        (Some(0.75), Some(true))
    );
    assert_eq!(
        figure(&["emulated", "instructions", "MyRocks"]),
        (Some(0.75), Some(false))
    );
    assert_eq!(figure(&["emulated", "run time"]), (None, None));
}

#[test]
fn every_row_size_from_1_kib_has_to_be_faster() {
    let mut lines = Vec::new();
    for (bytes, seconds) in [(64, 2.0), (1024, 0.5), (4096, 0.75)] {
        let sized = |arm, seconds| {
            repeated(Bed::Uml, arm, "rows_point", move |s| {
                s.case.row_bytes = Some(bytes);
                s.seconds = seconds;
            })
        };
        lines.extend(sized("innodb-blk", 1.0));
        lines.extend(sized("vamos", seconds));
    }
    let goals = evaluate(&Runs::new(&lines));
    let run_time: Vec<_> = goals
        .iter()
        .filter(|goal| goal.measure.contains("run time"))
        .collect();
    let figures: Vec<_> = run_time.iter().map(|goal| (goal.figure, goal.met)).collect();
    assert_eq!(
        figures,
        [(Some(0.5), Some(true)), (Some(0.75), Some(false))],
        "none for 64 B"
    );
    assert!(run_time[1].measure.contains("User-mode Linux") && run_time[1].measure.contains("4 KiB"));
}

#[test]
fn a_slope_comes_from_the_sizes_of_a_request_type() {
    let mut lines = Vec::new();
    for rows in [10, 100, 1000] {
        lines.extend(repeated(Bed::Tcg, "vamos", "rows_range", move |s| {
            (s.case.row_bytes, s.case.rows) = (Some(64), Some(rows));
            s.bytes = 1000 * 64 * u64::from(rows);
            s.switches = Some(Switches {
                kicks: u64::from(rows) * 1000 - 1000,
                ..Switches::default()
            });
        }));
    }
    let goals = evaluate(&Runs::new(&lines));
    let slope = goal(&goals, &["slope"]);
    assert!((slope.figure.expect("measured") - 1.0).abs() < 1e-9, "{slope:?}");
    assert_eq!(slope.met, Some(false));
}

#[test]
fn a_goal_without_rows_says_why() {
    let lines = [Line::NotRun {
        what: "iceoryx2".into(),
        why: "no processor to spare".into(),
    }];
    let goals = evaluate(&Runs::new(&lines));
    let iceoryx = goal(&goals, &["iceoryx2"]);
    assert_eq!((iceoryx.figure, iceoryx.met), (None, None));
    assert_eq!(iceoryx.note, "not measured: iceoryx2: no processor to spare");
    assert_eq!(
        goal(&goals, &["idle guest"]).note,
        "not measured: this run did not include it"
    );
    assert!(goals.iter().all(|goal| goal.met.is_none()));
}

#[test]
fn the_document_has_goals_and_raw_rows() {
    let pair = |ours| {
        Line::Pair(Pair {
            measure: "lane_round_trip".into(),
            peer: "cache_line".into(),
            repetition: 0,
            ours,
            theirs: 100.0,
            unit: "ns".into(),
        })
    };
    // A repetition that a resumed run measured again counts once, as the last.
    let text = to_json(&[pair(300.0), pair(120.0)]).expect("JSON");
    let document: serde_json::Value = serde_json::from_str(&text).expect("a document");
    assert_eq!(document["goals"][0]["figure"], 1.2);
    assert_eq!(document["goals"][0]["met"], true);
    assert_eq!(
        document["goals"][0]["low"],
        serde_json::Value::Null,
        "one repetition has no interval"
    );
    assert_eq!(document["goals"][1]["met"], serde_json::Value::Null);
    assert_eq!(document["raw"].as_array().map(Vec::len), Some(2));
}

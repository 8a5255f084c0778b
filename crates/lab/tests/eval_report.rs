//! The evaluation's report, drawn from rows that are made up: its numbers are
//! known. The page is left in the target directory (`tmp/eval_report.html`), to be
//! looked at.

#![allow(clippy::expect_used)] // helpers of tests, too

use std::path::PathBuf;

use vamos_lab::eval::arm::Bed;
use vamos_lab::eval::raw::{self, Writer};
use vamos_lab::eval::report;
use vamos_lab::eval::sample::{
    Case, Cpu, Data, Instructions, Latency, Line, Machine, Pair, Sample, Switches,
};

const REPETITIONS: u32 = 5;
/// What the machine does to all arms of a repetition alike.
const DRIFT: [f64; 5] = [1.0, 0.96, 1.03, 0.99, 1.06];

/// What a transaction of an arm costs.
#[derive(Clone, Copy)]
struct Cost {
    /// Microseconds of wall time.
    us: f64,
    /// Kicks, and as many interrupts.
    kicks: f64,
    user: f64,
    kernel: f64,
    host_us: f64,
    polling_us: f64,
}

fn sample(bed: Bed, arm: &str, case: &Case, bytes: u64, cost: Cost, repetition: u32) -> Line {
    let transactions = 10_000;
    let drift = DRIFT[repetition as usize];
    let total = |each: f64| (each * transactions as f64).round() as u64;
    let guest = bed != Bed::Native;
    let us = cost.us * drift / f64::from(case.connections.min(4) * case.guests.clamp(1, 2));
    Line::Sample(Sample {
        bed,
        arm: arm.into(),
        case: case.clone(),
        repetition,
        requests: transactions,
        transactions,
        seconds: us * transactions as f64 / 1e6,
        latency: Some(Latency {
            p50: us,
            p99: us * 3.0,
            p999: us * 8.0,
        }),
        bytes: bytes * transactions,
        switches: guest.then(|| Switches {
            kicks: total(cost.kicks),
            interrupts: total(cost.kicks),
            sleeps: 0,
        }),
        instructions: (bed == Bed::Tcg).then(|| Instructions {
            user: total(cost.user),
            kernel: total(cost.kernel),
        }),
        cpu: Cpu {
            guest_us: total(us * 0.6),
            vmm_us: if arm.contains("vamos") {
                0
            } else {
                total(cost.host_us)
            },
            worker_us: if arm.contains("vamos") {
                total(cost.host_us)
            } else {
                0
            },
            kernel_us: 0,
            polling_us: total(cost.polling_us),
            guest_polling_us: 0,
        },
    })
}

/// A blk device moves 16 KiB with a kick, and needs one for each; a window none.
fn cost(arm: &str, data: Data, bytes: f64) -> Cost {
    let pages = if data == Data::Large {
        1.0 + bytes / 16_384.0
    } else {
        0.0
    };
    let (wall, user) = match arm {
        "innodb-blk" | "innodb" => (200.0, 300_000.0),
        "myrocks-blk" | "myrocks" => (250.0, 360_000.0),
        "vamos-unpolled" => (150.0, 150_000.0),
        "vamos-stream" => (220.0, 190_000.0),
        _ => (100.0, 120_000.0),
    };
    let ours = arm.starts_with("vamos");
    let kicks = match arm {
        "vamos" | "vamos-unix" => 0.01,
        "vamos-unpolled" => 1.0,
        "vamos-stream" => 2.0,
        _ => pages,
    };
    Cost {
        us: wall + bytes / 500.0,
        kicks,
        user: user + bytes * 4.0,
        kernel: if ours {
            8_000.0
        } else {
            30_000.0 + 60_000.0 * pages
        },
        host_us: if ours {
            30.0 + bytes / 4000.0
        } else {
            60.0 * pages.max(0.05)
        },
        polling_us: if ours { 10.0 } else { 0.0 },
    }
}

fn case(workload: &str, data: Data, connections: u32, guests: u32) -> Case {
    Case {
        workload: workload.into(),
        row_bytes: None,
        rows: None,
        data,
        connections,
        guests,
    }
}

fn rows() -> Vec<Line> {
    let mut lines = vec![Line::Machine(Machine {
        processor: "Example <X>".into(),
        processors: 2,
        memory_mib: 8192,
        kernel: "6.1".into(),
        mariadb: "10.11.18".into(),
        qemu: Some("7.2".into()),
        vamos: "0.1.0".into(),
        settings: vec![("memory of the engine".into(), "64 MiB".into())],
    })];
    lines.push(Line::NotRun {
        what: "kvm".into(),
        why: "no /dev/kvm <script>".into(),
    });
    for repetition in 0..REPETITIONS {
        lines.extend(repeat(repetition));
    }
    lines
}

fn repeat(repetition: u32) -> Vec<Line> {
    let mut lines = Vec::new();
    for data in [Data::Large, Data::Cached] {
        for (bed, arms) in [
            (Bed::Tcg, ["innodb-blk", "myrocks-blk", "vamos"]),
            (Bed::Uml, ["innodb-blk", "myrocks-blk", "vamos"]),
        ] {
            for arm in arms {
                lines.extend(by_size(bed, arm, data, repetition));
            }
        }
        for arm in [
            "innodb-blk",
            "myrocks-blk",
            "innodb-scsi",
            "vamos",
            "vamos-unpolled",
            "vamos-stream",
        ] {
            for (workload, connections, guests) in [
                ("oltp_read_only", 1, 1),
                ("oltp_read_only", 4, 1),
                ("oltp_read_only", 16, 1),
                ("tpcc", 16, 1),
                ("oltp_read_only", 16, 2),
            ] {
                let case = case(workload, data, connections, guests);
                lines.push(sample(
                    Bed::Tcg,
                    arm,
                    &case,
                    0,
                    cost(arm, data, 20_000.0),
                    repetition,
                ));
            }
        }
        for (arm, factor) in [("innodb", 1.2), ("myrocks", 1.0), ("vamos-unix", 1.25)] {
            for (workload, connections) in [
                ("oltp_point_select", 1),
                ("oltp_point_select", 16),
                ("oltp_write_only", 1),
            ] {
                let mut cost = cost("myrocks", data, 0.0);
                cost.us *= factor;
                lines.push(sample(
                    Bed::Native,
                    arm,
                    &case(workload, data, connections, 0),
                    0,
                    cost,
                    repetition,
                ));
            }
        }
    }
    for (peer, theirs) in [("cache_line", 100.0), ("iceoryx2", 400.0)] {
        let drift = DRIFT[repetition as usize];
        lines.push(Line::Pair(Pair {
            measure: "lane_round_trip".into(),
            peer: peer.into(),
            repetition,
            ours: 130.0 * drift,
            theirs: theirs * drift,
            unit: "ns".into(),
        }));
    }
    lines
}

fn by_size(bed: Bed, arm: &str, data: Data, repetition: u32) -> Vec<Line> {
    let mut lines = Vec::new();
    for bytes in [64, 256, 1024, 4096, 16_384, 65_536] {
        for (workload, rows) in [
            ("rows_point", None),
            ("rows_range", Some(1)),
            ("rows_range", Some(100)),
            ("rows_scan", None),
        ] {
            let all = u64::from(bytes)
                * match workload {
                    "rows_scan" => 20_000,
                    _ => u64::from(rows.unwrap_or(1)),
                };
            let case = Case {
                row_bytes: Some(bytes),
                rows,
                ..case(workload, data, 1, 1)
            };
            lines.push(sample(
                bed,
                arm,
                &case,
                all,
                cost(arm, data, all as f64),
                repetition,
            ));
        }
    }
    lines
}

/// Writes the rows and draws the page.
fn draw(name: &str) -> String {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (raw, html) = (
        dir.join(format!("{name}.jsonl")),
        dir.join(format!("{name}.html")),
    );
    let _ = std::fs::remove_file(&raw);
    let mut writer = Writer::open(&raw).expect("a raw file");
    for line in rows() {
        writer.append(&line).expect("append");
    }
    assert_eq!(
        raw::read(&raw).expect("read").len(),
        rows().len(),
        "the raw file keeps every row"
    );
    report::write(&raw, &html).expect("a page");
    std::fs::read_to_string(&html).expect("the page")
}

/// The cells of the row of the page whose first cell is this.
fn row<'a>(page: &'a str, first: &str) -> Vec<&'a str> {
    let (_, rest) = page.split_once(&format!("<td>{first}</td>")).expect("such a row");
    let (row, _) = rest.split_once("</tr>").expect("the row's end");
    row.split("</td>")
        .map(|cell| cell.trim_start_matches("<td>"))
        .filter(|cell| !cell.is_empty())
        .collect()
}

#[test]
fn the_page_says_what_the_rows_say() {
    let page = draw("eval_report_numbers");

    // Drift is shared by arms of a repetition and cancels out of every ratio.
    let lane = row(&page, "lane round trip, 64 B, against a bare cache line");
    assert_eq!(
        lane,
        ["at most 1.5", "1.30 [1.30, 1.30]", "yes", "130 ns against 100 ns"]
    );
    let native = row(
        &page,
        "native, oltp_point_select, 16 connections, rate against MyRocks",
    );
    assert_eq!(
        native[..3],
        ["at least 0.9", "0.800 [0.800, 0.800]", "no"],
        "a miss is shown"
    );
    let unmeasured = row(
        &page,
        "native, oltp_read_only, 16 connections, rate against MyRocks",
    );
    assert_eq!(
        unmeasured[1..],
        ["-", "-", "not measured: this run did not include it"]
    );

    // innodb-blk needs 2 (1 + 20000 / 16384) switches, VAMOS 0.02.
    let tpcc = row(
        &page,
        "guest (QEMU, emulated), switches a transaction under load (16 connections or more), with polling",
    );
    assert_eq!(tpcc[..3], ["below 0.1", "0.020 [0.020, 0.020]", "yes"]);
    let slope = row(
        &page,
        "guest (User-mode Linux), slope of switches against bytes, ranges and scans",
    );
    assert_eq!(slope[..3], ["below 0.05", "0 [0, 0]", "yes"]);

    let uncounted = row(
        &page,
        "guest (User-mode Linux), guest user instructions a transaction, against MyRocks on virtio-blk",
    );
    assert_eq!(
        uncounted[3],
        "not measured: it is not counted on this bed (User-mode Linux)"
    );

    // 1 KiB: a point read takes 200 + 1024 / 500 us with InnoDB, 100 + 1024 / 500 us
    // with VAMOS; of all requests the scan gains least, and is the figure.
    let scan = 1024.0 * 20_000.0 / 500.0;
    let worst = format!("{:.3}", (100.0 + scan) / (200.0 + scan));
    let size = row(
        &page,
        "guest (User-mode Linux), run time, against the better on virtio-blk, rows of 1 KiB",
    );
    assert_eq!(
        size[..3],
        ["at most 0.68", &format!("{worst} [{worst}, {worst}]"), "no"]
    );
    assert!(size[3].contains("rows_scan 1 KiB"), "{}", size[3]);
}

#[test]
fn the_page_is_complete_and_safe() {
    let page = draw("eval_report");
    for heading in [
        "What an operation costs, by row size",
        "Run time by row size",
        "Switches of a request, by the bytes it returns",
        "Scaling with connections",
        "Scaling with guests",
        "What each optimisation contributes",
        "Where the beds disagree",
    ] {
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    assert!(
        !page.contains("No rows for this were measured"),
        "every section has a figure"
    );
    assert!(
        !page.contains("NaN") && !page.contains("inf"),
        "no figure is broken"
    );
    assert!(
        page.contains("no /dev/kvm &lt;script&gt;") && !page.contains("<script"),
        "text is escaped"
    );
    let addresses = page.matches("http").count();
    assert_eq!(
        addresses,
        page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count(),
        "no network"
    );
    for bed in [Bed::Tcg, Bed::Uml, Bed::Native] {
        assert!(page.contains(bed.bias()), "the bias of {bed:?} is told");
    }
}

#[test]
fn the_terminal_shows_the_same_in_110_columns() {
    let text = report::terminal(&rows());
    assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
    assert!(text.contains("1.30 [1.30, 1.30]"), "{text}");
    assert!(text.contains("oltp_point_select, 4 x cache - native"), "{text}");
    assert!(text.contains("no /dev/kvm"), "{text}");
}

#[test]
fn nothing_measured_is_a_page_too() {
    let page = report::page(&[]).expect("a page");
    assert!(page.contains("0 of 0 measured goals are met"), "{page}");
    assert!(page.contains("No rows for this were measured"), "{page}");
}

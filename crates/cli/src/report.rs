//! The status as a person reads it.

use comfy_table::{CellAlignment, Table, presets};
use std::fmt::Write;
use vamos_host::status::{GuestStatus, Measure, Status, WorkerStatus};

/// A table of all guests, then what each worker says.
pub(crate) fn report(status: &Status) -> String {
    let mut text = format!(
        "vamosd {}, process {}, up {}\n\n{}\n",
        status.version,
        status.pid,
        duration(status.uptime_s),
        overview(&status.guests)
    );
    for guest in &status.guests {
        text.push('\n');
        text.push_str(&details(guest));
    }
    text.trim_end().to_owned()
}

fn overview(guests: &[GuestStatus]) -> Table {
    let mut table = table(&[
        "guest",
        "state",
        "process",
        "restarts",
        "lanes",
        "requests",
        "bells in",
        "bells out",
        "CPU s",
        "memory",
    ]);
    for guest in guests {
        let worker = guest.worker.as_ref();
        let number = |value: Option<u64>| value.map_or("-".into(), count);
        table.add_row([
            guest.name.clone(),
            guest.state.as_str().into(),
            guest.pid.map_or("-".into(), |pid| pid.to_string()),
            count(guest.restarts),
            worker.map_or("-".into(), |worker| {
                format!("{}/{}", worker.lanes.open, worker.lanes.most)
            }),
            number(worker.map(|worker| worker.traffic.messages_in)),
            number(worker.map(|worker| worker.traffic.doorbells_in)),
            number(worker.map(|worker| worker.traffic.doorbells_out)),
            worker.map_or("-".into(), |worker| {
                format!("{}.{:02}", worker.cpu_ms / 1000, worker.cpu_ms % 1000 / 10)
            }),
            guest.memory_bytes.map_or("-".into(), bytes),
        ]);
    }
    align_right(&mut table, 2);
    table
}

fn details(guest: &GuestStatus) -> String {
    let mut text = format!("{}: {}, window {}\n", guest.name, guest.listen, guest.window);
    if let Some(end) = &guest.last_end {
        let _ = writeln!(text, "  last end   the worker {end}");
    }
    match &guest.worker {
        Some(worker) => text.push_str(&worker_details(worker)),
        None => text.push_str("  (no worker answers now)\n"),
    }
    text
}

fn worker_details(worker: &WorkerStatus) -> String {
    let (traffic, lanes, runtime) = (&worker.traffic, &worker.lanes, &worker.runtime);
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<10} {value}");
    };
    line(
        "lanes",
        format!(
            "{} open of {}, {} opened, {} refused, {} failed in the handshake; up {}",
            lanes.open,
            lanes.most,
            count(lanes.accepted),
            count(lanes.refused),
            count(lanes.failed),
            duration(worker.uptime_s)
        ),
    );
    line(
        "traffic",
        format!(
            "in {} messages, {} frames, {}; out {} messages, {} frames, {}",
            count(traffic.messages_in),
            count(traffic.frames_in),
            bytes(traffic.bytes_in),
            count(traffic.messages_out),
            count(traffic.frames_out),
            bytes(traffic.bytes_out)
        ),
    );
    line(
        "doorbells",
        format!(
            "{} received, {} rung, {} not needed",
            count(traffic.doorbells_in),
            count(traffic.doorbells_out),
            count(traffic.doorbells_suppressed)
        ),
    );
    line(
        "threads",
        format!(
            "{} ms of CPU, {} ms polling in vain; slept {} times, {} of them by a timer",
            count(worker.cpu_ms),
            count(runtime.poll_us / 1000),
            count(runtime.sleeps),
            count(runtime.timed_sleeps)
        ),
    );
    line("sandbox", sandbox(&worker.sandbox));
    for module in &worker.modules {
        let requests: Vec<_> = module
            .requests
            .iter()
            .map(|(name, number)| format!("{name} {}", count(*number)))
            .collect();
        line(&module.name, or_none(requests.join(", ")));
        line("", state(&module.state));
    }
    text
}

fn sandbox(measures: &[Measure]) -> String {
    let part = |in_force: bool| {
        let names: Vec<_> = measures
            .iter()
            .filter(|measure| measure.in_force == in_force)
            .map(|measure| measure.name.as_str())
            .collect();
        names.join(", ")
    };
    let (there, missing) = (part(true), part(false));
    match missing.is_empty() {
        true => there,
        false => format!("{}; not in force: {missing}", or_none(there)),
    }
}

/// A module's own state: its fields as words. Fields in bytes are told by their
/// names.
fn state(state: &serde_json::Value) -> String {
    let Some(fields) = state.as_object() else {
        return state.to_string();
    };
    let field = |(name, value): (&String, &serde_json::Value)| {
        let in_bytes = name.contains("bytes");
        let name = name.replace("_bytes", "").replace('_', " ");
        match (value.as_u64(), value.as_bool()) {
            (Some(0), _) | (_, Some(false)) => None,
            (Some(number), _) if in_bytes => Some(format!("{name} {}", bytes(number))),
            (Some(number), _) => Some(format!("{name} {}", count(number))),
            (_, Some(true)) => Some(name.to_uppercase()),
            _ => Some(format!("{name} {value}")),
        }
    };
    or_none(fields.iter().filter_map(field).collect::<Vec<_>>().join(", "))
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".into() } else { text }
}

pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header.to_vec());
    table
}

pub(crate) fn align_right(table: &mut Table, from: usize) {
    for column in table.column_iter_mut().skip(from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// A number with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn bytes(number: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{number} B"),
        _ => format!("{value:.1} {}", units[unit]),
    }
}

fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vamos_host::status::GuestState;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(0), "0");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(1000), "1000 B");
        assert_eq!(duration(59), "59 s");
        assert_eq!(duration(90_000), "1 d 1 h");
    }

    #[test]
    fn a_guest_without_worker_is_shown_with_its_last_end() {
        let status = Status {
            version: "1".into(),
            pid: 7,
            uptime_s: 1,
            guests: vec![GuestStatus {
                name: "web".into(),
                listen: "unix:/w".into(),
                window: "memfd".into(),
                state: GuestState::Waiting,
                pid: None,
                memory_bytes: None,
                restarts: 3,
                last_end: Some("was killed by signal 9 (SIGKILL)".into()),
                worker: None,
            }],
        };
        let text = report(&status);
        assert!(text.contains("waiting") && text.contains("SIGKILL"), "{text}");
    }
}

//! The status in Prometheus' text format: every number of it, named by where it
//! stands (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use anyhow::Result;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use vamos_host::status::{GuestState, Status};

/// Samples of each metric: labels and value.
type Samples = BTreeMap<String, Vec<(String, f64)>>;

/// All metrics.
pub(crate) fn metrics(status: &Status) -> Result<String> {
    let mut samples = Samples::new();
    add(&mut samples, "vamosd_uptime_s", "", status.uptime_s as f64);
    for guest in &status.guests {
        let label = format!("guest=\"{}\"", guest.name);
        let running = f64::from(u8::from(guest.state == GuestState::Running));
        add(&mut samples, "vamos_guest_running", &label, running);
        add(
            &mut samples,
            "vamos_guest_restarts",
            &label,
            guest.restarts as f64,
        );
        if let Some(bytes) = guest.memory_bytes {
            add(&mut samples, "vamos_guest_memory_bytes", &label, bytes as f64);
        }
        let Some(worker) = &guest.worker else { continue };
        for (part, value) in [
            (
                "worker",
                serde_json::json!({"uptime_s": worker.uptime_s, "cpu_ms": worker.cpu_ms}),
            ),
            ("lanes", serde_json::to_value(worker.lanes)?),
            ("traffic", serde_json::to_value(worker.traffic)?),
            ("runtime", serde_json::to_value(worker.runtime)?),
        ] {
            add_all(&mut samples, &format!("vamos_{part}"), &label, &value);
        }
        for module in &worker.modules {
            add_all(
                &mut samples,
                &format!("vamos_{}", module.name),
                &label,
                &module.state,
            );
            for (request, count) in &module.requests {
                let label = format!("{label},request=\"{request}\"");
                let name = format!("vamos_{}_requests", module.name);
                add(&mut samples, &name, &label, *count as f64);
            }
        }
    }
    Ok(text(&samples))
}

fn add(samples: &mut Samples, name: &str, labels: &str, value: f64) {
    let samples = samples.entry(name.to_owned()).or_default();
    samples.push((labels.to_owned(), value));
}

/// Adds the numbers and the truths among an object's fields.
fn add_all(samples: &mut Samples, prefix: &str, labels: &str, object: &Value) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let number = value
            .as_f64()
            .or(value.as_bool().map(|truth| f64::from(u8::from(truth))));
        if let Some(number) = number {
            add(samples, &format!("{prefix}_{name}"), labels, number);
        }
    }
}

fn text(samples: &Samples) -> String {
    let mut text = String::new();
    for (name, samples) in samples {
        // What only grows cannot be told from what does not by its name.
        let _ = writeln!(text, "# TYPE {name} untyped");
        for (labels, value) in samples {
            let _ = match labels.is_empty() {
                true => writeln!(text, "{name} {value}"),
                false => writeln!(text, "{name}{{{labels}}} {value}"),
            };
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vamos_host::status::GuestStatus;

    #[test]
    fn numbers_have_their_place_and_their_guest_in_their_names() {
        let guest = |name: &str, state, worker: Value| GuestStatus {
            name: name.into(),
            listen: "unix:/w".into(),
            window: "memfd".into(),
            state,
            pid: None,
            memory_bytes: None,
            restarts: 3,
            last_end: None,
            worker: serde_json::from_value(worker).unwrap_or(None),
        };
        let worker = serde_json::json!({
            "uptime_s": 5, "cpu_ms": 7, "sandbox": [],
            "lanes": {"open": 2, "most": 9, "accepted": 0, "refused": 0, "failed": 0},
            "traffic": serde_json::to_value(vamos_host::status::Traffic::default()).unwrap_or_default(),
            "runtime": {"task_runs": 0, "sleeps": 0, "timed_sleeps": 0, "poll_us": 0, "tasks": 0},
            "modules": [{"name": "store", "requests": {"Get": 4}, "state": {"stalled": true, "commits": 8}}]
        });
        let status = Status {
            version: "1".into(),
            pid: 7,
            uptime_s: 1,
            guests: vec![
                guest("web", GuestState::Running, worker),
                guest("db", GuestState::Waiting, Value::Null),
            ],
        };
        let text = metrics(&status).unwrap_or_default();
        for line in [
            "vamosd_uptime_s 1",
            "vamos_guest_running{guest=\"web\"} 1",
            "vamos_guest_running{guest=\"db\"} 0",
            "vamos_guest_restarts{guest=\"db\"} 3",
            "vamos_lanes_open{guest=\"web\"} 2",
            "vamos_store_stalled{guest=\"web\"} 1",
            "vamos_store_requests{guest=\"web\",request=\"Get\"} 4",
        ] {
            assert!(
                text.lines().any(|there| there == line),
                "{line} is not in\n{text}"
            );
        }
    }
}

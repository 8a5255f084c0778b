//! Exits of a guest with hardware virtualization, from KVM's own statistics. QEMU
//! alone can read them, and tells them over its monitor (query-stats, since 7.1).

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// The longest that QEMU may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// QEMU's options for a monitor on this socket.
pub(super) fn qemu_args(socket: &Path) -> [String; 2] {
    let socket = socket.display();
    ["-qmp".to_owned(), format!("unix:{socket},server=on,wait=off")]
}

/// The exits of all virtual processors so far.
pub(super) fn read(socket: &Path) -> Result<u64> {
    let answer = ask(
        socket,
        &json!({"execute": "query-stats", "arguments": {
            "target": "vcpu", "providers": [{"provider": "kvm", "names": ["exits"]}]
        }}),
    )?;
    sum(&answer).with_context(|| format!("KVM counts no exits: {answer}"))
}

/// Sums the statistic of all virtual processors; none if no one has it.
fn sum(answer: &Value) -> Option<u64> {
    let processors = answer.as_array()?.iter();
    let stats = processors.filter_map(|processor| processor.get("stats")?.as_array());
    let exits: Vec<u64> = stats
        .flatten()
        .filter(|stat| stat.get("name").and_then(Value::as_str) == Some("exits"))
        .filter_map(|stat| stat.get("value")?.as_u64())
        .collect();
    (!exits.is_empty()).then(|| exits.iter().sum())
}

/// Gives a command to QEMU's monitor and returns its answer.
fn ask(socket: &Path, command: &Value) -> Result<Value> {
    let stream = UnixStream::connect(socket).context("cannot connect to QEMU's monitor")?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut result = Value::Null;
    // A monitor takes commands after a greeting and the end of its negotiation.
    for command in [&json!({"execute": "qmp_capabilities"}), command] {
        writeln!(&stream, "{command}").context("cannot ask QEMU's monitor")?;
        result = loop {
            let line = lines.next().context("QEMU's monitor has gone")??;
            let mut answer: Value = serde_json::from_str(&line).context("QEMU's monitor speaks no JSON")?;
            if let Some(error) = answer.get("error") {
                bail!("QEMU refuses {command}: {error}");
            }
            // Anything else is the greeting or an event.
            if let Some(result) = answer.get_mut("return") {
                break result.take();
            }
        };
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::net::UnixListener, thread};

    #[test]
    fn exits_of_all_processors_are_summed() {
        let dir = tempfile::tempdir().expect("tempdir");
        let socket = dir.path().join("qmp");
        let listener = UnixListener::bind(&socket).expect("bind");
        let monitor = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("accept");
            let mut lines = BufReader::new(&stream).lines();
            writeln!(&stream, r#"{{"QMP": {{"version": {{}}}}}}"#).expect("greet");
            let first = lines.next().expect("line").expect("read");
            assert!(first.contains("qmp_capabilities"), "{first}");
            writeln!(&stream, r#"{{"return": {{}}}}"#).expect("answer");
            let second = lines.next().expect("line").expect("read");
            assert!(second.contains("query-stats"), "{second}");
            writeln!(&stream, r#"{{"event": "RTC_CHANGE"}}"#).expect("event");
            let one = r#"{"provider": "kvm", "stats": [{"name": "exits", "value": 21}]}"#;
            writeln!(&stream, r#"{{"return": [{one}, {one}]}}"#).expect("answer");
        });
        assert_eq!(read(&socket).expect("exits"), 42);
        monitor.join().expect("monitor");
    }

    #[test]
    fn without_kvm_there_are_none() {
        assert_eq!(sum(&json!([])), None);
        assert_eq!(sum(&json!([{"stats": [{"name": "halt", "value": 1}]}])), None);
    }
}

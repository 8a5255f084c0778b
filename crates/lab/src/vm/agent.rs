//! The host's end of the port through which commands go to the guest.
//!
//! What is said on it is described in `guest/vamos-agent`.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// What a script in the guest printed, and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its exit status; 124 if it took too long.
    pub status: i32,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// The standard output of a script that succeeded; `script` names it in the
    /// error otherwise.
    ///
    /// # Errors
    /// If it failed: with its standard error.
    pub fn success(self, script: &str) -> Result<String> {
        let begin: String = script.chars().take(300).collect();
        let stderr = String::from_utf8_lossy(&self.stderr);
        match self.status {
            0 => Ok(String::from_utf8_lossy(&self.stdout).into_owned()),
            124 => bail!("the guest took too long for: {begin}\n{stderr}"),
            status => bail!("the guest failed with status {status} in: {begin}\n{stderr}"),
        }
    }
}

/// A connection to the guest's agent.
#[derive(Debug)]
pub(super) struct Agent {
    stream: UnixStream,
    received: Vec<u8>,
}

impl Agent {
    pub(super) fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)
            .with_context(|| format!("cannot connect to the agent's port {}", socket.display()))?;
        Ok(Self {
            stream,
            received: Vec::new(),
        })
    }

    /// Waits for the agent's greeting, as long as the guest is alive.
    pub(super) fn wait_ready(&mut self, limit: Duration, mut alive: impl FnMut() -> bool) -> Result<()> {
        let end = Instant::now() + limit;
        loop {
            let step = Instant::now() + Duration::from_millis(500);
            match self.line(step.min(end)) {
                Ok(line) if line == "ready" => return Ok(()),
                Ok(line) => bail!("the guest's agent greets with {line:?} instead of \"ready\""),
                Err(error) if Instant::now() >= end || !alive() => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// Sends a script for which no answer is awaited.
    pub(super) fn post(&mut self, script: &str) -> Result<()> {
        self.send(script, b"", Duration::from_secs(3600))
    }

    /// Runs a script and waits for its answer.
    pub(super) fn run(&mut self, script: &str, input: &[u8], limit: Duration) -> Result<Output> {
        self.send(script, input, limit)?;
        // The guest itself ends a script that takes too long.
        let end = Instant::now() + limit + Duration::from_secs(30);
        let line = self.line(end)?;
        let (status, stdout, stderr) = parse_answer(&line)
            .with_context(|| format!("the guest's agent answers {line:?}, which is no answer"))?;
        Ok(Output {
            status,
            stdout: self.bytes(stdout, end)?,
            stderr: self.bytes(stderr, end)?,
        })
    }

    fn send(&mut self, script: &str, input: &[u8], limit: Duration) -> Result<()> {
        let seconds = limit.as_secs().max(1);
        let mut request = format!("{} {} {seconds}\n", script.len(), input.len()).into_bytes();
        request.extend_from_slice(script.as_bytes());
        request.extend_from_slice(input);
        self.stream
            .write_all(&request)
            .context("cannot send a command to the guest")
    }

    fn line(&mut self, end: Instant) -> Result<String> {
        loop {
            if let Some(at) = self.received.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=at).collect();
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            self.receive(end)?;
        }
    }

    fn bytes(&mut self, count: usize, end: Instant) -> Result<Vec<u8>> {
        while self.received.len() < count {
            self.receive(end)?;
        }
        Ok(self.received.drain(..count).collect())
    }

    fn receive(&mut self, end: Instant) -> Result<()> {
        let left = end
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1));
        self.stream
            .set_read_timeout(Some(left))
            .context("cannot set a time limit on the agent's port")?;
        let mut buffer = [0; 65536];
        match self.stream.read(&mut buffer) {
            Ok(0) => bail!("the guest is gone"),
            Ok(count) => self.received.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if Instant::now() >= end {
                    bail!("the guest does not answer");
                }
            }
            Err(error) => return Err(error).context("cannot read from the agent's port"),
        }
        Ok(())
    }
}

fn parse_answer(line: &str) -> Option<(i32, usize, usize)> {
    let mut fields = line.split(' ');
    let answer = (
        fields.next()?.parse().ok()?,
        fields.next()?.parse().ok()?,
        fields.next()?.parse().ok()?,
    );
    fields.next().is_none().then_some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Agent, UnixStream) {
        let (stream, guest) = UnixStream::pair().expect("socket pair");
        (
            Agent {
                stream,
                received: Vec::new(),
            },
            guest,
        )
    }

    #[test]
    fn a_request_has_its_sizes_before_it() {
        let (mut agent, mut guest) = pair();
        agent.send("cat", b"<a\n", Duration::from_secs(10)).expect("send");
        drop(agent);
        let mut request = String::new();
        guest.read_to_string(&mut request).expect("read");
        assert_eq!(request, "3 3 10\ncat<a\n");
    }

    #[test]
    fn outputs_are_split_by_their_sizes() {
        let (mut agent, mut guest) = pair();
        guest.write_all(b"3 5 1\na\nb\0c!").expect("write");
        let output = agent.run("x", b"", Duration::from_secs(1)).expect("run");
        assert_eq!(output.status, 3);
        assert_eq!(output.stdout, b"a\nb\0c");
        assert_eq!(output.stderr, b"!");
    }

    #[test]
    fn a_lost_guest_is_an_error_and_no_hang() {
        let (mut agent, guest) = pair();
        drop(guest);
        assert!(agent.run("x", b"", Duration::from_secs(1)).is_err());
    }

    #[test]
    fn answers_are_checked() {
        assert_eq!(parse_answer("0 12 0"), Some((0, 12, 0)));
        assert_eq!(parse_answer("0 12"), None);
        assert_eq!(parse_answer("0 12 0 1"), None);
        assert_eq!(parse_answer("0 -1 0"), None);
    }
}

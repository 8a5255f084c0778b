//! Where the host is: settings, the one client of this server, and its status.

use parking_lot::Mutex;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use vamos_guest::{Client, Config, Endpoint, LaneCounters};

/// The settings as the server's variables have them.
#[derive(Clone, Debug)]
pub(crate) struct HostSettings {
    pub(crate) endpoint: String,
    pub(crate) window: String,
    pub(crate) token_file: String,
    pub(crate) poll_budget_us: u64,
}

static CLIENT: Mutex<Option<Arc<Client>>> = Mutex::new(None);

/// Reads an endpoint.
pub(crate) fn parse_endpoint(text: &str) -> Result<Endpoint, String> {
    text.parse().map_err(|error| format!("vamos_endpoint: {error}"))
}

/// Takes settings over: for the connections that come.
pub(crate) fn configure(settings: &HostSettings) -> Result<(), String> {
    let config = config(settings)?;
    let mut client = CLIENT.lock();
    match &*client {
        Some(client) => client.set_config(config),
        None => *client = Some(Client::new(config)),
    }
    Ok(())
}

fn config(settings: &HostSettings) -> Result<Config, String> {
    let mut config = Config::new(parse_endpoint(&settings.endpoint)?);
    config.window = (!settings.window.is_empty()).then(|| PathBuf::from(&settings.window));
    config.poll_budget = Duration::from_micros(settings.poll_budget_us);
    if !settings.token_file.is_empty() {
        let token = std::fs::read(&settings.token_file)
            .map_err(|error| format!("vamos_token_file: cannot read {}: {error}", settings.token_file))?;
        config.token = token.trim_ascii().to_vec();
    }
    Ok(config)
}

/// The client that all sessions of this server share.
pub(crate) fn client() -> Arc<Client> {
    let mut client = CLIENT.lock();
    // The plugin's start has set it; a default keeps this total.
    Arc::clone(client.get_or_insert_with(|| {
        Client::new(Config::new(Endpoint::Unix(PathBuf::from(
            "/run/vamos/vamos.sock",
        ))))
    }))
}

/// What the way to the host is like and what it has done.
pub(crate) struct Status {
    pub(crate) totals: LaneCounters,
    pub(crate) open_lanes: usize,
    pub(crate) connects: u64,
    pub(crate) rows_rejected: u64,
    pub(crate) mode: &'static str,
    pub(crate) endpoint: String,
    window: Option<PathBuf>,
    no_window: Option<String>,
    poll_budget: Duration,
}

/// The status of now.
pub(crate) fn status() -> Status {
    let client = client();
    let config = client.config();
    let no_window = client.no_window();
    Status {
        totals: client.totals(),
        open_lanes: client.open_lanes(),
        connects: client.connects(),
        rows_rejected: client.rows_rejected(),
        mode: match (client.connects(), &no_window) {
            (0, _) => "unconnected",
            (_, None) => "window",
            (_, Some(_)) => "stream",
        },
        endpoint: config.endpoint.to_string(),
        window: config.window.clone(),
        no_window,
        poll_budget: config.poll_budget,
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = &self.totals;
        writeln!(f, "HOST")?;
        writeln!(f, "  endpoint              {}", self.endpoint)?;
        if let Some(window) = &self.window {
            writeln!(f, "  window device         {}", window.display())?;
        }
        writeln!(f, "  mode                  {}", self.mode)?;
        if let (true, Some(reason)) = (self.connects > 0, &self.no_window) {
            writeln!(f, "  no window because     {reason}")?;
        }
        writeln!(f, "  polling bound         {} us", self.poll_budget.as_micros())?;
        writeln!(f, "CONNECTIONS")?;
        writeln!(f, "  open lanes            {}", self.open_lanes)?;
        writeln!(f, "  connects since start  {}", self.connects)?;
        writeln!(f, "CHANNEL")?;
        writeln!(
            f,
            "  messages              {} sent, {} received",
            totals.messages_sent, totals.messages_received
        )?;
        writeln!(
            f,
            "  frames                {} sent, {} received",
            totals.frames_sent, totals.frames_received
        )?;
        writeln!(
            f,
            "  bytes                 {} sent, {} received",
            totals.bytes_sent, totals.bytes_received
        )?;
        writeln!(
            f,
            "  doorbells             {} rung, {} not needed, {} received",
            totals.doorbells_rung, totals.doorbells_suppressed, totals.doorbells_received
        )?;
        writeln!(f, "  sleeps                {}", totals.sleeps)?;
        write!(f, "  polling time          {} us", totals.poll_nanos / 1000)
    }
}

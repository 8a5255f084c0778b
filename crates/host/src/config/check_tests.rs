//! What a configuration is refused for, and in which words.

use super::{Config, EXAMPLE, Guest};
use std::path::Path;

fn error(text: &str) -> String {
    Config::parse(text).unwrap_err().to_string()
}

fn guest(lines: &str) -> String {
    format!("[[guest]]\nname = \"web\"\nlisten = \"unix:/run/w\"\n{lines}")
}

#[test]
fn the_example_parses_and_shows_every_key() {
    let config = Config::parse(EXAMPLE).unwrap();
    assert!(config.guests.len() >= 2);
    let mut all = serde_json::to_value(&config.guests[0]).unwrap();
    all.as_object_mut().unwrap().extend(
        serde_json::to_value(&config.global)
            .unwrap()
            .as_object()
            .unwrap()
            .clone(),
    );
    for key in all.as_object().unwrap().keys() {
        assert!(EXAMPLE.contains(&format!("{key} = ")), "{key} is missing");
    }
}

#[test]
fn defaults_fill_what_is_left_out() {
    let config = Config::parse(&guest("")).unwrap();
    assert_eq!(config.guests[0], Guest::new("web", "unix:/run/w"));
    assert_eq!(
        config.guests[0].store_dir(&config.global),
        Path::new("/var/lib/vamos/web")
    );
    assert_eq!(config.global.status_socket(), Path::new("/run/vamos/status.sock"));
}

#[test]
fn errors_name_the_key_and_what_it_may_be() {
    for (lines, key, may_be) in [
        ("requestring = 1", "requestring", "expected one of"),
        (
            "request_ring = \"5KiB\"",
            "guest.web.request_ring",
            "power of two",
        ),
        ("request_ring = \"many\"", "request_ring", "KiB"),
        ("window = \"shared\"", "window", "memfd"),
        ("threads = 0", "guest.web.threads", "1 to 64"),
        ("cache = 1", "guest.web.cache", "1MiB to"),
        ("memory_limit = \"64MiB\"", "guest.web.memory_limit", "at least"),
        ("store = \"here\"", "guest.web.store", "absolute"),
        ("allowed_cids = [3]", "guest.web.allowed_cids", "use allowed_uids"),
        ("max_lanes = 0", "guest.web.max_lanes", "1 to 4096"),
        ("max_lanes = 1000", "guest.web.max_lanes", "raise window_lanes"),
        ("max_lanes = 16", "guest.web.max_lanes", "lower window_lanes"),
    ] {
        let error = error(&guest(lines));
        assert!(error.contains(key) && error.contains(may_be), "{lines}: {error}");
    }
}

#[test]
fn over_vsock_users_are_not_looked_at() {
    let text = guest("window = \"none\"\nallowed_uids = [0]").replace("unix:/run/w", "vsock:ANY:7000");
    let error = error(&text);
    assert!(
        error.contains("guest.web.allowed_uids") && error.contains("use allowed_cids"),
        "{error}"
    );
}

#[test]
fn a_window_says_how_many_lanes_there_are() {
    for (lines, lanes) in [
        ("", 256),
        ("window_lanes = 16", 16),
        ("window_lanes = 16\nmax_lanes = 16", 16),
        ("window = \"none\"\nmax_lanes = 1000", 1000),
        ("window = \"none\"\nmax_lanes = 8", 8),
    ] {
        let config = Config::parse(&guest(lines)).unwrap();
        assert_eq!(config.guests[0].most_lanes(), lanes, "{lines}");
    }
}

#[test]
fn guests_share_no_store_and_no_endpoint() {
    let twice = guest("") + &guest("store = \"/s\"");
    assert!(error(&twice).contains("guest.web.name"));
    let other = guest("").replace("web", "other");
    assert!(error(&(guest("") + &other)).contains("guest.other.listen"));
}

#[test]
fn a_configuration_without_guests_is_refused() {
    assert!(error("").contains("[[guest]]"));
}

#[test]
fn an_endpoint_that_is_none_is_refused() {
    let text = guest("").replace("unix:/run/w", "tcp:80");
    assert!(error(&text).contains("guest.web.listen"));
    let text = guest("").replace("unix:/run/w", "vsock:ANY:7000");
    assert!(error(&text).contains("guest.web.window"));
}

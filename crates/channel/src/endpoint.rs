//! Where a lane's socket is: parsed from what users write in settings.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The address of a stream socket, to listen on or to connect to.
///
/// ```
/// use vamos_channel::Endpoint;
///
/// let endpoint: Endpoint = "vsock:2:5000".parse()?;
/// assert_eq!(endpoint, Endpoint::Vsock { cid: Some(2), port: 5000 });
/// assert_eq!(endpoint.to_string(), "vsock:2:5000");
/// # Ok::<(), vamos_channel::EndpointError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `unix:/path`: a Unix stream socket. A host listens on `<path>_<port>`
    /// to receive what the guest of a Firecracker, a Cloud Hypervisor or a
    /// vhost-device-vsock sends to that port of CID 2.
    Unix(PathBuf),
    /// `vsock:CID:PORT`: an AF_VSOCK stream socket.
    Vsock {
        /// The context id; `None`, written `ANY`, only to listen on.
        cid: Option<u32>,
        /// The port.
        port: u32,
    },
}

/// A text that is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The part before the first colon is not a transport.
    #[error("endpoint {text:?} has no known transport: write unix:/path/to.sock or vsock:CID:PORT")]
    UnknownTransport {
        /// What was parsed.
        text: String,
    },
    /// A Unix path is empty, too long for the kernel, or has a zero byte.
    #[error(
        "endpoint {text:?} needs a path of 1 to {max} bytes without a zero byte after unix:",
        max = MAX_UNIX_PATH
    )]
    BadPath {
        /// What was parsed.
        text: String,
    },
    /// A vsock address is not `CID:PORT`.
    #[error(
        "endpoint {text:?} must be vsock:CID:PORT with numbers below 4294967295, or vsock:ANY:PORT to listen"
    )]
    BadVsock {
        /// What was parsed.
        text: String,
    },
}

/// The kernel's `sun_path` is 108 bytes with its final zero.
const MAX_UNIX_PATH: usize = 107;

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        match text.split_once(':') {
            Some(("unix", path)) => parse_unix(text, path),
            Some(("vsock", address)) => parse_vsock(text, address),
            _ => Err(EndpointError::UnknownTransport {
                text: text.to_owned(),
            }),
        }
    }
}

fn parse_unix(text: &str, path: &str) -> Result<Endpoint, EndpointError> {
    if path.is_empty() || path.len() > MAX_UNIX_PATH || path.contains('\0') {
        return Err(EndpointError::BadPath {
            text: text.to_owned(),
        });
    }
    Ok(Endpoint::Unix(PathBuf::from(path)))
}

fn parse_vsock(text: &str, address: &str) -> Result<Endpoint, EndpointError> {
    let bad = || EndpointError::BadVsock {
        text: text.to_owned(),
    };
    // u32::MAX is the kernel's "any" for both; here it has a word of its own.
    let number = |s: &str| s.parse().ok().filter(|&n: &u32| n != u32::MAX).ok_or_else(bad);
    let (cid, port) = address.split_once(':').ok_or_else(bad)?;
    let cid = if cid == "ANY" { None } else { Some(number(cid)?) };
    Ok(Endpoint::Vsock {
        cid,
        port: number(port)?,
    })
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Vsock { cid: Some(cid), port } => write!(f, "vsock:{cid}:{port}"),
            Self::Vsock { cid: None, port } => write!(f, "vsock:ANY:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_survives_a_round_trip() {
        for text in [
            "unix:/run/vamos.sock",
            "unix:rel_5000",
            "vsock:2:5000",
            "vsock:ANY:1",
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_its_text() {
        let long = format!("unix:/{}", "x".repeat(107));
        for text in [
            "",
            "unix",
            "unix:",
            "tcp:1:2",
            "vsock:2",
            "vsock:x:1",
            "vsock:2:-1",
            "vsock:1:4294967295",
            &long,
        ] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}

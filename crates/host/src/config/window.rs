//! Which window a guest gets, as the configuration says it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a guest's window lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WindowSetting {
    /// A sealed memfd, passed over the Unix socket: for guests on the same
    /// kernel (containers, tests).
    #[default]
    Memfd,
    /// No window: frames travel in the stream.
    None,
    /// The file that backs the virtual machine's NVDIMM or virtio-pmem device.
    File(PathBuf),
}

/// A text that is no [`WindowSetting`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no window; it may be \"memfd\", \"none\" or \"file:/absolute/path\"")]
pub struct WindowError(String);

impl FromStr for WindowSetting {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        match (text, text.strip_prefix("file:")) {
            ("memfd", _) => Ok(Self::Memfd),
            ("none", _) => Ok(Self::None),
            (_, Some(path)) if path.starts_with('/') => Ok(Self::File(path.into())),
            _ => Err(WindowError(text.to_owned())),
        }
    }
}

impl fmt::Display for WindowSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memfd => f.write_str("memfd"),
            Self::None => f.write_str("none"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl Serialize for WindowSetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WindowSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_windows() {
        for text in ["memfd", "none", "file:/dev/shm/w"] {
            assert_eq!(text.parse::<WindowSetting>().unwrap().to_string(), text);
        }
        for text in ["", "file:relative", "memfd:x"] {
            assert!(
                text.parse::<WindowSetting>()
                    .unwrap_err()
                    .to_string()
                    .contains("may be")
            );
        }
    }
}

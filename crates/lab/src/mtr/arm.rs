//! The engines that take the tests.

/// An engine that takes the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arm {
    /// The oracle: what it prints is right.
    InnoDb,
    /// Ours, over the `unix` transport.
    Vamos,
    /// The peer: Debian's `mariadb-plugin-rocksdb`.
    MyRocks,
}

impl Arm {
    /// The engine's name in SQL.
    #[must_use]
    pub fn engine(self) -> &'static str {
        match self {
            Self::InnoDb => "InnoDB",
            Self::Vamos => "VAMOS",
            Self::MyRocks => "ROCKSDB",
        }
    }

    /// What mariadbd needs to have the engine.
    pub(super) fn server_args(self) -> Vec<String> {
        let args: &[&str] = match self {
            Self::InnoDb => &[],
            Self::Vamos => &["--plugin-maturity=experimental", "--plugin-load-add=ha_vamos.so"],
            Self::MyRocks => &[
                "--plugin-maturity=experimental",
                "--plugin-load-add=ha_rocksdb.so",
            ],
        };
        args.iter().map(|arg| (*arg).to_owned()).collect()
    }
}

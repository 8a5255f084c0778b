//! An apt configuration of our own beside the machine's.
//!
//! It has the machine's Debian archives with their sources added, its own lists
//! and its own cache, so that sources and exact versions can be downloaded
//! without altering `/etc/apt`.

use std::{
    cmp::Ordering,
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{command, packages, paths};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// An archive that apt knows: where it is and which release of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Archive {
    /// The archive's address.
    pub(crate) uri: String,
    /// The release in it, such as `bookworm-security`.
    pub(crate) release: String,
    /// The component of it, such as `main`.
    pub(crate) component: String,
}

impl Archive {
    /// The machine's own Debian archives, in a stable order.
    pub(crate) fn of_this_machine() -> Result<Vec<Self>> {
        if packages::lists_are_empty()? {
            packages::update()?;
        }
        let targets = command::output(
            Command::new("apt-get").args([
                "indextargets",
                "--format",
                "$(ORIGIN)\t$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)",
                "Created-By: Packages",
            ]),
            "ask apt for the machine's archives",
        )?;
        let archives = debian_archives(&targets);
        if archives.is_empty() {
            bail!("apt knows no Debian archive on this machine: add one to /etc/apt/sources.list");
        }
        Ok(archives)
    }

    /// A line of sources.list of the given type (`deb` or `deb-src`).
    pub(crate) fn line(&self, kind: &str) -> String {
        let signed = if Path::new(KEYRING).exists() {
            format!("[signed-by={KEYRING}] ")
        } else {
            String::new()
        };
        format!(
            "{kind} {signed}{} {} {}\n",
            self.uri, self.release, self.component
        )
    }
}

fn debian_archives(index_targets: &str) -> Vec<Archive> {
    let archives: BTreeSet<Archive> = index_targets
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t').map(str::to_owned);
            (fields.next()? == "Debian").then_some(())?;
            Some(Archive {
                uri: fields.next()?,
                release: fields.next()?,
                component: fields.next()?,
            })
        })
        .collect();
    archives.into_iter().collect()
}

/// apt with a configuration of its own.
#[derive(Debug)]
pub(crate) struct PrivateApt {
    dir: PathBuf,
}

impl PrivateApt {
    /// Sets it up below `dir` and fetches its package lists.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        let archives = Archive::of_this_machine()?;
        for sub in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.join(sub))
                .with_context(|| format!("cannot create {}", dir.join(sub).display()))?;
        }
        let sources: String = archives
            .iter()
            .flat_map(|archive| [archive.line("deb"), archive.line("deb-src")])
            .collect();
        fs::write(dir.join("sources.list"), sources)
            .with_context(|| format!("cannot write {}/sources.list", dir.display()))?;
        let apt = Self {
            dir: dir.to_path_buf(),
        };
        println!("lab: fetching Debian's package lists with sources");
        command::run(
            apt.command("apt-get").args(["-q", "update"]),
            "fetch Debian's source lists",
        )?;
        Ok(apt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, value) in [
            ("Dir::Etc::sourcelist", self.dir.join("sources.list")),
            ("Dir::Etc::sourceparts", PathBuf::from("-")),
            ("Dir::State::lists", self.dir.join("lists")),
            ("Dir::Cache", self.dir.join("cache")),
            // All that we fetch goes to a directory of root's.
            ("APT::Sandbox::User", PathBuf::from("root")),
        ] {
            command.arg("-o").arg(format!("{name}={}", value.display()));
        }
        command
    }

    /// The versions of which the binary package `binary` and the source package
    /// `source` are both listed, highest first.
    pub(crate) fn versions(&self, source: &str, binary: &str) -> Result<Vec<String>> {
        let ask = |name: &str| {
            command::output(
                self.command("apt-cache").args(["madison", name]),
                "ask apt for versions",
            )
        };
        let sources = versions_in(&ask(source)?, "Sources");
        let mut both: Vec<String> = versions_in(&ask(binary)?, "Packages")
            .into_iter()
            .filter(|version| sources.contains(version))
            .collect();
        both.sort_by(|a, b| compare_versions(b, a));
        Ok(both)
    }

    /// Downloads the files of a source package into `dir`.
    pub(crate) fn download_source(&self, name: &str, version: &str, dir: &Path) -> Result<()> {
        command::run(
            self.command("apt-get").current_dir(dir).args([
                "-q",
                "source",
                "--download-only",
                &format!("{name}={version}"),
            ]),
            &format!("download the source of {name} {version}"),
        )
    }

    /// Downloads binary packages of one version into `dir`.
    pub(crate) fn download(&self, names: &[&str], version: &str, dir: &Path) -> Result<()> {
        command::run(
            self.command("apt-get")
                .current_dir(dir)
                .args(["-q", "download"])
                .args(names.iter().map(|name| format!("{name}={version}"))),
            &format!("download {} {version}", names.join(" ")),
        )
    }

    /// Downloads the newest version of a binary package into `dir` and returns
    /// the package files there.
    pub(crate) fn download_newest(&self, name: &str, dir: &Path) -> Result<Vec<PathBuf>> {
        command::run(
            self.command("apt-get")
                .current_dir(dir)
                .args(["-q", "download", name]),
            &format!("download {name}"),
        )?;
        paths::files_ending(dir, ".deb")
    }

    /// The packages that a package depends on.
    pub(crate) fn dependencies(&self, name: &str) -> Result<Vec<String>> {
        let answer = command::output(
            self.command("apt-cache").args(["depends", "--important", name]),
            &format!("ask apt what {name} depends on"),
        )?;
        let names = answer
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "));
        Ok(names.map(str::to_owned).collect())
    }
}

/// Takes the versions from `apt-cache madison`'s answer whose index is `kind`.
fn versions_in(madison: &str, kind: &str) -> BTreeSet<String> {
    madison
        .lines()
        .filter(|line| line.trim_end().ends_with(kind))
        .filter_map(|line| Some(line.split('|').nth(1)?.trim().to_owned()))
        .collect()
}

fn compare_versions(a: &str, b: &str) -> Ordering {
    let is = |operator: &str| {
        Command::new("dpkg")
            .args(["--compare-versions", a, operator, b])
            .status()
            .is_ok_and(|status| status.success())
    };
    if is("lt") {
        Ordering::Less
    } else if is("gt") {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_debians_own_and_each_once() {
        let targets = "Debian\tA\tbookworm\tmain\nOther\tB\tx\tmain\nDebian\tA\tbookworm\tmain\n";
        let found = debian_archives(targets);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].release, "bookworm");
    }

    #[test]
    fn versions_are_taken_by_kind_of_index() {
        let madison = " mariadb | 1:10.11.18-0 | A bookworm/main Sources\n \
                       mariadb | 1:10.11.19-0 | A security/main Sources\n \
                       mariadb | 2 | A bookworm/main amd64 Packages\n";
        assert_eq!(versions_in(madison, "Sources").len(), 2);
        assert_eq!(
            versions_in(madison, "Packages").first().map(String::as_str),
            Some("2")
        );
    }

    #[test]
    fn versions_compare_as_debian_does() {
        assert_eq!(compare_versions("1:10.11.9-0", "1:10.11.18-0"), Ordering::Less);
        assert_eq!(compare_versions("1.0", "1.0~rc1"), Ordering::Greater);
    }
}

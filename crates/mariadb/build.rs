//! Compiles the handler shim with MariaDB's headers and links it whole into
//! the plugin.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

fn main() {
    let mariadb = Mariadb::find().unwrap_or_else(|message| {
        eprintln!("{message}");
        process::exit(1);
    });
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let generated = out.join("generated");
    if let Err(error) = mariadb.generate(&generated) {
        eprintln!("cannot make probes_mysql_nodtrace.h: {error}");
        process::exit(1);
    }
    compile(&mariadb, &generated);
    link(&mariadb);
}

/// Where MariaDB's files are.
struct Mariadb {
    source: PathBuf,
    headers: PathBuf,
    services: PathBuf,
}

impl Mariadb {
    fn find() -> Result<Self, String> {
        for name in [
            "VAMOS_MARIADB_SOURCE",
            "VAMOS_MARIADB_DEV",
            "VAMOS_MARIADB_CLIENT_DEV",
        ] {
            println!("cargo:rerun-if-env-changed={name}");
        }
        let found = fetched();
        let part = |name: &str, below: &str| {
            env::var_os(name)
                .map(PathBuf::from)
                .or_else(|| found.as_ref().map(|dir| dir.join(below)))
        };
        let (Some(source), Some(dev), Some(client_dev)) = (
            part("VAMOS_MARIADB_SOURCE", "source"),
            part("VAMOS_MARIADB_DEV", "dev"),
            part("VAMOS_MARIADB_CLIENT_DEV", "client-dev"),
        ) else {
            return Err(missing("nothing under target/lab/"));
        };
        let this = Self {
            headers: dev.join("usr/include/mariadb/server"),
            services: client_dev.join("usr/lib/x86_64-linux-gnu"),
            source,
        };
        for file in [
            this.source.join("sql/handler.h"),
            this.headers.join("my_config.h"),
            this.services.join("libmysqlservices.a"),
        ] {
            if !file.exists() {
                return Err(missing(&format!("{} is not there", file.display())));
            }
        }
        Ok(this)
    }

    /// The probe macros, which MariaDB's own build makes from a template.
    fn generate(&self, dir: &Path) -> std::io::Result<()> {
        fs::create_dir_all(dir)?;
        fs::copy(
            self.source.join("include/probes_mysql_nodtrace.h.in"),
            dir.join("probes_mysql_nodtrace.h"),
        )?;
        Ok(())
    }
}

fn missing(what: &str) -> String {
    format!(
        "MariaDB's headers were not found ({what}).\n\
         Fetch them with `cargo xtask build`, or set VAMOS_MARIADB_SOURCE (the source tree),\n\
         VAMOS_MARIADB_DEV (libmariadbd-dev, unpacked by dpkg-deb -x) and\n\
         VAMOS_MARIADB_CLIENT_DEV (libmariadb-dev, unpacked likewise)."
    )
}

/// The newest MariaDB that the laboratory has fetched.
fn fetched() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let mut found: Vec<PathBuf> = fs::read_dir(workspace.join("target/lab"))
        .ok()?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("mariadb-") && !name.ends_with(".partial") && path.is_dir()
        })
        .collect();
    found.sort();
    found.pop()
}

fn compile(mariadb: &Mariadb, generated: &Path) {
    println!("cargo:rerun-if-changed=shim");
    cc::Build::new()
        .cpp(true)
        .std("gnu++17")
        .files([
            "shim/handler.cc",
            "shim/estimate.cc",
            "shim/ranges.cc",
            "shim/rows.cc",
            "shim/alter.cc",
            "shim/condition.cc",
            "shim/create.cc",
            "shim/summary.cc",
            "shim/discover.cc",
            "shim/engine.cc",
            "shim/foreign_keys.cc",
            "shim/foreign_create.cc",
            "shim/foreign_rows.cc",
            "shim/server.cc",
            "shim/information_schema.cc",
            "shim/lock_views.cc",
            "shim/upkeep.cc",
            "shim/two_phase.cc",
            "shim/variables.cc",
        ])
        // The server was built without assertions; the layout of its classes
        // depends on these.
        .define("HAVE_CONFIG_H", None)
        .define("MYSQL_DYNAMIC_PLUGIN", None)
        .define("DBUG_OFF", None)
        .define("HAVE_OPENSSL", None)
        .include(mariadb.source.join("include"))
        .include(mariadb.source.join("sql"))
        .include(mariadb.source.join("wsrep-lib/include"))
        .include(mariadb.source.join("wsrep-lib/wsrep-API/v26"))
        .include(generated)
        .flag("-isystem")
        .flag(mariadb.headers.display().to_string())
        .opt_level(2)
        // MariaDB's headers are not ours to mend.
        .warnings(false)
        .flag("-Wno-invalid-offsetof")
        .cargo_metadata(false)
        .compile("vamos_shim");
}

fn link(mariadb: &Mariadb) {
    let out = env::var("OUT_DIR").unwrap_or_default();
    let here = env!("CARGO_MANIFEST_DIR");
    println!("cargo:rustc-link-search=native={out}");
    println!("cargo:rustc-link-lib=static:+whole-archive=vamos_shim");
    println!("cargo:rustc-link-search=native={}", mariadb.services.display());
    println!("cargo:rustc-link-lib=static=mysqlservices");
    println!("cargo:rustc-link-lib=dylib=stdc++");
    // What the server looks up: the declarations, and the service pointers,
    // which it overwrites at load.
    println!("cargo:rerun-if-changed=shim/exports.map");
    println!("cargo:rustc-cdylib-link-arg=-Wl,--version-script={here}/shim/exports.map");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,ha_vamos.so");
}

//! Links the system's librocksdb, or says what to install; and compiles the one
//! function that its C interface lacks (shim/verify.cc).

use std::path::{Path, PathBuf};
use std::process::Command;

const LIBRARY: &str = "librocksdb.so";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=ROCKSDB_LIB_DIR");
    println!("cargo:rerun-if-changed=shim");
    println!("cargo:rerun-if-env-changed=ROCKSDB_INCLUDE_DIR");
    if let Some(sources) = std::env::var_os("DEP_ROCKSDB_CARGO_MANIFEST_DIR") {
        // librocksdb-sys links RocksDB itself.
        compile_shim(Some(Path::new(&sources).join("rocksdb/include")), "c++20");
        return;
    }
    let Some(directory) = library_directory() else {
        eprintln!(
            "error: {LIBRARY} was not found. Install the Debian package that has it \
             (apt-get install librocksdb-dev), or name its directory in ROCKSDB_LIB_DIR, \
             or build with --features vamos-rocks/bundled, which compiles RocksDB itself."
        );
        std::process::exit(1);
    };
    compile_shim(
        std::env::var_os("ROCKSDB_INCLUDE_DIR").map(PathBuf::from),
        "c++17",
    );
    println!("cargo:rustc-link-search=native={}", directory.display());
    println!("cargo:rustc-link-lib=dylib=rocksdb");
}

fn compile_shim(include: Option<PathBuf>, standard: &str) {
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std(standard)
        .file("shim/verify.cc")
        .warnings(false);
    if let Some(include) = include {
        build.include(include);
    }
    build.compile("vamos_rocks_shim");
}

fn library_directory() -> Option<PathBuf> {
    if let Some(directory) = std::env::var_os("ROCKSDB_LIB_DIR") {
        return Some(PathBuf::from(directory)).filter(|d| d.join(LIBRARY).exists());
    }
    asked_of_compiler().or_else(|| {
        let machine = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
        [
            format!("/usr/lib/{machine}-linux-gnu"),
            "/usr/lib64".to_owned(),
            "/usr/lib".to_owned(),
            "/usr/local/lib".to_owned(),
        ]
        .into_iter()
        .map(PathBuf::from)
        .find(|directory| directory.join(LIBRARY).exists())
    })
}

/// The C compiler knows the system's library directories; it prints the bare
/// name back if the library is in none of them.
fn asked_of_compiler() -> Option<PathBuf> {
    let output = Command::new("cc")
        .arg(format!("-print-file-name={LIBRARY}"))
        .output()
        .ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    path.is_absolute().then(|| path.parent().map(Path::to_owned))?
}

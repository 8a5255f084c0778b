//! Fetches the pinned MariaDB and prints the environment that builds the engine.

use anyhow::Result;
use vamos_lab::mariadb_files::MariadbFiles;

fn main() -> Result<()> {
    let files = MariadbFiles::fetch()?;
    for (name, value) in files.build_env() {
        println!("export {name}={}", value.display());
    }
    Ok(())
}

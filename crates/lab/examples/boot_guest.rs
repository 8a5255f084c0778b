//! Builds the guest image and boots it.

use std::time::Instant;

use anyhow::Result;
use vamos_lab::{image::GuestImage, mariadb_files::MariadbFiles};

fn main() -> Result<()> {
    let begin = Instant::now();
    let files = MariadbFiles::fetch()?;
    let image = GuestImage::build(&files)?;
    println!("image in {:?}: {}", begin.elapsed(), image.root().display());
    Ok(())
}

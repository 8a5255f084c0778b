//! Draws the report of an evaluation from its raw file:
//! `cargo run -p vamos-lab --example eval_report -- RAW.jsonl OUT.html`.

use std::path::Path;

use anyhow::{Result, bail};
use vamos_lab::eval::{raw, report};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [raw_file, html] = arguments.as_slice() else {
        bail!("usage: eval_report RAW.jsonl OUT.html")
    };
    report::write(Path::new(raw_file), Path::new(html))?;
    print!("{}", report::terminal(&raw::read(Path::new(raw_file))?));
    println!("The page is {html}.");
    Ok(())
}

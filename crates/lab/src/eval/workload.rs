//! What a case is for sysbench.

use anyhow::{Result, bail};

use super::{
    arm::Engine,
    recipe::{Recipe, sysbench_options},
    sample::Case,
    sysbench::{Extent, Load},
    tpcc,
};

/// The load of a case.
///
/// # Errors
/// If there is no such workload, or the data have no table for it.
pub fn load(case: &Case, engine: Engine, recipe: &Recipe, extent: Extent, seed: u64) -> Result<Load> {
    let load = |script: &str, options| Load {
        script: script.to_owned(),
        threads: case.connections,
        extent,
        options,
        seed,
    };
    match case.workload.split_once('_') {
        Some(("oltp", _)) => Ok(load(&case.workload, sysbench_options(recipe, engine))),
        None if case.workload == "tpcc" && recipe.warehouses > 0 => Ok(load("tpcc", tpcc_options(recipe))),
        Some(("ycsb", mix)) if recipe.ycsb => Ok(load("ycsb", ycsb_options(mix, recipe, seed))),
        Some(("rows", mode)) => Ok(load("rows", rows_options(case, mode, engine, recipe, seed)?)),
        _ => bail!("there is no workload {:?}", case.workload),
    }
}

fn tpcc_options(recipe: &Recipe) -> Vec<(String, String)> {
    [
        ("warehouses", recipe.warehouses),
        ("districts", tpcc::DISTRICTS),
        ("customers", tpcc::CUSTOMERS),
        ("items", tpcc::ITEMS),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_string()))
    .into()
}

/// The first number of the rows that a run inserts: no other run's, and 1,000,000 for
/// each connection.
fn first(seed: u64) -> String {
    ((seed + 1) * 100_000_000).to_string()
}

fn ycsb_options(mix: &str, recipe: &Recipe, seed: u64) -> Vec<(String, String)> {
    let rows = recipe.ycsb_rows().to_string();
    [
        ("mix", mix.to_owned()),
        ("table_rows", rows),
        ("first", first(seed)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn rows_options(
    case: &Case,
    mode: &str,
    engine: Engine,
    recipe: &Recipe,
    seed: u64,
) -> Result<Vec<(String, String)>> {
    let bytes = case.row_bytes.unwrap_or(1024);
    let made_anew = mode == "load";
    if !made_anew && !recipe.row_bytes.contains(&bytes) {
        bail!("the data have no rows of {bytes} bytes");
    }
    let options = [
        ("mode", mode.to_owned()),
        ("table", format!("r{bytes}")),
        ("table_rows", recipe.rows(bytes).to_string()),
        ("row_bytes", bytes.to_string()),
        ("rows", case.rows.unwrap_or(1).to_string()),
        ("first", first(seed)),
        ("engine", engine.sql_name().to_owned()),
    ];
    Ok(options.map(|(name, value)| (name.to_owned(), value)).into())
}

/// Bytes of rows' payload that one transaction of a case returns or sends; 0 where
/// that is not its subject.
#[must_use]
pub fn payload_bytes(case: &Case, recipe: &Recipe) -> u64 {
    let Some(bytes) = case.row_bytes else { return 0 };
    let rows = match case.workload.as_str() {
        "rows_scan" => recipe.rows(bytes),
        "rows_range" | "rows_load" => case.rows.unwrap_or(1),
        _ => 1,
    };
    u64::from(rows) * u64::from(bytes)
}

//! What was measured: a line of JSON for each round, and a table at the end.

use anyhow::Result;
use serde::Serialize;

/// A figure with its peer's, as the laboratory reads it (`vamos_lab::eval::sample::Pair`).
#[derive(Serialize)]
struct Pair<'a> {
    measure: &'a str,
    peer: &'a str,
    repetition: usize,
    ours: f64,
    theirs: f64,
    unit: &'a str,
}

/// All rounds of one measure with one peer.
#[derive(Debug)]
struct Measure {
    name: &'static str,
    peer: &'static str,
    unit: &'static str,
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    measures: Vec<Measure>,
}

impl Report {
    /// Adds a round and prints its line.
    pub(crate) fn add(
        &mut self,
        (name, peer, unit): (&'static str, &'static str, &'static str),
        ours: f64,
        theirs: f64,
    ) -> Result<()> {
        let found = self
            .measures
            .iter()
            .position(|measure| (measure.name, measure.peer) == (name, peer));
        let at = found.unwrap_or_else(|| {
            self.measures.push(Measure {
                name,
                peer,
                unit,
                ours: Vec::new(),
                theirs: Vec::new(),
            });
            self.measures.len() - 1
        });
        let measure = &mut self.measures[at];
        let pair = Pair {
            measure: name,
            peer,
            repetition: measure.ours.len(),
            ours,
            theirs,
            unit,
        };
        println!("{}", serde_json::to_string(&pair)?);
        measure.ours.push(ours);
        measure.theirs.push(theirs);
        Ok(())
    }

    /// Medians with the smallest and largest; ratios are those of each round.
    pub(crate) fn print_table(&self) {
        eprintln!(
            "{:<22}{:<12}{:>36}{:>36}{:>30}",
            "measure", "peer", "ours", "the peer's", "ratio"
        );
        for measure in &self.measures {
            let ratios: Vec<f64> = measure
                .ours
                .iter()
                .zip(&measure.theirs)
                .map(|(ours, theirs)| ours / theirs)
                .collect();
            eprintln!(
                "{:<22}{:<12}{:>36}{:>36}{:>30}",
                measure.name,
                measure.peer,
                spread(&measure.ours, measure.unit),
                spread(&measure.theirs, measure.unit),
                spread(&ratios, ""),
            );
        }
    }
}

fn spread(values: &[f64], unit: &str) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
        return String::new();
    };
    let median = sorted[sorted.len() / 2];
    let digits = match median {
        0.1..10.0 => 3,
        10.0.. => 0,
        _ => 6,
    };
    let text = format!("{median:.digits$} [{least:.digits$} .. {most:.digits$}] {unit}");
    text.trim_end().to_owned()
}

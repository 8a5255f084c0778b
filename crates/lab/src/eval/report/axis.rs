//! An axis: where a value lies on it, and its ticks.
//!
//! Ticks are our own, so that sizes and counts are labelled as they were measured.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::number::short;

/// What a logarithmic axis has beyond its values, in powers of ten.
const MARGIN: f64 = 0.12;

/// An axis.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// What it shows, with its unit.
    pub(super) title: String,
    /// Where it begins and ends: values, or on a logarithmic axis their logarithms.
    ends: (f64, f64),
    /// At which values ticks are, and what they say.
    ticks: Vec<(f64, String)>,
    logarithmic: bool,
}

impl Axis {
    /// From 0 to past the largest value.
    pub(super) fn linear(title: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let most = values.into_iter().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|part| part * 10f64.powf((most / 10.0).log10().floor()))
            .into_iter()
            .find(|step| most / step <= 6.0)
            .unwrap_or(most);
        let ticks = (0..=(most / step) as u32).map(|n| f64::from(n) * step);
        Self::places(
            title,
            (0.0, most * 1.08),
            ticks.map(|tick| (tick, tick_label(tick))).collect(),
        )
    }

    /// Logarithmic around these values, with as many ticks in each power of ten as
    /// there is room for.
    pub(super) fn log(title: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let ends = log_ends(values);
        let parts: &[f64] = match ends.1 - ends.0 {
            powers if powers > 3.0 => &[1.0],
            powers if powers > 1.3 => &[1.0, 2.0, 5.0],
            _ => &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0],
        };
        let powers = ends.0.floor() as i32..=ends.1.ceil() as i32;
        let ticks = powers
            .flat_map(|power| parts.iter().map(move |part| part * 10f64.powi(power)))
            .filter(|tick| (ends.0..=ends.1).contains(&tick.log10()))
            .map(|tick| (tick, tick_label(tick)))
            .collect();
        let logarithmic = true;
        Self {
            title: title.into(),
            ends,
            ticks,
            logarithmic,
        }
    }

    /// Logarithmic, with a tick at each of these values.
    pub(super) fn log_at(title: &str, ticks: impl IntoIterator<Item = (f64, String)>) -> Self {
        let mut ticks: Vec<(f64, String)> = ticks.into_iter().collect();
        ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
        ticks.dedup_by(|a, b| a.0 == b.0);
        let ends = log_ends(ticks.iter().map(|tick| tick.0));
        let logarithmic = true;
        Self {
            title: title.into(),
            ends,
            ticks,
            logarithmic,
        }
    }

    /// From one end to the other, with ticks as they are given.
    pub(super) fn places(title: &str, ends: (f64, f64), ticks: Vec<(f64, String)>) -> Self {
        let logarithmic = false;
        Self {
            title: title.into(),
            ends,
            ticks,
            logarithmic,
        }
    }

    /// The same axis, ending elsewhere.
    pub(super) fn up_to(mut self, end: f64) -> Self {
        self.ends.1 = end;
        self
    }

    /// Both ends as values.
    pub(super) fn values(&self) -> (f64, f64) {
        if self.logarithmic {
            (10f64.powf(self.ends.0), 10f64.powf(self.ends.1))
        } else {
            self.ends
        }
    }

    /// Where a value lies between the ends, from 0 to 1. What a logarithm does not
    /// have lies at the low end.
    fn place(&self, value: f64) -> f64 {
        let (low, high) = self.ends;
        let scaled = if self.logarithmic {
            value.max(f64::MIN_POSITIVE).log10().max(low)
        } else {
            value
        };
        (scaled - low) / (high - low)
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        limit.0 + (self.place(*value) * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks.iter().map(|tick| tick.0).collect()
    }

    fn range(&self) -> Range<f64> {
        let (low, high) = self.values();
        low..high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.0 == *value);
        tick.map_or_else(String::new, |tick| tick.1.clone())
    }
}

/// The logarithms of the least and the largest value, with a margin.
fn log_ends(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let logs = values.into_iter().filter(|value| *value > 0.0).map(f64::log10);
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = logs.fold(none, |(low, high), log| (low.min(log), high.max(log)));
    if low > high {
        (0.0, 1.0)
    } else {
        (low - MARGIN, high + MARGIN)
    }
}

/// A tick's number without trailing zeros.
fn tick_label(value: f64) -> String {
    let text = short(value);
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let number = if number.contains('.') && !number.contains('e') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    if unit.is_empty() {
        number.into()
    } else {
        format!("{number} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let labels = |axis: &Axis| axis.ticks.iter().map(|tick| tick.1.clone()).collect::<Vec<_>>();
        assert_eq!(
            labels(&Axis::linear("", [0.0, 23_000.0])),
            ["0", "5000", "10 k", "15 k", "20 k"]
        );
        assert_eq!(
            labels(&Axis::log("", [0.1, 4.0])),
            ["0.1", "0.2", "0.5", "1", "2", "5"]
        );
        assert_eq!(
            labels(&Axis::log("", [0.01, 1000.0])),
            ["0.01", "0.1", "1", "10", "100", "1000"]
        );
    }

    #[test]
    fn zero_lies_at_the_low_end_of_a_logarithmic_axis() {
        let axis = Axis::log("", [1.0, 100.0]);
        assert_eq!(axis.map(&0.0, (10, 110)), 10);
        assert_eq!(axis.map(&10.0, (10, 110)), 60);
    }
}

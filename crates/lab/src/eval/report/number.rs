//! Numbers as the report says them.

use crate::eval::stats::Estimate;

/// Three digits, with k, M or G: `12.3 k`.
pub(super) fn short(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 999.5e6 => (value / 1e9, " G"),
        size if size >= 999.5e3 => (value / 1e6, " M"),
        size if size >= 9999.5 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let digits = match scaled.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.001 => 3,
        _ => return format!("{scaled:.1e}{unit}"),
    };
    format!("{scaled:.digits$}{unit}")
}

/// A figure with its interval: `12.3 k [11.9 k, 12.8 k]`.
pub(super) fn estimate(estimate: Estimate) -> String {
    match estimate.interval {
        Some((low, high)) => format!("{} [{}, {}]", short(estimate.figure), short(low), short(high)),
        None => short(estimate.figure),
    }
}

/// A figure with how far its interval reaches from it: `12.3 k ±4 %`.
pub(super) fn spread(estimate: Estimate) -> String {
    let figure = short(estimate.figure);
    let Some((low, high)) = estimate.interval else {
        return figure;
    };
    let reach = (high - estimate.figure).max(estimate.figure - low) / estimate.figure * 100.0;
    if reach.is_finite() {
        format!("{figure} ±{reach:.0} %")
    } else {
        figure
    }
}

/// As [`estimate`], or a dash.
pub(super) fn optional(value: Option<Estimate>) -> String {
    value.map_or_else(|| "-".into(), estimate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.0, 0.00012, 0.05, 1.5, 42.25, 999.7, 9999.0, 12345.0, 2.5e6, 3e9].map(short);
        let expected = [
            "0", "1.2e-4", "0.050", "1.50", "42.2", "1000", "9999", "12.3 k", "2.50 M", "3.00 G",
        ];
        assert_eq!(shown, expected);
    }
}

//! Medians, and bootstrap intervals of what is computed from medians.
//!
//! A repetition is a fresh start of an arm, and it is the unit that is
//! resampled: what is within it (its requests) is not independent. Every figure
//! of a report is a function of medians over repetitions (a ratio of two, a
//! slope through several), and its interval is the percentile bootstrap of that
//! same function (B. Efron, R. Tibshirani, "An Introduction to the Bootstrap",
//! 1993, chapter 13).
//!
//! Why medians, not means: the machine is shared, so a repetition now and then
//! is hit by something else, and a mean of five follows it. A second reason is
//! the interval: with five repetitions the percentile bootstrap of a mean is
//! too narrow (it holds the truth in some 85 of 100 cases, not 95), while that
//! of a median reaches to the outermost repetitions, which hold the true median
//! in 94 of 100 whatever the distribution. The price is that few repetitions
//! give wide intervals, which is as it should be.
//!
//! The generator's seed is fixed: the same rows always give the same report.

use fastrand::Rng;

/// How often is resampled.
const RESAMPLES: usize = 2000;
/// Of the generator.
const SEED: u64 = 0x5641_4d4f_5300_0001;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub figure: f64,
    /// The interval's bounds; none from a single repetition.
    pub interval: Option<(f64, f64)>,
}

impl Estimate {
    /// This figure and its interval in other terms: `f` must be monotonic.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let interval = self.interval.map(|(low, high)| {
            let (a, b) = (f(low), f(high));
            (a.min(b), a.max(b))
        });
        Self {
            figure: f(self.figure),
            interval,
        }
    }
}

/// The median; none of no values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    median_in_place(&mut values.to_vec())
}

/// The median with its interval.
#[must_use]
pub fn median_estimate(values: &[f64]) -> Option<Estimate> {
    bootstrap(&[values], false, |medians| medians.first().copied())
}

/// The ratio of the median of `ours` to that of `theirs`.
///
/// `paired` says that the n-th of both are the same repetition: they ran one
/// beside the other (arms are interleaved), so that resampling them together
/// lets what the machine did to both cancel out. Otherwise, and where one has
/// more of them, each is resampled on its own. There is no ratio to 0.
#[must_use]
pub fn ratio(ours: &[f64], theirs: &[f64], paired: bool) -> Option<Estimate> {
    let together = paired && ours.len() == theirs.len();
    bootstrap(&[ours, theirs], together, |medians| match medians {
        &[ours, theirs] if theirs > 0.0 => Some(ours / theirs),
        _ => None,
    })
}

/// The values measured at one place of a line: `x`, and a `y` of each repetition.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Where.
    pub x: f64,
    /// What was measured there.
    pub ys: Vec<f64>,
}

/// The least-squares slope of `ln(1 + y)` against `ln x`, through the medians.
///
/// On a log-log chart a slope of 1 means "twice the bytes, twice the switches".
/// Counts per request can be 0, which a logarithm does not have, and near 0 a
/// logarithm makes much of nothing: from one switch in 10,000 requests to one
/// in 1,000 is a slope of 1 over a decade, and costs nobody anything. `1 + y`
/// ends both: where a request takes many switches the slope is the usual one,
/// and what stays far below one switch a request is flat. It understates a
/// slope of counts around 1, of all arms alike.
///
/// None if fewer than two different `x` were measured.
#[must_use]
pub fn log_slope(points: &[Point]) -> Option<Estimate> {
    let xs: Vec<f64> = points.iter().map(|point| point.x.ln()).collect();
    let ys: Vec<&[f64]> = points.iter().map(|point| point.ys.as_slice()).collect();
    bootstrap(&ys, false, |medians| {
        let logs: Vec<f64> = medians.iter().map(|y| y.ln_1p()).collect();
        least_squares(&xs, &logs)
    })
}

/// The slope of the line through these points.
fn least_squares(xs: &[f64], ys: &[f64]) -> Option<f64> {
    let count = xs.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(xs), mean(ys));
    let spread: f64 = xs.iter().map(|x| (x - mean_x).powi(2)).sum();
    let together: f64 = xs.iter().zip(ys).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let slope = together / spread;
    (spread > 1e-9 && slope.is_finite()).then_some(slope)
}

/// What `statistic` makes of the groups' medians, and the percentile interval of
/// what it makes of resampled groups. `paired` resamples all groups alike.
fn bootstrap(groups: &[&[f64]], paired: bool, statistic: impl Fn(&[f64]) -> Option<f64>) -> Option<Estimate> {
    let medians: Option<Vec<f64>> = groups.iter().map(|group| median(group)).collect();
    let figure = statistic(&medians?).filter(|figure| figure.is_finite())?;
    let enough = groups.iter().all(|group| group.len() > 1);
    let interval = enough.then(|| percentiles(groups, paired, statistic)).flatten();
    Some(Estimate { figure, interval })
}

/// The 2.5th and the 97.5th percentile of the statistic of resampled groups.
fn percentiles(
    groups: &[&[f64]],
    paired: bool,
    statistic: impl Fn(&[f64]) -> Option<f64>,
) -> Option<(f64, f64)> {
    let mut rng = Rng::with_seed(SEED);
    let mut resampled = Vec::new();
    let mut medians = Vec::with_capacity(groups.len());
    let mut figures = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        medians.clear();
        let together = rng.clone();
        for group in groups {
            if paired {
                rng = together.clone();
            }
            resampled.clear();
            resampled.extend(group.iter().filter_map(|_| rng.choice(group.iter()).copied()));
            medians.extend(median_in_place(&mut resampled));
        }
        figures.extend(statistic(&medians));
    }
    figures.sort_by(f64::total_cmp);
    let at = |share: f64| {
        figures
            .get(((figures.len() - 1) as f64 * share).round() as usize)
            .copied()
    };
    (figures.len() > RESAMPLES / 2).then(|| Some((at(0.025)?, at(0.975)?)))?
}

/// The median of values that may be reordered.
fn median_in_place(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    values
        .get(values.len() / 2 - 1)
        .map(|lower| f64::midpoint(*lower, upper))
}

#[cfg(test)]
#[path = "stats_tests.rs"]
mod tests;

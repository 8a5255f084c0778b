use proptest::prelude::*;

use super::*;

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn the_median_of_an_even_number_is_between_the_middle_two() {
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
}

#[test]
fn what_the_machine_did_to_both_cancels_out_of_paired_repetitions() {
    let theirs = [10.0, 14.0, 9.0, 30.0, 11.0];
    let ours = theirs.map(|value| value / 2.0);
    let paired = ratio(&ours, &theirs, true).expect("a ratio");
    assert_eq!((paired.figure, paired.interval), (0.5, Some((0.5, 0.5))));

    let (low, high) = ratio(&ours, &theirs, false)
        .and_then(|estimate| estimate.interval)
        .expect("an interval");
    assert!(
        low < 0.5 && high > 0.5,
        "of other repetitions each varies on its own: {low}..{high}"
    );
    let unpaired = ratio(&ours[..4], &theirs, true).expect("a ratio");
    let (low, high) = unpaired.interval.expect("an interval");
    assert!(low < 0.5 && high > 0.5, "each varies on its own: {low}..{high}");
}

#[test]
fn one_repetition_has_a_figure_and_no_interval() {
    let estimate = ratio(&[3.0], &[2.0], true).expect("a ratio");
    assert_eq!(
        estimate,
        Estimate {
            figure: 1.5,
            interval: None
        }
    );
}

#[test]
fn there_is_no_ratio_to_nothing() {
    assert_eq!(ratio(&[1.0, 2.0], &[0.0, 0.0], true), None);
    assert_eq!(ratio(&[], &[1.0], true), None);
    assert_eq!(
        ratio(&[0.0, 0.0], &[4.0, 4.0], true).expect("a ratio").figure,
        0.0
    );
}

/// The point of choosing medians: of 400 experiments with five repetitions of a
/// skewed quantity, the interval holds the true median in about 94 of 100.
#[test]
fn the_interval_holds_the_truth_as_often_as_it_says() {
    let mut rng = fastrand::Rng::with_seed(7);
    let held = (0..400)
        .filter(|_| {
            let values: Vec<f64> = (0..5).map(|_| -f64::ln(1.0 - rng.f64())).collect();
            let (low, high) = median_estimate(&values)
                .and_then(|e| e.interval)
                .expect("an interval");
            (low..=high).contains(&std::f64::consts::LN_2)
        })
        .count();
    assert!((360..=392).contains(&held), "{held} of 400");
}

#[test]
fn the_slope_of_proportional_counts_is_one_and_of_constant_ones_zero() {
    let points = |f: fn(f64) -> f64| -> Vec<Point> {
        [1e3, 1e4, 1e5, 1e6]
            .map(|x| Point { x, ys: vec![f(x); 3] })
            .to_vec()
    };
    let proportional = log_slope(&points(|x| x - 1.0)).expect("a slope");
    assert!(near(proportional.figure, 1.0), "{proportional:?}");
    assert_eq!(log_slope(&points(|_| 0.0)).expect("a slope").figure, 0.0);
    let root = log_slope(&points(|x| x.sqrt() - 1.0)).expect("a slope");
    assert!(near(root.figure, 0.5), "{root:?}");
    assert_eq!(
        log_slope(&[Point {
            x: 64.0,
            ys: vec![1.0, 2.0]
        }]),
        None,
        "one place is no line"
    );
}

#[test]
fn a_rare_switch_makes_no_slope() {
    let points: Vec<Point> = [(1e3, 0.0001), (1e4, 0.001), (1e5, 0.01)]
        .map(|(x, y)| Point { x, ys: vec![y] })
        .to_vec();
    let slope = log_slope(&points).expect("a slope");
    assert!(slope.figure < 0.01, "{slope:?}");
}

proptest! {
    #[test]
    fn an_interval_never_leaves_what_was_measured(
        ours in prop::collection::vec(0.1f64..100.0, 2..8),
        theirs in prop::collection::vec(0.1f64..100.0, 2..8),
    ) {
        let estimate = ratio(&ours, &theirs, true).expect("a ratio");
        let (low, high) = estimate.interval.expect("an interval");
        let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        prop_assert!(low <= high, "{estimate:?}");
        prop_assert!(least(&ours) / most(&theirs) <= low && high <= most(&ours) / least(&theirs));
        prop_assert_eq!(ratio(&ours, &theirs, true), Some(estimate), "the same rows, the same report");
    }
}

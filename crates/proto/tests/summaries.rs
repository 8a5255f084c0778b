//! Summaries: exact, checked before they run, and merged without regard to order.

#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use vamos_proto::program::{
    Comparison, Datum, Field, Input, Kind, Layout, MAX_TOTALS, Op, Program, ProgramError, Summary,
    SummaryError, Summing, Total, Width,
};

/// Of rows of two `INT`s and a text: those whose second number is above 0 or NULL.
fn summary(groups: Vec<u16>, totals: Vec<Total>) -> Summary {
    let field = |place, kind| Field { place, kind };
    let widths = [Width::Fixed(4), Width::Fixed(4), Width::Prefixed];
    let above = vec![
        Op::Field(1),
        Op::Number { value: 0, scale: 0 },
        Op::Compare(Comparison::Greater),
        Op::Field(1),
        Op::IsNull,
        Op::Or,
    ];
    Summary {
        program: Program {
            layout: Layout::Row(widths.into_iter().map(Into::into).collect()),
            fields: vec![
                field(0, Kind::Signed),
                field(1, Kind::Signed),
                field(2, Kind::Bytes),
            ],
            sets: vec![],
            weights: vec![],
            conditions: vec![above],
        },
        groups,
        totals,
    }
}

fn row(first: Option<i32>, second: Option<i32>) -> Vec<u8> {
    let nulls = u8::from(first.is_none()) | u8::from(second.is_none()) << 1;
    let mut row = vec![1, 3, 0, nulls];
    for number in [first, second].into_iter().flatten() {
        row.extend(number.to_le_bytes());
    }
    row.extend(*b"\x01x");
    row
}

fn add(summing: &mut Summing, row: &[u8]) -> Result<bool, SummaryError> {
    summing.add(Input { key: b"", value: row })
}

const ALL: [Total; 6] = [
    Total::Rows,
    Total::Count(0),
    Total::Sum(0),
    Total::Min(0),
    Total::Max(0),
    Total::Count(2),
];

/// All groups, as they come.
fn groups(mut summing: Summing) -> Vec<(Vec<Datum>, Vec<Datum>)> {
    std::iter::from_fn(|| summing.take_group().unwrap())
        .map(|group| (group.values, group.totals))
        .collect()
}

#[test]
fn no_rows_are_one_group_without_groups_and_none_with_them() {
    let alone = Summing::new(summary(vec![], ALL.to_vec())).unwrap();
    let nothing = vec![Some(0), Some(0), None, None, None, Some(0)];
    assert_eq!(groups(alone), [(vec![], nothing)]);
    let grouped = Summing::new(summary(vec![1], ALL.to_vec())).unwrap();
    assert_eq!(groups(grouped), []);
}

#[test]
fn groups_come_in_the_order_of_their_values() {
    let mut summing = Summing::new(summary(vec![0], vec![Total::Rows])).unwrap();
    for number in [Some(300), Some(-2), None, Some(2), Some(-70000), Some(2)] {
        assert_eq!(add(&mut summing, &row(number, Some(1))), Ok(true));
    }
    assert_eq!(add(&mut summing, &row(Some(7), Some(-1))), Ok(false));
    let found: Vec<_> = groups(summing).into_iter().map(|(values, _)| values[0]).collect();
    assert_eq!(found, [None, Some(-70000), Some(-2), Some(2), Some(300)]);
}

#[test]
fn a_row_that_cannot_be_read_is_an_error_not_a_wrong_sum() {
    let mut summing = Summing::new(summary(vec![], vec![Total::Sum(0)])).unwrap();
    assert_eq!(add(&mut summing, &[2, 3, 0]), Err(SummaryError::Unreadable));
    assert_eq!(add(&mut summing, &[]), Err(SummaryError::Unreadable));
}

#[test]
fn summaries_that_break_the_rules_are_refused() {
    let refused = |groups, totals| Summing::new(summary(groups, totals)).unwrap_err();
    assert_eq!(
        refused(vec![], vec![Total::Sum(9)]),
        ProgramError::NoSuch("field")
    );
    assert_eq!(refused(vec![3], vec![Total::Rows]), ProgramError::NoSuch("field"));
    for total in [Total::Sum(2), Total::Min(2), Total::Max(2)] {
        assert_eq!(refused(vec![], vec![total]), ProgramError::Impossible("total"));
    }
    assert_eq!(
        refused(vec![2], vec![Total::Rows]),
        ProgramError::Impossible("total")
    );
    let many = vec![Total::Rows; MAX_TOTALS + 1];
    assert_eq!(refused(vec![], many), ProgramError::TooMany("totals"));
}

#[test]
fn groups_that_are_none_are_refused() {
    let mut summing = Summing::new(summary(vec![0], vec![Total::Rows])).unwrap();
    let ok = postcard::to_allocvec(&vec![Some(1i128)]).unwrap();
    for key in [&b""[..], b"\x01", b"\x02", b"\x00\x00"] {
        assert_eq!(summing.merge(key, &ok), Err(SummaryError::Malformed));
    }
    assert_eq!(summing.merge(b"\x00", b"\x09"), Err(SummaryError::Malformed));
    assert_eq!(summing.merge(b"\x00", &ok), Ok(()));
}

#[test]
fn a_sum_that_leaves_128_bits_is_an_error() {
    let mut summing = Summing::new(summary(vec![0], vec![Total::Sum(1)])).unwrap();
    let most = postcard::to_allocvec(&vec![Some(i128::MAX)]).unwrap();
    assert_eq!(summing.merge(b"\x00", &most), Ok(()));
    assert_eq!(summing.merge(b"\x00", &most), Err(SummaryError::Overflow));
}

proptest! {
    /// However the rows are divided among summaries that are then merged, and
    /// compared with sums made the plain way.
    #[test]
    fn parts_make_the_whole(
        rows in prop::collection::vec((prop::option::of(-3i32..3), prop::option::of(-2i32..9)), 0..60),
        cut in 0usize..60,
    ) {
        let empty = Summing::new(summary(vec![0], vec![Total::Rows, Total::Sum(1), Total::Min(1), Total::Max(1)])).unwrap();
        let (mut first, mut second) = (empty.clone(), empty);
        for (at, (group, value)) in rows.iter().enumerate() {
            let into = if at < cut { &mut first } else { &mut second };
            add(into, &row(*group, *value)).unwrap();
        }
        while let Some((key, totals)) = second.take() {
            first.merge(&key, &totals).unwrap();
        }
        prop_assert_eq!(second.bytes(), 0);
        let mut expected = std::collections::BTreeMap::<_, Vec<Option<i128>>>::new();
        for (group, value) in &rows {
            if value.is_none_or(|value| value > 0) {
                expected.entry(group.map(i128::from)).or_default().push(value.map(i128::from));
            }
        }
        let found = groups(first);
        prop_assert_eq!(found.len(), expected.len());
        for ((values, totals), (group, numbers)) in found.iter().zip(&expected) {
            let known = || numbers.iter().flatten().copied();
            let sum = known().next().is_some().then(|| known().sum());
            prop_assert_eq!(values, &vec![*group]);
            prop_assert_eq!(totals, &vec![Some(numbers.len() as i128), sum, known().min(), known().max()]);
        }
    }

    /// Bytes from anywhere neither panic nor pass for a summary that reads wrong fields.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), row in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(summary) = Summary::decode(&bytes)
            && let Ok(mut summing) = Summing::new(summary)
        {
            let _ = add(&mut summing, &row);
        }
        let mut summing = Summing::new(summary(vec![0, 1], ALL.to_vec())).unwrap();
        let _ = add(&mut summing, &row);
        let _ = summing.merge(&row, &bytes);
        while let Ok(Some(_)) = summing.take_group() {}
    }
}

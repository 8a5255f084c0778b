//! Programs from anywhere, on rows from anywhere: an error or a verdict, never a
//! panic; and three-valued logic as SQL has it.

#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use vamos_proto::program::{
    ANY, Arithmetic, Comparison, EntryLayout, Extra, Field, Groups, Input, Kind, Layout, MAX_DEPTH, MAX_OPS,
    MAX_PROGRAM_BYTES, Machine, Missing, Number, ONE, Op, Part, PartBytes, Program, ProgramError, Range,
    RowSlot, Set, Verdict, Weights, Width,
};

fn program(layout: Layout, fields: Vec<Field>, conditions: Vec<Vec<Op>>) -> Program {
    Program {
        layout,
        fields,
        sets: vec![
            Set::Numbers(0, vec![-1, 3, 5], false),
            Set::Numbers(0, vec![4], true),
            Set::Bytes(vec![b"a".to_vec(), b"b".to_vec()], false),
        ],
        weights: vec![
            Weights {
                table: Vec::new(),
                pad_space: true,
                ascii_only: true,
            },
            Weights {
                table: (0..=255u8).map(|byte| byte.to_ascii_uppercase()).collect(),
                pad_space: false,
                ascii_only: false,
            },
        ],
        conditions,
    }
}

/// A row of two columns: an `INT` and a text.
fn row(number: Option<i32>, text: Option<&str>) -> Vec<u8> {
    let nulls = u8::from(number.is_none()) | u8::from(text.is_none()) << 1;
    let mut row = vec![1, 2, 0, nulls];
    row.extend(number.iter().flat_map(|number| number.to_le_bytes()));
    if let Some(text) = text {
        row.push(text.len() as u8);
        row.extend_from_slice(text.as_bytes());
    }
    row
}

fn two_columns(conditions: Vec<Vec<Op>>) -> Program {
    let fields = vec![
        Field {
            place: 0,
            kind: Kind::Signed,
        },
        Field {
            place: 1,
            kind: Kind::Bytes,
        },
    ];
    program(
        Layout::Row(vec![Width::Fixed(4).into(), Width::Prefixed.into()]),
        fields,
        conditions,
    )
}

fn judge(condition: Vec<Op>, number: Option<i32>, text: Option<&str>) -> Verdict {
    let machine = Machine::new(two_columns(vec![condition])).unwrap();
    machine.judge(Input {
        key: b"",
        value: &row(number, text),
    })
}

fn number(value: Number) -> Op {
    Op::Number { value, scale: 0 }
}

#[test]
fn conditions_are_judged_as_in_sql() {
    use Comparison::{Equal, Greater, Less, NullSafeEqual};
    let (yes, no) = (Verdict::Accepted, Verdict::Rejected);
    let greater = |limit| vec![Op::Field(0), number(limit), Op::Compare(Greater)];
    assert_eq!(judge(greater(5), Some(6), None), yes);
    assert_eq!(judge(greater(6), Some(6), None), no);
    assert_eq!(judge(greater(6), None, None), no);
    let negated = [greater(6), vec![Op::Not]].concat();
    assert_eq!(judge(negated.clone(), Some(6), None), yes);
    assert_eq!(judge(negated, None, None), no, "NOT NULL is NULL");
    let null_or_true = [greater(6), vec![Op::Field(1), Op::IsNull, Op::Or]].concat();
    assert_eq!(judge(null_or_true, None, None), yes);
    let text = |how| vec![Op::Field(1), Op::Bytes(b"Ab".to_vec()), Op::CompareText(how, 0)];
    assert_eq!(
        judge(text(Equal), None, Some("Ab  ")),
        yes,
        "spaces at the end do not count"
    );
    assert_eq!(
        judge(text(Less), None, Some("Ab\t")),
        yes,
        "a tab is less than a space"
    );
    assert_eq!(judge(text(Equal), None, Some("Ab\u{e9}")), Verdict::Unknown);
    let folded = vec![Op::Field(1), Op::Bytes(b"aB".to_vec()), Op::CompareText(Equal, 1)];
    assert_eq!(judge(folded, None, Some("Ab")), yes);
    let pattern = [u16::from(b'A'), ONE, ANY];
    let like = vec![Op::Field(1), Op::Like(pattern.to_vec(), 1)];
    assert_eq!(judge(like.clone(), None, Some("abc")), yes);
    assert_eq!(judge(like, None, Some("a")), no);
    assert_eq!(judge(vec![Op::Field(0), Op::In(0)], Some(5), None), yes);
    assert_eq!(judge(vec![Op::Field(0), Op::In(0), Op::Not], Some(4), None), yes);
    assert_eq!(
        judge(vec![Op::Field(0), Op::In(1), Op::Not], Some(5), None),
        no,
        "NOT IN with a NULL"
    );
    let same = vec![Op::Field(0), Op::Field(0), Op::Compare(NullSafeEqual)];
    assert_eq!(judge(same, None, None), yes);
    let sum = vec![
        Op::Field(0),
        number(i64::MAX.into()),
        Op::Compute(Arithmetic::Add, Range::Signed),
        number(0),
        Op::Compare(Greater),
    ];
    assert_eq!(judge(sum.clone(), Some(-1), None), yes);
    assert_eq!(
        judge(sum, Some(1), None),
        Verdict::Unknown,
        "the server says that it overflows"
    );
}

#[test]
fn a_row_that_cannot_be_read_is_unknown() {
    let condition = vec![Op::Field(1), Op::IsNull];
    let machine = Machine::new(two_columns(vec![condition])).unwrap();
    let whole = row(Some(1), Some("text"));
    let judge = |value: &[u8]| machine.judge(Input { key: b"", value });
    assert_eq!(judge(&whole), Verdict::Rejected);
    for end in 0..whole.len() {
        assert_eq!(judge(&whole[..end]), Verdict::Unknown, "cut at {end}");
    }
    let mut other_format = whole.clone();
    other_format[0] = 9;
    assert_eq!(judge(&other_format), Verdict::Unknown);
    // A row from before the second column was added.
    let old = [1, 1, 0, 0, 1, 0, 0, 0];
    assert_eq!(judge(&old), Verdict::Unknown);
    let mut program = machine.program().clone();
    let Layout::Row(slots) = &mut program.layout else {
        panic!("a row")
    };
    slots[1].missing = Missing::Null;
    let judge = |program: &Program| {
        Machine::new(program.clone()).unwrap().judge(Input {
            key: b"",
            value: &old,
        })
    };
    assert_eq!(judge(&program), Verdict::Accepted, "it had no value then");
    let Layout::Row(slots) = &mut program.layout else {
        panic!("a row")
    };
    slots[1].missing = Missing::Value(b"default".to_vec());
    assert_eq!(judge(&program), Verdict::Rejected);
}

#[test]
fn programs_that_break_the_rules_are_refused() {
    let refused = |conditions: Vec<Vec<Op>>| two_columns(conditions).verify().unwrap_err();
    refused(vec![vec![]]);
    refused(vec![vec![Op::Field(0)]]);
    refused(vec![vec![Op::Not]]);
    refused(vec![vec![Op::Truth(None), Op::Truth(None)]]);
    refused(vec![vec![
        Op::Field(0),
        Op::Field(1),
        Op::Compare(Comparison::Equal),
    ]]);
    refused(vec![vec![Op::Field(7), Op::IsNull]]);
    refused(vec![vec![Op::Field(1), Op::Like(vec![ANY], 9)]]);
    refused(vec![vec![Op::Field(0), Op::In(2)]]);
    let scales = Op::Number { value: 1, scale: 1 };
    refused(vec![vec![Op::Field(0), scales, Op::Compare(Comparison::Less)]]);
    assert!(matches!(
        refused(vec![vec![Op::Truth(None); MAX_DEPTH + 1]]),
        ProgramError::TooMany(_)
    ));
    assert!(matches!(
        refused(vec![vec![Op::Truth(None)]; MAX_OPS + 1]),
        ProgramError::TooMany(_)
    ));
    assert!(matches!(
        Program::decode(&vec![0; MAX_PROGRAM_BYTES + 1]),
        Err(ProgramError::TooLong(_))
    ));
    let mut unsorted = two_columns(vec![]);
    unsorted.sets.push(Set::Numbers(0, vec![2, 1], false));
    assert!(unsorted.verify().is_err());
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Signed),
        Just(Kind::Unsigned),
        Just(Kind::KeySigned),
        Just(Kind::KeyUnsigned),
        Just(Kind::Year),
        (0..40u8, 0..40u8).prop_map(|(precision, scale)| Kind::Decimal { precision, scale }),
        Just(Kind::Date),
        Just(Kind::KeyDate),
        (0..8u8).prop_map(Kind::Datetime),
        Just(Kind::Float),
        Just(Kind::Double),
        Just(Kind::Bytes),
    ]
}

fn width() -> impl Strategy<Value = Width> {
    prop_oneof![(0..12u16).prop_map(Width::Fixed), Just(Width::Prefixed)]
}

fn slot() -> impl Strategy<Value = RowSlot> {
    let missing = prop_oneof![
        Just(Missing::Unknown),
        Just(Missing::Null),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Missing::Value),
    ];
    (width(), missing).prop_map(|(width, missing)| RowSlot { width, missing })
}

fn part() -> impl Strategy<Value = Part> {
    let groups = (0..4u8, 0..12u8, any::<bool>()).prop_map(|(size, mark, ends)| {
        let mut runs = [None; 6];
        runs[0] = Some(Groups { size, mark, ends });
        PartBytes::Groups(runs)
    });
    let bytes = prop_oneof![(0..9u16).prop_map(PartBytes::Fixed), groups];
    (any::<bool>(), any::<bool>(), bytes).prop_map(|(nullable, reverse, bytes)| Part {
        nullable,
        reverse,
        bytes,
    })
}

fn layout() -> impl Strategy<Value = Layout> {
    let extra = (any::<bool>(), width()).prop_map(|(nullable, width)| Extra { nullable, width });
    let parts = || prop::collection::vec(part(), 0..3);
    prop_oneof![
        prop::collection::vec(slot(), 0..6).prop_map(Layout::Row),
        (parts(), parts(), prop::collection::vec(extra, 0..3))
            .prop_map(|(key, primary, extra)| Layout::Entry(EntryLayout { key, primary, extra })),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let comparison = prop_oneof![
        Just(Comparison::Equal),
        Just(Comparison::Less),
        Just(Comparison::NullSafeEqual)
    ];
    let arithmetic = prop_oneof![
        Just(Arithmetic::Add),
        Just(Arithmetic::Multiply),
        Just(Arithmetic::Remainder),
        Just(Arithmetic::BitXor)
    ];
    let range = prop_oneof![Just(Range::Signed), Just(Range::Unsigned)];
    prop_oneof![
        6 => (0..6u16).prop_map(Op::Field),
        2 => (any::<i128>(), 0..3u8).prop_map(|(value, scale)| Op::Number { value, scale }),
        1 => any::<u64>().prop_map(Op::Float),
        1 => prop::collection::vec(any::<u8>(), 0..4).prop_map(Op::Bytes),
        1 => any::<Option<bool>>().prop_map(Op::Truth),
        1 => (0..40u8).prop_map(Op::Rescale),
        1 => Just(Op::ToFloat),
        4 => comparison.clone().prop_map(Op::Compare),
        2 => (comparison, 0..3u16).prop_map(|(how, weights)| Op::CompareText(how, weights)),
        2 => (0..4u16).prop_map(Op::In),
        2 => prop::collection::vec(0..260u16, 0..4).prop_map(|pattern| Op::Like(pattern, 0)),
        3 => Just(Op::IsNull),
        1 => any::<bool>().prop_map(Op::Is),
        1 => Just(Op::Not),
        2 => prop_oneof![Just(Op::And), Just(Op::Or), Just(Op::Xor)],
        2 => (arithmetic, range).prop_map(|(arithmetic, range)| Op::Compute(arithmetic, range)),
    ]
}

/// Truth of a model: `None` is neither.
fn model(ops: &[Op], truths: &[Option<bool>]) -> Option<bool> {
    let mut stack: Vec<Option<bool>> = Vec::new();
    let mut next = truths.iter();
    for op in ops {
        let result = match op {
            Op::Truth(_) => *next.next().unwrap(),
            Op::Not => stack.pop().unwrap().map(|truth| !truth),
            binary => {
                let (right, left) = (stack.pop().unwrap(), stack.pop().unwrap());
                match (binary, left, right) {
                    (Op::And, Some(false), _) | (Op::And, _, Some(false)) => Some(false),
                    (Op::Or, Some(true), _) | (Op::Or, _, Some(true)) => Some(true),
                    (_, None, _) | (_, _, None) => None,
                    (Op::And, ..) => Some(true),
                    (Op::Or, ..) => Some(false),
                    (_, left, right) => Some(left != right),
                }
            }
        };
        stack.push(result);
    }
    stack.pop().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_bytes_are_a_program_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), input in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(machine) = Machine::decode(&bytes) {
            machine.judge(Input { key: &input, value: &input });
        }
    }

    #[test]
    fn any_program_runs_on_any_bytes(
        layout in layout(),
        fields in prop::collection::vec((0..8u16, kind()), 0..20),
        ops in prop::collection::vec(op(), 0..12),
        key in prop::collection::vec(any::<u8>(), 0..30),
        mut value in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        if let Some(format) = value.first_mut() {
            *format &= 1;
        }
        let fields = fields.into_iter().map(|(place, kind)| Field { place, kind }).collect();
        let program = program(layout, fields, vec![ops]);
        if let Ok(machine) = Machine::new(program.clone()) {
            machine.judge(Input { key: &key, value: &value });
            prop_assert_eq!(Program::decode(&program.encode()), Ok(program));
        }
    }

    #[test]
    fn truth_has_three_values(steps in prop::collection::vec((any::<Option<bool>>(), 0..4u8), 1..8)) {
        let mut ops = Vec::new();
        let mut truths = Vec::new();
        for (at, (truth, connective)) in steps.into_iter().enumerate() {
            ops.push(Op::Truth(truth));
            truths.push(truth);
            if connective == 3 {
                ops.push(Op::Not);
            }
            if at > 0 {
                ops.push([Op::And, Op::Or, Op::Xor, Op::And][usize::from(connective)].clone());
            }
        }
        let expected = match model(&ops, &truths) {
            Some(true) => Verdict::Accepted,
            _ => Verdict::Rejected,
        };
        let machine = Machine::new(two_columns(vec![ops])).unwrap();
        prop_assert_eq!(machine.judge(Input { key: b"", value: &row(None, None) }), expected);
    }
}

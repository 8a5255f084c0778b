//! Conditions, as the shim writes them down: nodes in postfix order.

use super::guard::{bytes, guard};
use crate::codec::condition::{As, Condition, Operand, TextOrder};
use crate::engine::Handler;
use vamos_proto::program::{ANY, Arithmetic, Comparison, ONE, Range};

/// `vamos_text_order`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Text {
    table: [u8; 256],
    pad_space: u8,
    ascii_only: u8,
    multi_byte: u8,
}

/// `vamos_node`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Node {
    what: u8,
    how: u8,
    flag: u8,
    count: u32,
    number: i64,
    real: f64,
    bytes: *const u8,
    length: usize,
    order: *const Text,
}

/// What the nodes before one have made.
enum Made {
    Operand(Operand),
    Condition(Condition),
}

/// The most nodes of one condition.
const MAX_NODES: usize = 64 << 10;

/// Takes one condition, or none of it: whether it was understood.
#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_condition_add(
    handler: *mut Handler,
    key: u32,
    nodes: *const Node,
    count: usize,
) -> u8 {
    guard(0, || {
        // SAFETY: the shim passes its own handler and so many nodes.
        let (handler, condition) = unsafe { (handler.as_mut(), read_condition(nodes, count)) };
        let (Some(handler), Some(condition)) = (handler, condition) else {
            return 0;
        };
        let key = (key != u32::MAX).then_some(key as usize);
        u8::from(handler.pushdown.add(&handler.shape, key, condition))
    })
}

/// The condition that the nodes are, if they are one.
///
/// # Safety
/// So many nodes must be valid at `nodes`.
pub(super) unsafe fn read_condition(nodes: *const Node, count: usize) -> Option<Condition> {
    if nodes.is_null() || count > MAX_NODES {
        return None;
    }
    // SAFETY: the caller vouches for it.
    condition(unsafe { std::slice::from_raw_parts(nodes, count) })
}

/// Forgets the conditions on all rows, or those on reads through one key.
#[unsafe(no_mangle)]
unsafe extern "C" fn vamos_condition_clear(handler: *mut Handler, key: u32) {
    guard((), || {
        // SAFETY: the shim passes its own handler.
        if let Some(handler) = unsafe { handler.as_mut() } {
            handler.pushdown.clear((key != u32::MAX).then_some(key as usize));
        }
    });
}

fn condition(nodes: &[Node]) -> Option<Condition> {
    let mut made = Vec::new();
    for node in nodes {
        let next = node.make(&mut made)?;
        made.push(next);
    }
    match (made.pop(), made.is_empty()) {
        (Some(Made::Condition(condition)), true) => Some(condition),
        _ => None,
    }
}

fn operand(made: &mut Vec<Made>) -> Option<Operand> {
    match made.pop()? {
        Made::Operand(operand) => Some(operand),
        Made::Condition(_) => None,
    }
}

fn operands(made: &mut Vec<Made>) -> Option<Box<[Operand; 2]>> {
    let right = operand(made)?;
    Some(Box::new([operand(made)?, right]))
}

fn truth(made: &mut Vec<Made>) -> Option<Condition> {
    match made.pop()? {
        Made::Condition(condition) => Some(condition),
        Made::Operand(_) => None,
    }
}

fn truths(made: &mut Vec<Made>, count: u32) -> Option<Vec<Condition>> {
    let mut all = (0..count).map(|_| truth(made)).collect::<Option<Vec<_>>>()?;
    all.reverse();
    Some(all)
}

impl Node {
    fn make(&self, made: &mut Vec<Made>) -> Option<Made> {
        if let Some(operand) = self.operand(made) {
            return Some(Made::Operand(operand?));
        }
        Some(Made::Condition(match self.what {
            16 => Condition::Compare(comparison(self.how)?, self.as_what()?, operands(made)?),
            17 => {
                let others = (1..self.count)
                    .map(|_| operand(made))
                    .collect::<Option<Vec<_>>>()?;
                Condition::In(self.as_what()?, operand(made)?, others)
            }
            18 => Condition::Like(operand(made)?, self.pattern()?, self.text_order()?),
            19 => Condition::IsNull(operand(made)?),
            20 => Condition::Truth(
                [Some(false), Some(true), None]
                    .get(usize::from(self.how))
                    .copied()?,
            ),
            21 => Condition::Not(Box::new(truth(made)?)),
            22 => Condition::And(truths(made, self.count)?),
            23 => Condition::Or(truths(made, self.count)?),
            24 => {
                let right = truth(made)?;
                Condition::Xor(Box::new([truth(made)?, right]))
            }
            _ => return None,
        }))
    }

    /// The operand that the node is; the outer `None`: it is none, the inner one:
    /// it makes no sense.
    fn operand(&self, made: &mut Vec<Made>) -> Option<Option<Operand>> {
        Some(Some(match self.what {
            0 => Operand::Column(self.count as usize),
            1 => Operand::Number(
                match self.flag {
                    0 => self.number.into(),
                    _ => (self.number as u64).into(),
                },
                0,
            ),
            2 => return Some(decimal(self.bytes())),
            3 => Operand::Real(self.real),
            4 => Operand::Text(self.bytes().to_vec()),
            5 => Operand::Time(self.number.into()),
            6 => Operand::Null,
            7 => {
                let computed = arithmetic(self.how).zip(operands(made));
                return Some(computed.map(|(how, sides)| Operand::Compute(how, self.range(), sides)));
            }
            _ => return None,
        }))
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the shim passes so many bytes that stay during the call.
        unsafe { bytes(self.bytes, self.length) }
    }

    fn range(&self) -> Range {
        match self.flag {
            0 => Range::Signed,
            _ => Range::Unsigned,
        }
    }

    fn as_what(&self) -> Option<As> {
        Some(match self.flag {
            0 => As::Number,
            1 => As::Real,
            2 => As::Text(self.text_order()?),
            3 => As::Time,
            _ => return None,
        })
    }

    fn text_order(&self) -> Option<TextOrder> {
        // SAFETY: null, or a structure of the shim's that stays during the call.
        let order = unsafe { self.order.as_ref() }?;
        let table = &order.table;
        let plain = table
            .iter()
            .enumerate()
            .all(|(byte, &weight)| byte == usize::from(weight));
        Some(TextOrder {
            table: if plain { Vec::new() } else { table.to_vec() },
            pad_space: order.pad_space != 0,
            ascii_only: order.ascii_only != 0,
        })
    }

    /// A pattern of LIKE; `number` is the character that escapes.
    fn pattern(&self) -> Option<Vec<u16>> {
        // SAFETY: as above.
        let order = unsafe { self.order.as_ref() }?;
        let bytes_are_characters = order.multi_byte == 0 || order.ascii_only != 0;
        let mut pattern = Vec::new();
        let mut rest = self.bytes();
        while let Some((&byte, others)) = rest.split_first() {
            rest = others;
            if i64::from(byte) == self.number
                && let Some((&escaped, others)) = rest.split_first()
            {
                rest = others;
                pattern.push(order.table[usize::from(escaped)].into());
                continue;
            }
            pattern.push(match byte {
                b'%' => ANY,
                b'_' if !bytes_are_characters => return None,
                b'_' => ONE,
                other => order.table[usize::from(other)].into(),
            });
        }
        Some(pattern)
    }
}

/// A number in decimal digits.
fn decimal(text: &[u8]) -> Option<Operand> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = [whole, fraction].concat();
    Some(Operand::Number(
        digits.parse().ok()?,
        u8::try_from(fraction.len()).ok()?,
    ))
}

fn comparison(how: u8) -> Option<Comparison> {
    Some(match how {
        0 => Comparison::Equal,
        1 => Comparison::NotEqual,
        2 => Comparison::Less,
        3 => Comparison::LessOrEqual,
        4 => Comparison::Greater,
        5 => Comparison::GreaterOrEqual,
        6 => Comparison::NullSafeEqual,
        _ => return None,
    })
}

fn arithmetic(how: u8) -> Option<Arithmetic> {
    Some(match how {
        0 => Arithmetic::Add,
        1 => Arithmetic::Subtract,
        2 => Arithmetic::Multiply,
        3 => Arithmetic::Remainder,
        4 => Arithmetic::BitAnd,
        5 => Arithmetic::BitOr,
        6 => Arithmetic::BitXor,
        _ => return None,
    })
}

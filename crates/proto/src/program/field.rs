//! Fields' bytes as numbers.

use super::Kind;
use super::run::{Number, Value};

/// Decimal digits of four bytes, and bytes for fewer digits: MariaDB's layout of
/// `DECIMAL`.
const DIGITS: usize = 9;
const BYTES_OF_DIGITS: [usize; DIGITS + 1] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

/// How many bytes a value of this kind must have; `None`: any number.
pub(super) fn length(kind: Kind) -> Option<usize> {
    Some(match kind {
        Kind::Signed | Kind::Unsigned | Kind::KeySigned | Kind::KeyUnsigned | Kind::Bytes => return None,
        Kind::Year => 1,
        Kind::Date | Kind::KeyDate => 3,
        Kind::Float => 4,
        Kind::Double => 8,
        Kind::Datetime(digits) => 5 + usize::from(digits.div_ceil(2)),
        Kind::Decimal { precision, scale } => {
            let (scale, whole) = (usize::from(scale), usize::from(precision.saturating_sub(scale)));
            [scale, whole]
                .iter()
                .map(|digits| digits / DIGITS * 4 + BYTES_OF_DIGITS[digits % DIGITS])
                .sum()
        }
    })
}

/// The value of a field's bytes, each of them inverted by `flip`; `None` if they
/// are no value of the kind.
pub(super) fn read(kind: Kind, bytes: &[u8], flip: u8) -> Option<Value<'_>> {
    if length(kind).is_some_and(|length| length != bytes.len()) {
        return None;
    }
    Some(match kind {
        Kind::Bytes if flip != 0 => return None,
        Kind::Bytes => Value::Bytes(bytes),
        Kind::Float => {
            let bits = little_endian(bytes, flip)? as u32;
            Value::Float(f32::from_bits(bits).into())
        }
        Kind::Double => Value::Float(f64::from_bits(little_endian(bytes, flip)?)),
        number => Value::Number(read_number(number, bytes, flip)?),
    })
}

fn read_number(kind: Kind, bytes: &[u8], flip: u8) -> Option<Number> {
    Some(match kind {
        Kind::Signed => sign_extended(little_endian(bytes, flip)?, bytes.len()),
        Kind::KeySigned => {
            let bits = big_endian(bytes, flip)? ^ 1u64.checked_shl(8 * bytes.len() as u32 - 1)?;
            sign_extended(bits, bytes.len())
        }
        Kind::Unsigned => little_endian(bytes, flip)?.into(),
        Kind::KeyUnsigned => big_endian(bytes, flip)?.into(),
        Kind::Year => match little_endian(bytes, flip)? {
            0 => 0,
            year => Number::from(year) + 1900,
        },
        Kind::Date => date(little_endian(bytes, flip)?),
        Kind::KeyDate => date(big_endian(bytes, flip)?),
        Kind::Datetime(digits) => datetime(bytes, flip, digits)?,
        Kind::Decimal { precision, scale } => decimal(bytes, flip, precision.into(), scale.into())?,
        Kind::Float | Kind::Double | Kind::Bytes => return None,
    })
}

fn little_endian(bytes: &[u8], flip: u8) -> Option<u64> {
    (1..=8).contains(&bytes.len()).then(|| {
        bytes
            .iter()
            .rev()
            .fold(0, |number, &byte| number << 8 | u64::from(byte ^ flip))
    })
}

fn big_endian(bytes: &[u8], flip: u8) -> Option<u64> {
    (1..=8).contains(&bytes.len()).then(|| {
        bytes
            .iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte ^ flip))
    })
}

fn sign_extended(bits: u64, length: usize) -> Number {
    let unused = 64 - 8 * length.min(8) as u32;
    ((bits << unused) as i64 >> unused).into()
}

fn date(bits: u64) -> Number {
    let (day, month, year) = (bits & 31, bits >> 5 & 15, bits >> 9);
    Number::from((year * 13 + month) << 5 | day) << 41
}

/// 40 bits of seconds with the highest one set, then 0 to 3 bytes of fraction.
fn datetime(bytes: &[u8], flip: u8, digits: u8) -> Option<Number> {
    let (seconds, fraction) = bytes.split_at_checked(5)?;
    let seconds = Number::from(big_endian(seconds, flip)?) - (1 << 39);
    let unit = match fraction.len() {
        0 => return Some(seconds << 24),
        1 => 10_000,
        2 => 100,
        _ => 1,
    };
    if digits > 6 || seconds < 0 {
        return None;
    }
    Some((seconds << 24) + Number::from(big_endian(fraction, flip)?) * unit)
}

/// Groups of nine digits in four bytes, big-endian; the first group before the
/// point and the last behind it may be shorter. The sign is the first bit,
/// flipped; a negative number has all bytes inverted.
fn decimal(bytes: &[u8], flip: u8, precision: usize, scale: usize) -> Option<Number> {
    let negative = (bytes.first()? ^ flip) & 0x80 == 0;
    let mask = flip ^ if negative { 0xff } else { 0 };
    let whole = precision.checked_sub(scale)?;
    let groups = std::iter::once(whole % DIGITS)
        .chain(std::iter::repeat_n(DIGITS, whole / DIGITS))
        .chain(std::iter::repeat_n(DIGITS, scale / DIGITS))
        .chain(std::iter::once(scale % DIGITS));
    let mut rest = bytes;
    let mut first = 0x80;
    let mut number: Number = 0;
    for digits in groups {
        let (group, others) = rest.split_at_checked(BYTES_OF_DIGITS[digits])?;
        rest = others;
        let mut value = 0u64;
        for byte in group {
            value = value << 8 | u64::from(byte ^ mask ^ first);
            first = 0;
        }
        number = number
            .checked_mul(10i128.pow(digits as u32))?
            .checked_add(value.into())?;
    }
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(kind: Kind, bytes: &[u8]) -> Option<Number> {
        match read(kind, bytes, 0) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    }

    #[test]
    fn integers() {
        assert_eq!(number(Kind::Signed, &[0xff, 0xff]), Some(-1));
        assert_eq!(number(Kind::Unsigned, &[0xff, 0xff]), Some(65535));
        assert_eq!(number(Kind::Signed, &[1, 0, 0x80]), Some(1 - (1 << 23)));
        assert_eq!(number(Kind::KeySigned, &[0x7f, 0xff]), Some(-1));
        assert_eq!(number(Kind::KeyUnsigned, &[1, 2]), Some(258));
        assert_eq!(number(Kind::Unsigned, &[0; 9]), None);
        assert_eq!(number(Kind::KeySigned, &[]), None);
        assert_eq!(number(Kind::Year, &[124]), Some(2024));
    }

    #[test]
    fn decimals_as_mariadb_lays_them_out() {
        // 1234567890.1234 as DECIMAL(14,4), from MariaDB's decimal.c.
        let bytes = [0x81, 0x0d, 0xfb, 0x38, 0xd2, 0x04, 0xd2];
        let kind = Kind::Decimal {
            precision: 14,
            scale: 4,
        };
        assert_eq!(number(kind, &bytes), Some(12_345_678_901_234));
        let negative = bytes.map(|byte| !byte);
        assert_eq!(number(kind, &negative), Some(-12_345_678_901_234));
        assert_eq!(number(kind, &bytes[1..]), None);
    }

    #[test]
    fn dates_and_times_are_packed_alike() {
        let day: Number = ((2024 * 13 + 2) << 5) | 29;
        let bits = 2024u32 << 9 | 2 << 5 | 29;
        assert_eq!(number(Kind::Date, &bits.to_le_bytes()[..3]), Some(day << 41));
        let seconds = (1u64 << 39) | (day as u64) << 17 | 1 << 12 | 2 << 6 | 3;
        let mut bytes = seconds.to_be_bytes()[3..].to_vec();
        let whole = (day << 17 | 1 << 12 | 2 << 6 | 3) << 24;
        assert_eq!(number(Kind::Datetime(0), &bytes), Some(whole));
        bytes.extend([0x13, 0x88]);
        assert_eq!(number(Kind::Datetime(4), &bytes), Some(whole + 500_000));
    }
}

//! Literals for columns: from small domains, so that values meet again, with
//! the ends of each type's range and what it refuses mixed in.

use fastrand::Rng;

use super::types::Type;

const LETTERS: &[&str] = &[
    "a", "A", "b", "B", "c", "ch", "CH", "d", "z", "Z", "0", "1", "9", " ", " ", "_", "%", "-", "ä", "Ä",
    "ß", "ss", "é", "e", "å", "aa", "ñ", "\\t", "\\0", "\\n", "ж", "Ж", "中", "あ", "😀", "ﬁ", "\\\\",
];

const TIMES: &[&str] = &[
    "00:00:00",
    "12:34:56.789012",
    "-01:00:00.5",
    "838:59:59",
    "-838:59:59",
    "23:59:59.999999",
    "00:00:00.000001",
];
const DATES: &[&str] = &[
    "2024-02-29",
    "1970-01-01",
    "9999-12-31",
    "1000-01-01",
    "2023-11-05",
    "2024-01-01",
    "0000-00-00",
    "2000-10-00",
];
const JSONS: &[&str] = &[
    "{}",
    "[]",
    "null",
    "1",
    "{\"a\": 1}",
    "{\"a\":1}",
    "[1, 2, {\"b\": null}]",
    "\"x\"",
    "\"X\"",
    "{",
];
const INET6S: &[&str] = &[
    "::",
    "::1",
    "ffff::",
    "::ffff:1.2.3.4",
    "2001:db8::8a2e:370:7334",
    "fe80::1",
    "x",
];
const INET4S: &[&str] = &[
    "0.0.0.0",
    "1.2.3.4",
    "255.255.255.255",
    "127.0.0.1",
    "10.0.0.1",
    "1.2.3",
];
const UUIDS: &[&str] = &[
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "123e4567-e89b-12d3-a456-426655440000",
    "123e4567-e89b-12d3-a456-426655440001",
    "00000000-0000-1000-8000-00000000000a",
    "223e4567-e89b-42d3-a456-426655440000",
];

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from[rng.usize(..from.len())]
}

/// A literal for a column of this type, never NULL.
pub(super) fn literal(rng: &mut Rng, kind: &Type) -> String {
    match kind {
        Type::Int { bytes, unsigned } => int(rng, *bytes, *unsigned),
        Type::Decimal {
            digits,
            scale,
            unsigned,
        } => decimal(rng, *digits, *scale, *unsigned),
        Type::Float | Type::Double => pick(
            rng,
            &[
                "0", "1", "-1.5", "0.1", "2.25", "-2", "1e10", "3e38", "-3e-20", "7", "8.125",
            ],
        )
        .into(),
        Type::Bit(bits) => {
            let bits = u32::from(*bits);
            let value = if rng.u8(..3) == 0 {
                rng.u64(..) >> (64 - bits)
            } else {
                rng.u64(..4).min(u64::MAX >> (64 - bits))
            };
            format!("b'{value:b}'")
        }
        Type::Year => pick(rng, &["1901", "2155", "2000", "0", "1999", "2024", "2023"]).into(),
        Type::Date => format!("'{}'", date(rng)),
        Type::Time(_) => format!("'{}'", time(rng)),
        Type::DateTime(_) => format!("'{} {}'", date(rng), clock(rng)),
        Type::Timestamp(_) => timestamp(rng),
        Type::Char { length, collation } if collation.contains("nopad") => {
            format!("'{}'", filled_up(&string(rng, usize::from(*length))))
        }
        Type::Char { length, .. } | Type::VarChar { length, .. } => {
            format!("'{}'", string(rng, usize::from(*length)))
        }
        Type::Text { .. } => text(rng),
        Type::Binary(length) | Type::VarBinary(length) => bytes(rng, usize::from(*length)),
        Type::Blob(_) => {
            if rng.u8(..3) == 0 {
                bytes(rng, 40)
            } else {
                text(rng)
            }
        }
        Type::Enum(values) | Type::Set(values) => member(rng, values, matches!(kind, Type::Set(_))),
        Type::Json => format!("'{}'", pick(rng, JSONS)),
        Type::Inet4 => format!("'{}'", pick(rng, INET4S)),
        Type::Inet6 => format!("'{}'", pick(rng, INET6S)),
        Type::Uuid => format!("'{}'", pick(rng, UUIDS)),
    }
}

/// Without what sorts below a space: an index has a CHAR with the spaces that fill it
/// up, and a comparison does not. Where none are ignored, either engine's answer
/// depends on its plan then.
fn filled_up(text: &str) -> String {
    ["\\t", "\\0", "\\n"]
        .iter()
        .fold(text.to_owned(), |text, low| text.replace(low, " "))
}

/// A literal to compare a column with: one that the column can have. An index finds
/// what a longer fraction is cut to, and a comparison does not.
pub(super) fn comparable(rng: &mut Rng, kind: &Type) -> String {
    let text = literal(rng, kind);
    let (Type::Time(scale) | Type::DateTime(scale) | Type::Timestamp(scale)) = kind else {
        return text;
    };
    match text.split_once('.') {
        Some((whole, _)) if *scale == 0 => format!("{whole}'"),
        Some((whole, rest)) => {
            let digits: String = rest
                .trim_end_matches('\'')
                .chars()
                .take(usize::from(*scale))
                .collect();
            format!("{whole}.{digits}'")
        }
        None => text,
    }
}

/// A literal, or NULL now and then.
pub(super) fn nullable(rng: &mut Rng, kind: &Type) -> String {
    if rng.u8(..7) == 0 {
        "NULL".into()
    } else {
        literal(rng, kind)
    }
}

fn int(rng: &mut Rng, bytes: u8, unsigned: bool) -> String {
    let bits = u32::from(bytes) * 8;
    let (min, max) = match unsigned {
        true => (0, (1_i128 << bits) - 1),
        false => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
    };
    let value = match rng.u8(..40) {
        0 => min,
        1 => max,
        2 => max + 1,
        3 => min - 1,
        4..=6 => min + i128::from(rng.u64(..)) % (max - min + 1),
        7..=10 if !unsigned => -i128::from(rng.u8(..10)),
        _ => i128::from(rng.u8(..30)),
    };
    value.to_string()
}

fn decimal(rng: &mut Rng, digits: u8, scale: u8, unsigned: bool) -> String {
    let whole = usize::from(digits - scale);
    let mut text = String::new();
    if !unsigned && rng.u8(..4) == 0 {
        text.push('-');
    }
    let most = match rng.u8(..6) {
        0 => whole,
        _ => whole.min(1),
    };
    text.push_str(&digits_of(rng, most));
    if scale > 0 {
        let count = rng.usize(0..=usize::from(scale).min(3));
        text = format!("{text}.{}", digits_of(rng, count));
    }
    text
}

fn digits_of(rng: &mut Rng, count: usize) -> String {
    match count {
        0 => "0".into(),
        _ => (0..count).map(|_| rng.digit(10)).collect(),
    }
}

fn date(rng: &mut Rng) -> String {
    match rng.u8(..3) {
        0 => pick(rng, DATES).into(),
        _ => format!("2024-0{}-{:02}", rng.u8(1..=3), rng.u8(1..=28)),
    }
}

fn time(rng: &mut Rng) -> String {
    if rng.bool() {
        pick(rng, TIMES).into()
    } else {
        clock(rng)
    }
}

fn clock(rng: &mut Rng) -> String {
    match rng.u8(..4) {
        0 => "00:00:00".into(),
        1 => "23:59:59.999999".into(),
        2 => format!("0{}:00:00", rng.u8(..10)),
        _ => format!("12:3{}:00.{}", rng.u8(..10), rng.u32(..1_000_000)),
    }
}

fn timestamp(rng: &mut Rng) -> String {
    match rng.u8(..8) {
        0 => "'1970-01-01 00:00:01'".into(),
        1 => "'2038-01-19 03:14:07.999999'".into(),
        2 => "'2040-01-01 00:00:00'".into(),
        _ => format!("'2024-01-0{} {}'", rng.u8(1..=5), clock(rng)),
    }
}

/// The inside of a string literal of at most this many letters; now and then
/// one too many.
fn string(rng: &mut Rng, length: usize) -> String {
    let longest = length.min(if rng.u8(..8) == 0 { 300 } else { 4 });
    let mut count = rng.usize(0..=longest);
    if rng.u8(..30) == 0 {
        count = length + 1;
    }
    // Mostly plain letters, which every character set has.
    let plain = rng.u8(..4) != 0;
    (0..count).map(|_| letter(rng, plain)).collect()
}

fn letter(rng: &mut Rng, plain: bool) -> &'static str {
    let among = if plain { 17 } else { LETTERS.len() };
    let letter = LETTERS[rng.usize(..among)];
    // Two-letter entries count as one letter.
    if plain && letter.len() > 1 { "c" } else { letter }
}

/// A string for a text or blob, long now and then.
fn text(rng: &mut Rng) -> String {
    match rng.u8(..12) {
        0 => format!("REPEAT('{}', {})", string(rng, 5), rng.u32(1..3000)),
        1 => format!("REPEAT('xy', {})", rng.u32(..40)),
        _ => format!("'{}'", string(rng, 8)),
    }
}

fn bytes(rng: &mut Rng, length: usize) -> String {
    let count = rng.usize(0..=length.min(5));
    let body: String = (0..count)
        .map(|_| match rng.u8(..4) {
            0 => "00".to_owned(),
            1 => "20".to_owned(),
            2 => format!("{:02X}", rng.u8(..)),
            _ => "61".to_owned(),
        })
        .collect();
    format!("X'{body}'")
}

fn member(rng: &mut Rng, values: &str, set: bool) -> String {
    let members: Vec<&str> = values
        .split(',')
        .map(|member| member.trim_matches('\''))
        .collect();
    // What is no member is stored as an empty string: a member, too, in some types, and
    // whether the two are equal then depends on the index that is used.
    if rng.u8(..25) == 0 && !members.contains(&"") {
        return "'nosuch'".into();
    }
    if !set {
        return format!("'{}'", pick(rng, &members));
    }
    let mut chosen: Vec<&str> = members.clone();
    chosen.retain(|_| rng.u8(..3) == 0);
    format!("'{}'", chosen.join(","))
}

/// A LIKE pattern.
pub(super) fn pattern(rng: &mut Rng) -> String {
    let body = string(rng, 2);
    match rng.u8(..4) {
        0 => format!("'%{body}%'"),
        1 => format!("'_{body}%'"),
        _ => format!("'{body}%'"),
    }
}

//! Column types: all that both engines have.

use fastrand::Rng;

/// A column's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Int {
        bytes: u8,
        unsigned: bool,
    },
    Decimal {
        digits: u8,
        scale: u8,
        unsigned: bool,
    },
    Float,
    Double,
    Bit(u8),
    Year,
    Date,
    Time(u8),
    DateTime(u8),
    Timestamp(u8),
    Char {
        length: u16,
        collation: &'static str,
    },
    VarChar {
        length: u16,
        collation: &'static str,
    },
    Text {
        kind: &'static str,
        collation: &'static str,
    },
    Binary(u16),
    VarBinary(u16),
    Blob(&'static str),
    Enum(&'static str),
    Set(&'static str),
    Json,
    Inet4,
    Inet6,
    Uuid,
}

/// Collations of every sort: one byte and several, PAD SPACE and NO PAD,
/// binary, contractions, expansions, several levels, and character sets of
/// their own.
const COLLATIONS: &[&str] = &[
    "utf8mb4_general_ci",
    "utf8mb4_general_ci",
    "utf8mb4_unicode_ci",
    "utf8mb4_bin",
    "utf8mb4_bin",
    "utf8mb4_nopad_bin",
    "utf8mb4_unicode_nopad_ci",
    "utf8mb4_uca1400_ai_ci",
    "utf8mb4_uca1400_as_cs",
    "utf8mb4_czech_ci",
    "utf8mb4_danish_ci",
    "utf8mb4_german2_ci",
    "utf8mb3_general_ci",
    "latin1_swedish_ci",
    "latin1_swedish_ci",
    "latin1_bin",
    "latin1_german2_ci",
    "latin1_general_cs",
    "latin1_nopad_bin",
    "latin2_czech_cs",
    "cp1251_general_ci",
    "ascii_bin",
    "ucs2_general_ci",
    "utf16_unicode_ci",
    "utf32_bin",
    "sjis_japanese_ci",
    "gbk_chinese_ci",
];

const TEXTS: &[&str] = &["TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"];
const BLOBS: &[&str] = &["TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"];
/// None has `''` for a member: what is no member is stored as another `''`, and
/// a comparison by an index finds the one only, one by the row both.
pub(super) const ENUMS: &[&str] = &["'a','b','c'", "'w','x','Y','zz'"];
pub(super) const SETS: &[&str] = &[
    "'a','b','c'",
    "'one','two','three','four','five','six','seven','eight','nine'",
];

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

impl Type {
    /// Any type, integers and strings most often.
    pub(super) fn any(rng: &mut Rng) -> Self {
        match rng.u8(..40) {
            0..=9 => Self::int(rng),
            10..=11 => {
                let digits = rng.u8(1..=30);
                Self::Decimal {
                    digits,
                    scale: rng.u8(0..=digits.min(10)),
                    unsigned: rng.u8(..4) == 0,
                }
            }
            12 => Self::Float,
            13 => Self::Double,
            14 => Self::Bit(pick(rng, &[1, 5, 8, 17, 64])),
            15 => Self::Year,
            16 => Self::Date,
            17 => Self::Time(rng.u8(0..=6)),
            18..=19 => Self::DateTime(rng.u8(0..=6)),
            20 => Self::Timestamp(rng.u8(0..=6)),
            21..=23 => Self::Char {
                length: rng.u16(1..=12),
                collation: pick(rng, COLLATIONS),
            },
            24..=29 => Self::VarChar {
                length: pick(rng, &[1, 5, 10, 20, 70, 300]),
                collation: pick(rng, COLLATIONS),
            },
            30..=31 => Self::Text {
                kind: pick(rng, TEXTS),
                collation: pick(rng, COLLATIONS),
            },
            32 => Self::Binary(rng.u16(1..=10)),
            33 => Self::VarBinary(rng.u16(1..=20)),
            34 => Self::Blob(pick(rng, BLOBS)),
            35 => Self::Enum(pick(rng, ENUMS)),
            36 => Self::Set(pick(rng, SETS)),
            37 => Self::Json,
            38 if rng.bool() => Self::Inet4,
            38 => Self::Inet6,
            _ => Self::Uuid,
        }
    }

    /// An integer type.
    pub(super) fn int(rng: &mut Rng) -> Self {
        Self::Int {
            bytes: pick(rng, &[1, 2, 3, 4, 4, 4, 8]),
            unsigned: rng.u8(..4) == 0,
        }
    }

    /// Its text in a definition.
    pub(super) fn sql(&self) -> String {
        let collated = |text: String, collation: &str| {
            let set = collation.split('_').next().unwrap_or("latin1");
            format!("{text} CHARACTER SET {set} COLLATE {collation}")
        };
        match self {
            Self::Int { bytes, unsigned } => {
                let name = match bytes {
                    1 => "TINYINT",
                    2 => "SMALLINT",
                    3 => "MEDIUMINT",
                    4 => "INT",
                    _ => "BIGINT",
                };
                format!("{name}{}", if *unsigned { " UNSIGNED" } else { "" })
            }
            Self::Decimal {
                digits,
                scale,
                unsigned,
            } => format!(
                "DECIMAL({digits},{scale}){}",
                if *unsigned { " UNSIGNED" } else { "" }
            ),
            Self::Float => "FLOAT".into(),
            Self::Double => "DOUBLE".into(),
            Self::Bit(bits) => format!("BIT({bits})"),
            Self::Year => "YEAR".into(),
            Self::Date => "DATE".into(),
            Self::Time(fraction) => format!("TIME({fraction})"),
            Self::DateTime(fraction) => format!("DATETIME({fraction})"),
            Self::Timestamp(fraction) => format!("TIMESTAMP({fraction})"),
            Self::Char { length, collation } => collated(format!("CHAR({length})"), collation),
            Self::VarChar { length, collation } => collated(format!("VARCHAR({length})"), collation),
            Self::Text { kind, collation } => collated((*kind).into(), collation),
            Self::Binary(length) => format!("BINARY({length})"),
            Self::VarBinary(length) => format!("VARBINARY({length})"),
            Self::Blob(kind) => (*kind).into(),
            Self::Enum(values) => format!("ENUM({values})"),
            Self::Set(values) => format!("SET({values})"),
            Self::Json => "JSON".into(),
            Self::Inet4 => "INET4".into(),
            Self::Inet6 => "INET6".into(),
            Self::Uuid => "UUID".into(),
        }
    }

    /// Whether values that compare equal can print differently, so that which
    /// one GROUP BY, DISTINCT or MIN shows is open.
    pub(super) fn is_loose(&self) -> bool {
        matches!(
            self,
            Self::Char { .. } | Self::VarChar { .. } | Self::Text { .. } | Self::Json
        )
    }

    /// Whether the server's plans differ in which value is the least or the greatest: a
    /// list's by its number in the groups that an index tells, otherwise by its text.
    pub(super) fn has_open_extremes(&self) -> bool {
        self.is_loose() || matches!(self, Self::Enum(_) | Self::Set(_))
    }

    /// Whether it is a string, of characters or of bytes.
    pub(super) fn is_string(&self) -> bool {
        self.is_loose() || matches!(self, Self::Binary(_) | Self::VarBinary(_) | Self::Blob(_))
    }

    /// Whether its letters have two or four bytes each: by an index the server then finds
    /// no control characters with LIKE.
    pub(super) fn is_wide(&self) -> bool {
        let sql = self.sql();
        [" ucs2 ", " utf16 ", " utf32 "]
            .iter()
            .any(|set| sql.contains(set))
    }

    /// Whether it is exact under + and SUM.
    pub(super) fn is_exact_number(&self) -> bool {
        matches!(self, Self::Int { .. } | Self::Decimal { .. } | Self::Year)
    }

    pub(super) fn is_int(&self) -> bool {
        matches!(self, Self::Int { .. })
    }

    /// Whether a key on it needs a prefix length.
    pub(super) fn needs_prefix(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Blob(_) | Self::Json)
    }

    /// The characters (or bytes) of a string column that a prefix can be
    /// shorter than.
    pub(super) fn length(&self) -> Option<u16> {
        match self {
            Self::Char { length, .. } | Self::VarChar { length, .. } => Some(*length),
            Self::Binary(length) | Self::VarBinary(length) => Some(*length),
            Self::Text { .. } | Self::Blob(_) | Self::Json => Some(60),
            _ => None,
        }
    }
}

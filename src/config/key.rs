//! What the table says about one key: its type, default, bounds, weight and meaning, and how a written value is read.
//! The words of the refusals are those that Kafka's own tools show, so that scripts which look for them go on working.

use std::fmt;

/// The type of a value, with the code that DescribeConfigs gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, in any case.
    Boolean,
    /// Any text, without the white space around it.
    String,
    /// A 32-bit integer.
    Int,
    /// A 16-bit integer.
    Short,
    /// A 64-bit integer.
    Long,
    /// A floating-point number.
    Double,
    /// Texts separated by commas.
    List,
    /// The name of a Java class: known, never loaded.
    Class,
    /// A text that no answer and no log line shows.
    Password,
}

impl Kind {
    /// The type's code in a DescribeConfigs answer.
    pub const fn wire_code(self) -> i8 {
        match self {
            Kind::Boolean => 1,
            Kind::String => 2,
            Kind::Int => 3,
            Kind::Short => 4,
            Kind::Long => 5,
            Kind::Double => 6,
            Kind::List => 7,
            Kind::Class => 8,
            Kind::Password => 9,
        }
    }

    /// The type's name as Kafka spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Boolean => "BOOLEAN",
            Kind::String => "STRING",
            Kind::Int => "INT",
            Kind::Short => "SHORT",
            Kind::Long => "LONG",
            Kind::Double => "DOUBLE",
            Kind::List => "LIST",
            Kind::Class => "CLASS",
            Kind::Password => "PASSWORD",
        }
    }
}

/// Which values of the right type are allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bounds {
    /// Every value of the type.
    Any,
    /// This number or more.
    AtLeast(i64),
    /// A number from the first to the second, both included.
    Between(i64, i64),
    /// As `Between`, or this one value beside them.
    BetweenOr(i64, i64, i64),
    /// A fraction from the first to the second, both included.
    Fraction(f64, f64),
    /// One of these texts, exactly.
    OneOf(&'static [&'static str]),
    /// One of these texts, in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// A list of these texts only; what is there twice counts once.
    ListOf(&'static [&'static str]),
    /// Not the empty text.
    NotEmpty,
    /// `*`, or a list of `partition:broker`.
    ThrottledReplicas,
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bounds::Any => f.write_str("any"),
            Bounds::AtLeast(least) => write!(f, "at least {least}"),
            Bounds::Between(least, most) => write!(f, "{least} to {most}"),
            Bounds::BetweenOr(least, most, other) => write!(f, "{least} to {most}, or {other}"),
            Bounds::Fraction(least, most) => write!(f, "{least} to {most}"),
            Bounds::OneOf(texts) => write!(f, "one of {}", texts.join(", ")),
            Bounds::OneOfAnyCase(texts) => write!(f, "one of {}, in any case", texts.join(", ")),
            Bounds::ListOf(texts) => write!(f, "a list of {}", texts.join(", ")),
            Bounds::NotEmpty => f.write_str("not empty"),
            Bounds::ThrottledReplicas => f.write_str("* or partition:broker,partition:broker,..."),
        }
    }
}

/// How much a reader should care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Nearly every installation decides it.
    High,
    /// Some do.
    Medium,
    /// Hardly any.
    Low,
}

/// How a broker key may be changed while the broker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Only by a restart.
    ReadOnly,
    /// For one broker.
    PerBroker,
    /// For one broker or for all.
    ClusterWide,
}

/// One key of a broker or a topic: a row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Kafka's name of it.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// The value when none is written, as Kafka prints it; `None` where Kafka has null.
    pub default: Option<&'static str>,
    /// What values are allowed.
    pub bounds: Bounds,
    /// How much a reader should care.
    pub importance: Importance,
    /// How it may be changed while the broker runs.
    pub update: Update,
    /// True for keys that Kafka keeps out of its documentation and its answers.
    pub internal: bool,
    /// What it does here, with the unit; empty: it is accepted and has no effect.
    pub doc: &'static str,
}

/// Shown for every key that has no documentation of its own.
pub const NO_EFFECT: &str = "Accepted; has no effect in Ringwood.";

/// A row with the commonest traits; the methods below say what differs.
pub const fn key(kind: Kind, name: &'static str, default: &'static str) -> Key {
    Key {
        name,
        kind,
        default: Some(default),
        bounds: Bounds::Any,
        importance: Importance::Medium,
        update: Update::ReadOnly,
        internal: false,
        doc: "",
    }
}

impl Key {
    /// Without a default: null.
    pub const fn null(mut self) -> Self {
        self.default = None;
        self
    }
    /// Only values within `bounds`.
    pub const fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }
    /// Numbers of `least` or more.
    pub const fn min(self, least: i64) -> Self {
        self.bounds(Bounds::AtLeast(least))
    }
    /// Of high importance.
    pub const fn high(mut self) -> Self {
        self.importance = Importance::High;
        self
    }
    /// Of low importance.
    pub const fn low(mut self) -> Self {
        self.importance = Importance::Low;
        self
    }
    /// Can be changed for all brokers while they run.
    pub const fn cluster_wide(mut self) -> Self {
        self.update = Update::ClusterWide;
        self
    }
    /// Can be changed for one broker while it runs.
    pub const fn per_broker(mut self) -> Self {
        self.update = Update::PerBroker;
        self
    }
    /// Kept out of documentation and answers.
    pub const fn internal(mut self) -> Self {
        self.internal = true;
        self
    }
    /// What it does here, with the unit.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Whether Ringwood does anything with the value.
    pub const fn acts(&self) -> bool {
        !self.doc.is_empty()
    }

    /// The documentation to show: the key's own, or that it has no effect.
    pub const fn documentation(&self) -> &'static str {
        if self.acts() { self.doc } else { NO_EFFECT }
    }

    /// Whether the value must never be shown.
    pub const fn sensitive(&self) -> bool {
        matches!(self.kind, Kind::Password)
    }

    /// Checks a written value and gives it as Kafka would print it: trimmed, numbers and booleans in their plain form.
    /// Errors: not of the type, or out of bounds.
    pub fn check(&self, written: &str) -> Result<String, Refusal> {
        let value = written.trim();
        let plain = match self.kind {
            Kind::Boolean => match value.to_ascii_lowercase().as_str() {
                plain @ ("true" | "false") => plain.to_string(),
                _ => return Err(Refusal::NotBoolean),
            },
            Kind::Int => self.number::<i32>(value)?,
            Kind::Short => self.number::<i16>(value)?,
            Kind::Long => self.number::<i64>(value)?,
            Kind::Double => self.fraction(value)?,
            Kind::String | Kind::Class | Kind::Password => {
                self.text(value)?;
                value.to_string()
            }
            Kind::List => {
                let items = list(value);
                self.items(&items)?;
                unique(&items).join(",")
            }
        };
        Ok(plain)
    }

    fn number<N: std::str::FromStr + Into<i64>>(&self, value: &str) -> Result<String, Refusal> {
        let number: i64 = value.parse::<N>().map_err(|_| Refusal::NotNumber(self.kind))?.into();
        match self.bounds {
            Bounds::AtLeast(least) if number < least => Err(Refusal::Below(least.to_string())),
            Bounds::Between(least, _) if number < least => Err(Refusal::Below(least.to_string())),
            Bounds::Between(_, most) if number > most => Err(Refusal::Above(most.to_string())),
            Bounds::BetweenOr(least, most, other) if number != other && !(least..=most).contains(&number) => {
                Err(Refusal::NotBetweenOr(least, most, other))
            }
            _ => Ok(number.to_string()),
        }
    }

    fn fraction(&self, value: &str) -> Result<String, Refusal> {
        let number: f64 = value.parse().map_err(|_| Refusal::NotNumber(self.kind))?;
        match self.bounds {
            Bounds::Fraction(least, _) if number < least || number.is_nan() => {
                Err(Refusal::Below(format!("{least}")))
            }
            Bounds::Fraction(_, most) if number > most => Err(Refusal::Above(format!("{most}"))),
            // Java prints a whole double with its ".0", which Rust's Debug does too.
            _ => Ok(format!("{number:?}")),
        }
    }

    fn text(&self, value: &str) -> Result<(), Refusal> {
        match self.bounds {
            Bounds::OneOf(allowed) if !allowed.contains(&value) => Err(Refusal::NotOneOf(allowed)),
            Bounds::OneOfAnyCase(allowed) if !allowed.iter().any(|text| text.eq_ignore_ascii_case(value)) => {
                Err(Refusal::NotOneOf(allowed))
            }
            Bounds::NotEmpty if value.is_empty() => Err(Refusal::Empty),
            _ => Ok(()),
        }
    }

    fn items(&self, items: &[&str]) -> Result<(), Refusal> {
        match self.bounds {
            Bounds::ListOf(allowed) if items.iter().any(|item| !allowed.contains(item)) => {
                Err(Refusal::NotOneOf(allowed))
            }
            Bounds::NotEmpty if items.is_empty() => Err(Refusal::Empty),
            Bounds::ThrottledReplicas if !throttled_replicas(items) => Err(Refusal::NotReplicas(self.name)),
            _ => Ok(()),
        }
    }
}

/// The items of a comma-separated list; none for an empty text.
pub fn list(value: &str) -> Vec<&str> {
    if value.trim().is_empty() { Vec::new() } else { value.split(',').map(str::trim).collect() }
}

/// Each item once, where it is first.
fn unique<'a>(items: &[&'a str]) -> Vec<&'a str> {
    let is_first =
        |(index, item): &(usize, &&str)| !items.iter().take(*index).any(|earlier| earlier == *item);
    items.iter().enumerate().filter(is_first).map(|(_, item)| *item).collect()
}

fn throttled_replicas(items: &[&str]) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    matches!(items, [] | ["*"])
        || items.iter().all(|item| item.split_once(':').is_some_and(|(a, b)| number(a) && number(b)))
}

/// Why a value is refused, in the words of Kafka's validators.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A boolean is neither `true` nor `false`.
    #[error("Expected value to be either true or false")]
    NotBoolean,
    /// Not a number, or one too large for the type.
    #[error("Not a number of type {}", .0.name())]
    NotNumber(Kind),
    /// Less than the bound.
    #[error("Value must be at least {0}")]
    Below(String),
    /// More than the bound.
    #[error("Value must be no more than {0}")]
    Above(String),
    /// Not among the allowed texts.
    #[error("String must be one of: {}", .0.join(", "))]
    NotOneOf(&'static [&'static str]),
    /// Neither within the bounds nor the one value beside them.
    #[error("Value must be between {0} and {1} or equal to {2}")]
    NotBetweenOr(i64, i64, i64),
    /// Empty where a value is needed.
    #[error("Value must not be empty")]
    Empty,
    /// Not a list of throttled replicas.
    #[error(
        "{0} must be the literal '*' or a list of replicas in the following format: \
         [partitionId]:[brokerId],[partitionId]:[brokerId],..."
    )]
    NotReplicas(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_kafka_reads_them() {
        let int = key(Kind::Int, "n", "1").min(1);
        assert_eq!(int.check(" 12 "), Ok("12".into()));
        assert_eq!(int.check("0"), Err(Refusal::Below("1".into())));
        assert_eq!(int.check("2147483648"), Err(Refusal::NotNumber(Kind::Int)));
        assert_eq!(int.check("1.5").unwrap_err().to_string(), "Not a number of type INT");
        let boolean = key(Kind::Boolean, "b", "true");
        assert_eq!(boolean.check("TRUE"), Ok("true".into()));
        assert_eq!(boolean.check("yes"), Err(Refusal::NotBoolean));
        let ratio = key(Kind::Double, "r", "0.5").bounds(Bounds::Fraction(0.0, 1.0));
        assert_eq!(ratio.check("1"), Ok("1.0".into()));
        assert_eq!(ratio.check("1.01"), Err(Refusal::Above("1".into())));
        let gzip = key(Kind::Int, "g", "-1").bounds(Bounds::BetweenOr(1, 9, -1));
        assert!(gzip.check("-1").is_ok() && gzip.check("9").is_ok());
        assert!(gzip.check("0").is_err() && gzip.check("10").is_err());
    }

    #[test]
    fn lists_are_split_and_checked() {
        let policy = key(Kind::List, "p", "delete").bounds(Bounds::ListOf(&["compact", "delete"]));
        assert_eq!(policy.check(" compact , delete "), Ok("compact,delete".into()));
        assert_eq!(policy.check(""), Ok(String::new()));
        assert_eq!(policy.check("compact,delete,compact"), Ok("compact,delete".into()));
        assert!(policy.check("shred").is_err());
        let replicas = key(Kind::List, "t", "").bounds(Bounds::ThrottledReplicas);
        assert!(
            replicas.check("*").is_ok() && replicas.check("0:1,12:3").is_ok() && replicas.check("").is_ok()
        );
        assert!(replicas.check("0:1,*").is_err() && replicas.check("a:1").is_err());
    }
}

//! What was really written, where, and in which words it is complained about. Every value in here has been checked
//! against the table; what was not written has the table's default.

use super::key::list;
use super::table;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// The name of the file as it was given.
        name: Arc<str>,
        /// The line, counted from 1.
        line: usize,
    },
    /// By `--override` on the command line.
    CommandLine,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { name, line } => write!(f, "{name}:{line}"),
            Place::CommandLine => f.write_str("--override"),
        }
    }
}

/// A wrong value, or values that do not go together: one line for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it was written, if it was.
    pub place: Option<Place>,
    /// The key.
    pub key: String,
    /// What is wrong, with the bounds.
    pub problem: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if self.key.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "{}: {}", self.key, self.problem)
        }
    }
}

impl std::error::Error for ConfigError {}

/// All that is wrong with a configuration, a line each; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

/// How loudly a notice is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only who looks for it.
    Debug,
    /// A line in the log.
    Info,
    /// The configuration may not do what its writer thinks.
    Warning,
}

/// What became of a key that was written, when it is not simply obeyed: one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How loudly to say it.
    pub level: Level,
    /// The line, with the place in front.
    pub text: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One value that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The value, in Kafka's plain form once it was checked.
    pub value: String,
    /// The value as it was written.
    pub raw: String,
    /// Where it stands.
    pub place: Place,
}

/// The written values by key; the others are the table's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, Setting>);

impl Settings {
    /// What was written for `name`.
    pub fn written(&self, name: &str) -> Option<&Setting> {
        self.0.get(name)
    }

    /// Whether anything was written for `name`.
    pub fn is_written(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All that was written, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().map(|(name, setting)| (name.as_str(), setting))
    }

    /// Writes a value; gives the one that it takes the place of.
    pub fn write(&mut self, name: &str, value: String, place: Place) -> Option<Setting> {
        self.0.insert(name.to_string(), Setting { raw: value.clone(), value, place })
    }

    /// Puts a checked value into its plain form; what was written stays known.
    pub fn set_plain(&mut self, name: &str, plain: String) {
        if let Some(setting) = self.0.get_mut(name) {
            setting.value = plain;
        }
    }

    /// Takes a value back.
    pub fn remove(&mut self, name: &str) -> Option<Setting> {
        self.0.remove(name)
    }

    /// The value in force: what was written, else the table's default, which may be null.
    pub fn value(&self, name: &str) -> Option<&str> {
        let default = || table::broker_key(name).and_then(|key| key.default);
        self.written(name).map(|setting| setting.value.as_str()).or_else(default)
    }

    /// The value in force; null reads as the empty text.
    pub fn text(&self, name: &str) -> &str {
        self.value(name).unwrap_or("")
    }

    /// The items of a list in force.
    pub fn items(&self, name: &str) -> Vec<&str> {
        list(self.text(name))
    }

    /// The boolean in force.
    pub fn boolean(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    /// The number in force. Error: none, or not of the type `N`.
    pub fn number<N: FromStr>(&self, name: &str) -> Result<N, ConfigError> {
        let value = self.text(name);
        value.parse().map_err(|_| self.error(name, format!("'{value}' is out of range")))
    }

    /// The number in force, `None` where it is negative: Kafka's way to say "no limit".
    pub fn limit<N: FromStr>(&self, name: &str) -> Result<Option<N>, ConfigError> {
        if self.text(name).starts_with('-') { Ok(None) } else { self.number(name).map(Some) }
    }

    /// Something wrong with the value of `name`, with its place.
    pub fn error(&self, name: &str, problem: impl Into<String>) -> ConfigError {
        let place = self.written(name).map(|setting| setting.place.clone());
        ConfigError { place, key: name.to_string(), problem: problem.into() }
    }
}

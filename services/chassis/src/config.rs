//! Reads configuration from environment variables. All mistakes are collected
//! and told at once, each with the variable's name and what was expected.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::SocketAddr,
    str::FromStr,
    time::Duration,
};

/// Environment variables, and the mistakes found in them so far.
#[derive(Debug, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    known: BTreeSet<String>,
    mistakes: Vec<String>,
}

/// Everything that is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is not valid:\n  {}", .0.join("\n  "))]
pub struct ConfigError(Vec<String>);

impl ConfigError {
    /// Each mistake: a variable, and what is wrong with it.
    #[must_use]
    pub fn mistakes(&self) -> &[String] {
        &self.0
    }
}

impl Env {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::of(variables)
    }

    /// These variables.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            variables: variables
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            ..Self::default()
        }
    }

    /// Gives a variable a value where it has none, not even as `…_FILE`.
    pub fn set_default(&mut self, name: &str, value: impl Into<String>) {
        if !self.variables.contains_key(&format!("{name}_FILE")) {
            self.variables
                .entry(name.to_owned())
                .or_insert_with(|| value.into());
        }
    }

    /// A variable's text, if it is set.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.known.insert(name.to_owned());
        self.variables.get(name).cloned()
    }

    /// Whether a secret is set, also as `…_FILE`.
    pub fn is_given(&mut self, name: &str) -> bool {
        self.text(name).is_some() || self.text(&format!("{name}_FILE")).is_some()
    }

    /// A variable read by `parse`, whose error says what is expected; the
    /// default where it is not set.
    pub fn parse<T>(
        &mut self,
        name: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let Some(text) = self.text(name) else {
            return default;
        };
        match parse(&text) {
            Ok(value) => value,
            Err(expected) => {
                self.mistake(name, &format!("is `{text}`, expected {expected}"));
                default
            }
        }
    }

    /// A secret, from the variable or from the file that `…_FILE` names. Its
    /// value is never part of a message.
    pub fn secret<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let file_name = format!("{name}_FILE");
        let text = match (self.text(name), self.text(&file_name)) {
            (Some(_), Some(_)) => {
                self.mistake(name, &format!("is set twice: also as {file_name}"));
                None
            }
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(text.trim_end().to_owned()),
                Err(error) => {
                    self.mistake(&file_name, &format!("names `{path}`: {error}"));
                    None
                }
            },
            (text, None) => text,
        };
        match parse(&text?) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.mistake(name, &format!("is not {expected}"));
                None
            }
        }
    }

    /// Notes a mistake.
    pub fn mistake(&mut self, name: &str, what: &str) {
        self.mistakes.push(format!("{name} {what}"));
    }

    /// Notes that a variable must be set.
    pub fn missing(&mut self, name: &str, what: &str) {
        self.mistake(name, &format!("is not set: {what}"));
    }

    /// What `read` would ask for counts as known, though this process does not
    /// need it: one environment may serve several processes.
    pub fn know<T>(&mut self, read: impl FnOnce(&mut Self) -> T) {
        let mut other = Self {
            variables: self.variables.clone(),
            ..Self::default()
        };
        read(&mut other);
        self.known.append(&mut other.known);
    }

    /// A warning for each `PORTICO_` variable that nothing has asked for.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        let unknown = self
            .variables
            .keys()
            .filter(|name| name.starts_with("PORTICO_") && !self.known.contains(*name));
        unknown
            .map(|name| {
                let mut warning = format!("the variable {name} is not known");
                let nearest = self.known.iter().min_by_key(|known| distance(known, name));
                if let Some(nearest) = nearest.filter(|nearest| distance(nearest, name) <= 4) {
                    let _ = write!(warning, "; did you mean {nearest}?");
                }
                warning
            })
            .collect()
    }

    /// Nothing, if there was no mistake.
    ///
    /// # Errors
    ///
    /// All mistakes.
    pub fn finish(&self) -> Result<(), ConfigError> {
        if self.mistakes.is_empty() {
            Ok(())
        } else {
            Err(ConfigError(self.mistakes.clone()))
        }
    }
}

/// Levenshtein's distance: how many letters to add, remove or replace.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

/// Reads `30s`, `10m`, `24h` or `30d`.
///
/// # Errors
///
/// What is expected.
pub fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "a duration such as 30s, 10m, 24h or 30d".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => return Err(expected()),
    };
    let amount: u64 = text[..text.len() - 1].parse().map_err(|_| expected())?;
    amount
        .checked_mul(unit)
        .filter(|seconds| (1..=36_500 * 86_400).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(expected)
}

/// Reads a size in bytes: `512`, `64KiB` or `1MiB`.
///
/// # Errors
///
/// What is expected.
pub fn size(text: &str) -> Result<usize, String> {
    let expected = || "a size such as 512, 64KiB or 1MiB".to_owned();
    let (digits, unit) = match text {
        _ if text.ends_with("KiB") => (&text[..text.len() - 3], 1 << 10),
        _ if text.ends_with("MiB") => (&text[..text.len() - 3], 1 << 20),
        _ => (text, 1),
    };
    let amount: usize = digits.parse().map_err(|_| expected())?;
    amount
        .checked_mul(unit)
        .filter(|size| *size > 0)
        .ok_or_else(expected)
}

/// Reads an address to listen on, such as `127.0.0.1:8080` or `[::]:8080`.
///
/// # Errors
///
/// What is expected.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    SocketAddr::from_str(text)
        .map_err(|_| "an address and port such as 127.0.0.1:8080 or [::]:8080".to_owned())
}

/// Reads `on` or `off`, `true` or `false`.
///
/// # Errors
///
/// What is expected.
pub fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(variables: &[(&str, &str)]) -> Env {
        Env::of(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let mut env = env(&[("PORTICO_A", "soon"), ("PORTICO_B", "huge")]);
        assert_eq!(
            env.parse("PORTICO_A", Duration::ZERO, duration),
            Duration::ZERO
        );
        assert_eq!(env.parse("PORTICO_B", 7, size), 7);
        let text = env.finish().expect_err("two mistakes").to_string();
        assert!(text.contains("PORTICO_A is `soon`") && text.contains("PORTICO_B is `huge`"));
    }

    #[test]
    fn a_secret_is_never_part_of_a_message() {
        let mut env = env(&[("PORTICO_KEY", "hunter2")]);
        let read = env.secret::<()>("PORTICO_KEY", |_| Err("32 bytes in base64".to_owned()));
        assert!(read.is_none());
        let text = env.finish().expect_err("a mistake").to_string();
        assert!(text.contains("PORTICO_KEY is not 32 bytes") && !text.contains("hunter2"));
    }

    #[test]
    fn a_secret_may_stand_in_a_file_but_not_in_both_places() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("key");
        std::fs::write(&path, "from file\n").expect("written");
        let path = path.to_str().expect("text");
        let mut one = env(&[("PORTICO_KEY_FILE", path)]);
        let text = |text: &str| Ok(text.to_owned());
        assert_eq!(
            one.secret("PORTICO_KEY", text).as_deref(),
            Some("from file")
        );
        let mut both = env(&[("PORTICO_KEY_FILE", path), ("PORTICO_KEY", "x")]);
        assert_eq!(both.secret("PORTICO_KEY", text), None);
        assert!(both.finish().is_err());
    }

    #[test]
    fn an_unknown_variable_is_warned_of_with_the_nearest_name() {
        let mut env = env(&[("PORTICO_BODY_LIMITS", "1MiB"), ("HOME", "/")]);
        env.parse("PORTICO_BODY_LIMIT", 1, size);
        let warnings = env.unknown();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].ends_with("did you mean PORTICO_BODY_LIMIT?"));
    }

    #[test]
    fn durations_and_sizes_have_units() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(size("1MiB"), Ok(1_048_576));
        for text in ["", "s", "10", "-1s", "0s", "1w", "99999999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["", "0", "1GB", "-1", "KiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}

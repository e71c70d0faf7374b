//! Secrets of channels: read from a file or the environment, never shown.
//!
//! The address of a robot is a secret too: whoever has it can write to the group.

use std::fmt;
use std::path::PathBuf;

/// What stands in the place of a secret.
const HIDDEN: &str = "***";
/// A secret is at most this long: keys and addresses are far shorter, and a wrong path may name a
/// large file.
const BYTES_MAX: usize = 8 * 1024;

/// A secret; shows itself only to [`Secret::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text as a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A text without this secret in it.
    #[must_use]
    pub fn hide_in(&self, text: &str) -> String {
        if self.0.is_empty() {
            text.to_owned()
        } else {
            text.replace(&self.0, HIDDEN)
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a file; blanks and line ends around it do not count.
    File(PathBuf),
    /// In a variable of the hub's environment.
    Environment(String),
    /// In the configuration itself; for addresses that carry no key.
    Inline(Secret),
}

impl Source {
    /// Reads it.
    ///
    /// # Errors
    /// A sentence that says where it should be and what is wrong; never the secret.
    pub fn read(&self) -> Result<Secret, String> {
        let text = match self {
            Source::File(path) => std::fs::read_to_string(path)
                .map_err(|why| format!("`{}` cannot be read: {why}", path.display()))?,
            Source::Environment(name) => std::env::var(name)
                .map_err(|_| format!("the environment variable `{name}` is not set"))?,
            Source::Inline(secret) => return Ok(secret.clone()),
        };
        let text = text.trim();
        if text.is_empty() || text.len() > BYTES_MAX || text.contains(char::is_control) {
            return Err(format!(
                "{} does not hold a secret: one line of 1 to {BYTES_MAX} bytes is needed",
                self.place()
            ));
        }
        Ok(Secret::new(text))
    }

    /// Where it is, for people.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Source::File(path) => format!("`{}`", path.display()),
            Source::Environment(name) => format!("the environment variable `{name}`"),
            Source::Inline(_) => "the configuration".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_not_in_its_debug_text_nor_in_hidden_texts() {
        let secret = Secret::new("SEC123");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.hide_in("key=SEC123&x"), "key=***&x");
        assert_eq!(secret.reveal(), "SEC123");
    }

    #[test]
    fn file_is_read_without_its_line_end_and_an_empty_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "abc\n").unwrap();
        assert_eq!(Source::File(path.clone()).read(), Ok(Secret::new("abc")));
        std::fs::write(&path, "\n").unwrap();
        assert!(Source::File(path).read().unwrap_err().contains("one line"));
        let absent = Source::Environment("GRIDWATCH_TEST_ABSENT".into());
        assert!(absent.read().unwrap_err().contains("is not set"));
    }
}

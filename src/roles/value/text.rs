//! A text, whether it must not be seen, and whether it may be evaluated.

use std::sync::Arc;

/// A text, whether it must not be seen, and whether it may be evaluated.
#[derive(Clone)]
pub struct Text {
    text: Arc<str>,
    secret: bool,
    origin: Origin,
}

/// Where a text comes from, as long as it is carried about as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A result, a fact, or what a template has made.
    Elsewhere,
    /// The verified tree, settings or the command line.
    Tree,
    /// A value that was encrypted.
    Vault,
    /// A date, or a moment, that YAML wrote plainly: no text to Python.
    Moment,
    /// What a filter has made safe for HTML, which none escapes again.
    Markup,
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.secret == other.secret && self.is_moment() == other.is_moment()
    }
}

impl Eq for Text {}

impl Text {
    /// A text in the open.
    pub fn open(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), secret: false, origin: Origin::Elsewhere }
    }

    /// A text that must not be seen.
    pub fn secret(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), secret: true, origin: Origin::Elsewhere }
    }

    /// A text of the verified tree, settings or the command line.
    pub(super) fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), secret: false, origin: Origin::Tree }
    }

    /// A text that was opened with a key of Ansible Vault.
    pub(super) fn opened(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), secret: true, origin: Origin::Vault }
    }

    /// A date, or a moment, as Python's `str` has it.
    pub fn moment(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), secret: false, origin: Origin::Moment }
    }

    /// A text that is safe for HTML.
    pub(in crate::roles) fn markup(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), secret: false, origin: Origin::Markup }
    }

    /// The same text, not to be seen any more.
    pub(super) fn into_secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// Whether it stands as it is in the verified tree, settings or the command line: only such a text is evaluated
    /// where it turns out to be a condition.
    pub fn is_trusted(&self) -> bool {
        self.origin == Origin::Tree
    }

    /// Whether it was opened with a key of Ansible Vault.
    pub fn was_encrypted(&self) -> bool {
        self.origin == Origin::Vault
    }

    /// Whether it is a date, or a moment.
    pub fn is_moment(&self) -> bool {
        self.origin == Origin::Moment
    }

    /// Whether it is safe for HTML.
    pub(in crate::roles) fn is_markup(&self) -> bool {
        self.origin == Origin::Markup
    }

    /// The text itself, secret or not: for the work, not for printing.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether it must not be seen.
    pub fn is_secret(&self) -> bool {
        self.secret
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.secret { f.write_str(crate::secret::REDACTED) } else { write!(f, "{:?}", self.text) }
    }
}

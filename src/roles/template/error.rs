//! What can go wrong in a template, with the place where it is written.

use crate::failure::{Explain, Place};

/// A template that could not be evaluated.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What kind of trouble.
    pub kind: TemplateTrouble,
    /// What was attempted and why it did not work; never a secret.
    pub message: String,
    /// Where it is written.
    pub place: Option<Place>,
    /// What to do next.
    pub hint: Option<String>,
}

/// Kinds of trouble that callers treat differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateTrouble {
    /// The text does not parse, or names a filter, test or lookup that does not exist.
    Syntax,
    /// A variable or attribute is not defined.
    Undefined,
    /// The same where an operator needed its value: no `default` around it helps, as opposed to one of the variable that
    /// the expression stands in.
    Used,
    /// The value depends on one that is not known before apply.
    Unknown,
    /// A file, program or service that a lookup asked could not answer.
    Lookup,
    /// Anything else that failed while evaluating.
    Failed,
}

impl TemplateError {
    pub(super) fn new(kind: TemplateTrouble, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), place: None, hint: None }
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(TemplateTrouble::Failed, message)
    }

    pub(super) fn unknown() -> Self {
        Self::new(TemplateTrouble::Unknown, "the value is known only when the plan is applied")
    }

    /// A filter, test or lookup that does not exist, or that muster does not do.
    pub(super) fn no_such<'n>(
        what: &str,
        name: &str,
        refused: &[(&str, &str)],
        names: impl Iterator<Item = &'n str>,
    ) -> Self {
        let same = |full: &str| full == name || full.rsplit('.').next() == Some(name);
        if let Some((_, why)) = refused.iter().find(|(full, _)| same(full)) {
            return Self::new(TemplateTrouble::Syntax, format!("the {what} `{name}` is not supported")).with_hint(*why);
        }
        // What cannot be a name is one nowhere: the task fails with Ansible too.
        if !name.chars().all(|c| c.is_alphanumeric() || "_.".contains(c)) {
            return Self::failed(format!("The {what} plugin '{name}' was not found."));
        }
        let mut error = Self::new(TemplateTrouble::Syntax, format!("there is no {what} `{name}`"));
        error.hint = nearest(name, names);
        error
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    /// Whether the value depends on one that is not known before apply.
    pub fn is_unknown(&self) -> bool {
        self.kind == TemplateTrouble::Unknown
    }

    /// Whether a variable or attribute is not defined.
    pub fn is_undefined(&self) -> bool {
        matches!(self.kind, TemplateTrouble::Undefined | TemplateTrouble::Used)
    }

    /// An operator's error.
    pub(super) fn of_operator(mut self) -> Self {
        if self.kind == TemplateTrouble::Undefined {
            self.kind = TemplateTrouble::Used;
        }
        self
    }
}

impl Explain for TemplateError {
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    fn place(&self) -> Option<Place> {
        self.place.clone()
    }
}

/// The nearest of some names to one that is not among them.
pub(super) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let limit = (name.len() / 3).clamp(1, 3);
    names
        .into_iter()
        .map(|have| (strsim::damerau_levenshtein(have, name), have))
        .filter(|(distance, _)| (1..=limit).contains(distance))
        .min()
        .map(|(_, have)| format!("did you mean `{have}`?"))
}

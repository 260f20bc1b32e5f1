//! Why an image may not be attested or promoted.

use crate::failure::Explain;

/// One image, the rule that it breaks, and how.
#[derive(Debug, thiserror::Error)]
#[error("{image}: {why}")]
pub struct ImageError {
    /// Which rule: `image/validation`, `image/run`, ...
    pub rule: &'static str,
    /// The image, or the name that it was to be promoted to.
    pub image: String,
    /// What was asked of it, and what there is.
    pub why: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl ImageError {
    /// A breach of a rule.
    pub fn new(rule: &'static str, image: impl ToString, why: impl Into<String>) -> Self {
        Self { rule, image: image.to_string(), why: why.into(), hint: None }
    }

    /// The same with what to do next.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl Explain for ImageError {
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    fn rule(&self) -> Option<&'static str> {
        Some(self.rule)
    }
}

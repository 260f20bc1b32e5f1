//! An answer, and how it reaches the caller.

use std::time::Duration;

/// How much of an answer arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// All of it.
    #[default]
    Whole,
    /// The head and half of the body; then the connection closes.
    CutOff,
    /// Nothing; the connection is reset.
    Reset,
    /// Nothing, ever; the connection stays open.
    Silence,
}

/// Status, headers and body, when and how they are delivered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) delay: Duration,
    pub(crate) delivery: Delivery,
}

impl Reply {
    /// An answer with a body of one content type.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let reply = Self { status, body: body.into(), ..Self::default() };
        if content_type.is_empty() { reply } else { reply.with("content-type", content_type) }
    }

    /// No answer at all.
    pub(crate) fn never() -> Self {
        Self { delivery: Delivery::Silence, ..Self::default() }
    }

    /// One header more.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

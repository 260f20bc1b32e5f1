//! A settings document as written: values that know the line and column where they stand.

use crate::failure::Place;
use indexmap::IndexMap;
use std::fmt;
use std::sync::Arc;

/// Who may have written a document, in rising precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// `/etc/muster/muster.yaml` and `conf.d`: part of the image.
    Baked,
    /// User-data: chosen by whoever launches.
    Launch,
    /// The command line.
    Flag,
}

/// A text that was read, as the user would name it.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) layer: Layer,
    pub(crate) text: String,
}

/// A place in a source.
#[derive(Clone)]
pub(crate) struct Mark {
    pub(crate) source: Arc<Source>,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// Who set a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Which layer.
    pub layer: Layer,
    /// The file as the user would name it, "user-data", or the flag.
    pub source: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.layer {
            Layer::Flag => f.write_str(&self.source),
            _ => write!(f, "{}:{}:{}", self.source, self.line, self.column),
        }
    }
}

impl Mark {
    pub(crate) fn origin(&self) -> Origin {
        let source = self.source.name.clone();
        Origin { layer: self.source.layer, source, line: self.line, column: self.column }
    }

    /// For messages. Launch data and lines that name a secret are not quoted.
    pub(crate) fn place(&self) -> Box<Place> {
        let line = usize::try_from(self.line).unwrap_or(1).saturating_sub(1);
        let excerpt = self.source.text.lines().nth(line).filter(|text| {
            self.source.layer == Layer::Baked && text.len() <= 160 && !secret_name(text) && !text.contains('@')
        });
        Box::new(Place {
            file: self.source.name.clone(),
            line: self.line,
            column: self.column,
            excerpt: excerpt.map(str::to_owned),
        })
    }
}

/// Whether a key's name says that its value must not be seen.
pub(crate) fn secret_name(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "credential",
        "private",
        "apikey",
        "api_key",
        "wait_handle",
    ];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// A mapping's member: where its key stands, and its value.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) key: Mark,
    pub(crate) value: Node,
}

/// A value and where it stands.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) content: Content,
}

/// What a value is.
#[derive(Clone)]
pub(crate) enum Content {
    /// YAML's null, which resets a key to its default.
    Null,
    /// Anything written as one word; the text is kept, so that `0644` stays what was written.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order written.
    Map(IndexMap<String, Member>),
}

/// One word or quoted text.
#[derive(Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) plain: bool,
    /// Whether a template gave it: it may then be a number or a truth value.
    pub(crate) rendered: bool,
}

impl Scalar {
    /// Whether it is still to be rendered.
    pub(crate) fn is_template(&self) -> bool {
        !self.rendered && (self.text.contains("{{") || self.text.contains("{%"))
    }

    /// Whether its type may be read off its text, as YAML does for plain words.
    fn typed(&self) -> bool {
        self.plain || self.rendered
    }

    /// Its truth value, if it is one (YAML 1.2: `true` and `false`, nothing else).
    pub(crate) fn bool(&self) -> Option<bool> {
        match self.text.as_str() {
            "true" | "True" | "TRUE" if self.typed() => Some(true),
            "false" | "False" | "FALSE" if self.typed() => Some(false),
            _ => None,
        }
    }

    /// Its whole number, if it is one.
    pub(crate) fn int(&self) -> Option<i64> {
        let digits = self.text.strip_prefix(['-', '+']).unwrap_or(&self.text);
        let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        (self.typed() && number && (digits.len() == 1 || !digits.starts_with('0')))
            .then(|| self.text.parse().ok())
            .flatten()
    }

    /// Its fraction, if it is one.
    pub(crate) fn float(&self) -> Option<f64> {
        let numeric = self.text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        (self.typed() && numeric && self.text.contains(['.', 'e', 'E'])).then(|| self.text.parse().ok()).flatten()
    }

    /// Whether YAML 1.1, which Ansible reads, takes the word for another thing than YAML 1.2 does.
    pub(crate) fn ambiguous(&self) -> bool {
        const WORDS: &[&str] = &["yes", "no", "on", "off"];
        let octal = |text: &str| text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
        self.plain && !self.rendered && (WORDS.contains(&self.text.to_ascii_lowercase().as_str()) || octal(&self.text))
    }
}

impl Node {
    /// A member of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Map(map) => map.get(key).map(|member| &member.value),
            _ => None,
        }
    }

    /// The value at a dotted path with list indices, as `health[0].timeout`.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty());
        steps.into_iter().try_fold(self, |node, step| match &node.content {
            Content::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => node.get(step),
        })
    }

    /// What the value is, for messages.
    pub(crate) fn kind(&self) -> String {
        match &self.content {
            Content::Null => "nothing".into(),
            Content::Scalar(scalar) if scalar.bool().is_some() => format!("the truth value {}", scalar.text),
            Content::Scalar(scalar) if scalar.int().is_some() || scalar.float().is_some() => {
                format!("the number {}", scalar.text)
            }
            Content::Scalar(_) => "a string".into(),
            Content::List(_) => "a list".into(),
            Content::Map(_) => "a mapping".into(),
        }
    }

    /// Every leaf with its dotted path, in order.
    pub(crate) fn leaves(&self) -> Vec<(String, &Self)> {
        let mut found = Vec::new();
        self.collect_leaves(&mut String::new(), &mut found);
        found
    }

    fn collect_leaves<'a>(&'a self, path: &mut String, found: &mut Vec<(String, &'a Self)>) {
        let length = path.len();
        match &self.content {
            Content::Map(map) if !map.is_empty() => {
                for (key, member) in map {
                    if length > 0 {
                        path.push('.');
                    }
                    path.push_str(key);
                    member.value.collect_leaves(path, found);
                    path.truncate(length);
                }
            }
            Content::List(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    path.push_str(&format!("[{index}]"));
                    item.collect_leaves(path, found);
                    path.truncate(length);
                }
            }
            _ => found.push((path.clone(), self)),
        }
    }
}

/// A step of a dotted path put before the rest of it: `health` and `[0].timeout` make `health[0].timeout`.
pub(crate) fn join(step: &str, rest: &str) -> String {
    if rest.is_empty() || rest.starts_with('[') { format!("{step}{rest}") } else { format!("{step}.{rest}") }
}

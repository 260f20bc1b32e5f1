//! Parser events to nodes: anchors, tags, limits.

use super::error::YamlError;
use super::loose::Loose;
use super::merge::Written;
use super::node::{Content, Document, Node, Source};
use super::scalar::{float, int, is_template, resolve};
use crate::roles::value::Value;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of one text.
const LARGEST: usize = 8 << 20;
/// Levels of lists and mappings.
const DEEPEST: usize = 100;
/// Nodes of one document, aliases expanded.
const MOST: u32 = 2_000_000;

/// Reads a text that holds one YAML document; `file` is its name in messages.
pub fn read(file: &str, text: &str) -> Result<Document, YamlError> {
    read_source(Arc::new(Source::new(file, text, false)), text)
}

/// The same for a text that came out of an encrypted file: its lines are not shown, and its texts are secrets.
pub fn read_hidden(file: &str, text: &str) -> Result<Document, YamlError> {
    read_source(Arc::new(Source::new(file, text, true)), text)
}

fn read_source(source: Arc<Source>, text: &str) -> Result<Document, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > LARGEST {
        return Err(YamlError::Limit { what: "a YAML file may have 8 MiB", place: source.place(1, 1) });
    }
    let mut loose = Loose::default();
    loop {
        match compose(&source, &loose.apply(text), &loose) {
            Err(Stopped::Scan(error)) => {
                if !loose.forgive(text, &error) {
                    let (line, column) = loose.position(error.marker());
                    let problem = error.info().to_owned();
                    return Err(YamlError::Syntax { problem, place: source.place(line, column) });
                }
            }
            Err(Stopped::Other(error)) => return Err(*error),
            Ok(document) => return Ok(document),
        }
    }
}

/// Why a text could not be composed.
enum Stopped {
    Scan(ScanError),
    Other(Box<YamlError>),
}

impl From<YamlError> for Stopped {
    fn from(error: YamlError) -> Self {
        Self::Other(Box::new(error))
    }
}

fn compose(source: &Arc<Source>, text: &str, loose: &Loose) -> Result<Document, Stopped> {
    let mut composer = Composer {
        source: Arc::clone(source),
        stack: Vec::new(),
        anchors: HashMap::new(),
        root: None,
        warnings: Vec::new(),
        nodes: 0,
        last: (1, 1),
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(Stopped::Scan)?;
        composer.last = loose.position(&span.start);
        composer.event(without_added_break(event, text, span.end.index()))?;
    }
    let root = composer.root.take().unwrap_or_else(|| composer.node(Content::Plain(Value::Null), 1));
    Ok(Document { root, warnings: composer.warnings })
}

/// A block scalar at the end of a text whose last line does not end: PyYAML gives it no line break either.
fn without_added_break<'e>(event: Event<'e>, text: &str, end: usize) -> Event<'e> {
    let last = text.rsplit('\n').next().unwrap_or_default().trim_matches(' ');
    match event {
        Event::Scalar(scalar, style @ (ScalarStyle::Literal | ScalarStyle::Folded), anchor, tag)
            if !last.is_empty() && end >= text.chars().count() && scalar.trim_end().ends_with(last.trim_end()) =>
        {
            Event::Scalar(scalar.strip_suffix('\n').unwrap_or(&scalar).to_owned().into(), style, anchor, tag)
        }
        other => other,
    }
}

enum Open {
    List(Vec<Node>),
    Map { written: Written, key: Option<(Node, bool)> },
}

struct Frame {
    open: Open,
    anchor: usize,
    at: (u32, u32),
    weight: u32,
    /// Below a `!unsafe`.
    plain: bool,
}

struct Composer {
    source: Arc<Source>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    warnings: Vec<super::node::Warning>,
    nodes: u32,
    last: (u32, u32),
}

impl Composer {
    fn place(&self) -> crate::failure::Place {
        self.source.place(self.last.0, self.last.1)
    }

    fn node(&self, content: Content, weight: u32) -> Node {
        Node { content, line: self.last.0, column: self.last.1, source: Arc::clone(&self.source), weight }
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), YamlError> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(YamlError::Syntax { problem: "a second document begins here".into(), place: self.place() })
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id).cloned() else {
                    let problem = "an alias stands within its own anchor".to_owned();
                    return Err(YamlError::Syntax { problem, place: self.place() });
                };
                let (line, column) = self.last;
                self.add(Node { line, column, ..node }, false)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let content = self.scalar(&text, style, tag.as_deref())?;
                let node = self.node(content, 1);
                self.anchor(anchor, &node);
                self.add(node, style == ScalarStyle::Plain && tag.is_none() && text == "<<")
            }
            Event::SequenceStart(anchor, tag) => self.open(Open::List(Vec::new()), anchor, tag),
            Event::MappingStart(anchor, tag) => {
                self.open(Open::Map { written: Written::default(), key: None }, anchor, tag)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
        }
    }

    fn open(&mut self, open: Open, anchor: usize, tag: Option<Cow<'_, Tag>>) -> Result<(), YamlError> {
        if self.stack.len() >= DEEPEST {
            return Err(YamlError::Limit { what: "YAML is nested deeper than 100 levels", place: self.place() });
        }
        let mut plain = self.stack.last().is_some_and(|frame| frame.plain);
        if let Some(tag) = tag {
            match (tag.handle.as_str(), tag.suffix.as_str()) {
                ("!", "unsafe") => plain = true,
                ("tag:yaml.org,2002:", "seq") if matches!(open, Open::List(_)) => {}
                ("tag:yaml.org,2002:", "map") if matches!(open, Open::Map { .. }) => {}
                _ => return Err(self.unknown(&tag)),
            }
        }
        self.stack.push(Frame { open, anchor, at: self.last, weight: 1, plain });
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let content = match frame.open {
            Open::List(items) => Content::List(items.into()),
            Open::Map { written, .. } => Content::Map(written.settle(&mut self.warnings)?.into()),
        };
        let node = Node {
            content,
            line: frame.at.0,
            column: frame.at.1,
            source: Arc::clone(&self.source),
            weight: frame.weight,
        };
        self.anchor(frame.anchor, &node);
        self.add(node, false)
    }

    fn anchor(&mut self, id: usize, node: &Node) {
        if id > 0 {
            self.anchors.insert(id, node.clone());
        }
    }

    fn add(&mut self, node: Node, merge: bool) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(node.weight);
        if self.nodes > MOST {
            return Err(YamlError::Limit { what: "YAML aliases expand to too many nodes", place: self.place() });
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        frame.weight = frame.weight.saturating_add(node.weight);
        match &mut frame.open {
            Open::List(items) => items.push(node),
            Open::Map { written, key } => match key.take() {
                None => *key = Some((node, merge)),
                Some((_, true)) => written.merged.push(node),
                Some((name, false)) => written.own.push((name, node)),
            },
        }
        Ok(())
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Content, YamlError> {
        let unsafe_here = self.stack.last().is_some_and(|frame| frame.plain);
        let as_text = || {
            if is_template(text) && !unsafe_here {
                Content::Template(text.into())
            } else if unsafe_here {
                Content::Plain(Value::str(text))
            } else {
                Content::Plain(Value::trusted(text))
            }
        };
        let Some(tag) = tag else {
            return Ok(match style {
                ScalarStyle::Plain => match resolve(text) {
                    Value::Str(text) if !text.is_moment() => as_text(),
                    other => Content::Plain(other),
                },
                _ => as_text(),
            });
        };
        if let ("!", "vault" | "vault-encrypted") = (tag.handle.as_str(), tag.suffix.as_str()) {
            if !crate::roles::vault::Vault::is_encrypted(text.as_bytes()) {
                let problem = format!("`{tag}` takes a text that ansible-vault made");
                return Err(YamlError::Syntax { problem, place: self.place() });
            }
            return Ok(Content::Sealed(text.trim().into()));
        }
        let forced = match (tag.handle.as_str(), tag.suffix.as_str()) {
            ("", "!") | ("!", "") | ("tag:yaml.org,2002:", "str") => return Ok(as_text()),
            ("!", "unsafe") => {
                let plain = style == ScalarStyle::Plain;
                return Ok(Content::Plain(if plain { resolve(text) } else { Value::str(text) }));
            }
            ("tag:yaml.org,2002:", "int") => int(text).map(Value::Int),
            ("tag:yaml.org,2002:", "float") => float(text).or_else(|| text.parse().ok()).map(Value::Float),
            ("tag:yaml.org,2002:", "bool") => Some(resolve(text)).filter(|v| matches!(v, Value::Bool(_))),
            ("tag:yaml.org,2002:", "null") => Some(Value::Null),
            _ => return Err(self.unknown(tag)),
        };
        forced.map(Content::Plain).ok_or_else(|| YamlError::Syntax {
            problem: format!("`{text}` is not what its tag `{tag}` says"),
            place: self.place(),
        })
    }

    fn unknown(&self, tag: &Tag) -> YamlError {
        let why = "Ansible has no such tag, or nothing that roles use";
        YamlError::Tag { tag: tag.to_string(), why, place: self.place() }
    }
}

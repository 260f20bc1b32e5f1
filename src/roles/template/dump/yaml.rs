//! `yaml.dump`, as PyYAML's emitter lays a document out.

use super::scalar::{analyze, is_break, is_not_text};
use crate::roles::template::python;
use crate::roles::value::{Key, Value};

/// How YAML is laid out.
#[derive(Clone)]
pub(in crate::roles::template) struct YamlLayout {
    /// Spaces a level.
    pub(in crate::roles::template) indent: usize,
    /// Columns after which a text is folded at its next space.
    pub(in crate::roles::template) width: usize,
    /// Whether keys are sorted.
    pub(in crate::roles::template) sort: bool,
    /// Whether collections are in flow style; without, those are that hold scalars only.
    pub(in crate::roles::template) flow: Option<bool>,
    /// `---`.
    pub(in crate::roles::template) start: bool,
    /// `...`.
    pub(in crate::roles::template) end: bool,
    /// Whether characters outside ASCII are written as they are.
    pub(in crate::roles::template) unicode: bool,
    /// How scalars are written: `|`, `>` or a quote.
    pub(in crate::roles::template) style: Option<char>,
    /// Everything with its tag, a line each.
    pub(in crate::roles::template) canonical: bool,
}

impl Default for YamlLayout {
    fn default() -> Self {
        Self {
            indent: 2,
            width: 80,
            sort: true,
            flow: None,
            start: false,
            end: false,
            unicode: true,
            style: None,
            canonical: false,
        }
    }
}

/// A value as YAML.
pub(in crate::roles::template) fn yaml(value: &Value, layout: &YamlLayout) -> Result<String, String> {
    let mut layout = layout.clone();
    // libyaml's bounds.
    layout.indent = if (2..=9).contains(&layout.indent) { layout.indent } else { 2 };
    layout.width = if layout.width > layout.indent * 2 { layout.width } else { 80 };
    let mut emitter = Emitter {
        out: String::new(),
        layout,
        column: 0,
        indent: None,
        flow_level: 0,
        whitespace: true,
        indention: true,
    };
    if emitter.layout.start || emitter.layout.canonical {
        emitter.indicator("---", true, false);
    }
    if emitter.layout.canonical {
        emitter.line_break();
    }
    emitter.node(value, Place::Root)?;
    if emitter.column > 0 {
        emitter.line_break();
    }
    if emitter.layout.end {
        emitter.out.push_str("...\n");
    }
    Ok(emitter.out)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    Key,
    Value,
}

pub(super) struct Emitter {
    out: String,
    pub(super) layout: YamlLayout,
    pub(super) column: usize,
    indent: Option<usize>,
    pub(super) flow_level: usize,
    pub(super) whitespace: bool,
    pub(super) indention: bool,
}

impl Emitter {
    pub(super) fn raw(&mut self, text: &str) {
        self.column += text.chars().count();
        self.out.push_str(text);
    }

    pub(super) fn indicator(&mut self, mark: &str, space: bool, indention: bool) {
        if space && !self.whitespace {
            self.raw(" ");
        }
        self.whitespace = false;
        self.indention = self.indention && indention;
        self.raw(mark);
    }

    pub(super) fn line_break(&mut self) {
        self.out.push('\n');
        (self.column, self.whitespace, self.indention) = (0, true, true);
    }

    pub(super) fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        if self.column < indent {
            self.whitespace = true;
            let pad = " ".repeat(indent - self.column);
            self.raw(&pad);
        }
    }

    fn deeper(&mut self, flow: bool, indentless: bool) -> Option<usize> {
        let before = self.indent;
        self.indent = Some(match before {
            None if flow => self.layout.indent,
            None => 0,
            Some(indent) if indentless => indent,
            Some(indent) => indent + self.layout.indent,
        });
        before
    }

    fn is_flow(&self, value: &Value) -> bool {
        let scalar = |v: &Value| !matches!(v, Value::List(_) | Value::Map(_));
        let (empty, leaf) = match value {
            Value::List(items) => (items.is_empty(), items.iter().all(scalar)),
            Value::Map(map) => (map.is_empty(), map.values().all(scalar)),
            _ => return false,
        };
        let leaf = leaf && self.layout.style.is_none();
        self.layout.canonical || self.flow_level > 0 || empty || self.layout.flow.unwrap_or(leaf)
    }

    fn node(&mut self, value: &Value, place: Place) -> Result<(), String> {
        match value {
            Value::List(items) if self.is_flow(value) => self.flow_list(items),
            Value::Map(map) if self.is_flow(value) => self.flow_map(&self.members(map)),
            Value::List(items) => {
                let indentless = place == Place::Value && !self.indention;
                let before = self.deeper(false, indentless);
                for item in items.iter() {
                    self.write_indent();
                    self.indicator("-", true, true);
                    self.node(item, Place::Item)?;
                }
                self.indent = before;
                Ok(())
            }
            Value::Map(map) => {
                let before = self.deeper(false, false);
                for (key, member) in self.members(map) {
                    self.write_indent();
                    self.key(&key)?;
                    self.node(&member, Place::Value)?;
                }
                self.indent = before;
                Ok(())
            }
            scalar => self.scalar(scalar, place),
        }
    }

    fn members(&self, map: &crate::roles::value::Map) -> Vec<(Value, Value)> {
        let mut keys: Vec<&Key> = map.keys().collect();
        if self.layout.sort {
            let name = |key: &Key| matches!(key, Key::Str(_));
            keys.sort_by(|a, b| name(a).cmp(&name(b)).then_with(|| a.cmp(b)));
        }
        keys.into_iter().filter_map(|key| Some((python::key_value(key), map.get(key)?.clone()))).collect()
    }

    /// A key, simple where it is short and on one line.
    fn key(&mut self, key: &Value) -> Result<(), String> {
        let text = python::text(key);
        if !self.layout.canonical && text.chars().count() < 128 && !text.is_empty() && !text.contains(is_break) {
            self.scalar(key, Place::Key)?;
            self.indicator(":", false, false);
            return Ok(());
        }
        self.indicator("?", true, true);
        self.scalar(key, Place::Item)?;
        if self.flow_level == 0 || self.layout.canonical {
            self.write_indent();
        }
        self.indicator(":", true, true);
        Ok(())
    }

    fn flow_list(&mut self, items: &[Value]) -> Result<(), String> {
        self.tag("!!seq");
        self.indicator("[", true, false);
        self.whitespace = true;
        let before = self.deeper(true, false);
        self.flow_level += 1;
        for (index, item) in items.iter().enumerate() {
            self.flow_separator(index);
            self.node(item, Place::Item)?;
        }
        self.flow_level -= 1;
        self.indent = before;
        self.flow_end(items.is_empty());
        self.indicator("]", false, false);
        Ok(())
    }

    fn flow_map(&mut self, members: &[(Value, Value)]) -> Result<(), String> {
        self.tag("!!map");
        self.indicator("{", true, false);
        self.whitespace = true;
        let before = self.deeper(true, false);
        self.flow_level += 1;
        for (index, (key, member)) in members.iter().enumerate() {
            self.flow_separator(index);
            self.key(key)?;
            self.node(member, Place::Value)?;
        }
        self.flow_level -= 1;
        self.indent = before;
        self.flow_end(members.is_empty());
        self.indicator("}", false, false);
        Ok(())
    }

    fn flow_separator(&mut self, index: usize) {
        if index > 0 {
            self.indicator(",", false, false);
        }
        if self.layout.canonical || self.column > self.layout.width {
            self.write_indent();
        }
    }

    fn flow_end(&mut self, empty: bool) {
        if self.layout.canonical && !empty {
            self.indicator(",", false, false);
            self.write_indent();
        }
    }

    fn tag(&mut self, tag: &str) {
        if self.layout.canonical {
            self.indicator(tag, true, false);
        }
    }

    fn scalar(&mut self, value: &Value, place: Place) -> Result<(), String> {
        let (text, implicit, tag) = match value {
            Value::Str(text) if text.is_moment() => (text.expose().to_owned(), true, "!!timestamp"),
            Value::Str(text) => (text.expose().to_owned(), !is_not_text(text.expose()), "!!str"),
            Value::Template(template) => (template.text.clone(), !is_not_text(&template.text), "!!str"),
            Value::Null => ("null".into(), true, "!!null"),
            Value::Bool(truth) => (truth.to_string(), true, "!!bool"),
            Value::Int(int) => (int.to_string(), true, "!!int"),
            Value::Float(float) => (float_text(*float), true, "!!float"),
            _ => return Err("`omit` is no value of YAML".into()),
        };
        let key = place == Place::Key;
        let may = analyze(&text, self.layout.unicode);
        let plain = if self.flow_level > 0 { may.flow_plain } else { may.block_plain };
        // A text that is folded goes on one level deeper.
        let before = self.deeper(true, false);
        self.tag(tag);
        let style = self.layout.style.filter(|_| !self.layout.canonical);
        if style.is_some() && tag != "!!str" {
            self.indicator("!", true, false);
        }
        if let Some(mark @ ('|' | '>')) = style
            && !key
            && self.may_be_block(&text)
        {
            self.block(mark, &text);
        } else if self.layout.canonical || style.is_some_and(|style| style != '\'') {
            self.double_quoted(&text, !key);
        } else if style.is_none() && implicit && plain && !(key && (text.is_empty() || may.multiline)) {
            self.plain(&text, !key);
        } else if may.single_quoted && !(key && may.multiline) {
            self.single_quoted(&text, !key);
        } else {
            self.double_quoted(&text, !key);
        }
        self.indent = before;
        Ok(())
    }
}

fn float_text(float: f64) -> String {
    if float.is_nan() {
        return ".nan".into();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf".into() } else { "-.inf".into() };
    }
    let text = python::float_text(float);
    // YAML 1.1 wants a point before an exponent.
    if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
}

//! YAML 1.2 text to [`Node`]s, strictly: duplicate keys, anchors, tags and anything too large or too deep are refused.

use super::error::SettingsError;
use super::node::{Content, Layer, Mark, Member, Node, Scalar, Source};
use indexmap::IndexMap;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use std::sync::Arc;

/// Settings are written by hand; a larger file is something else.
pub(crate) const LARGEST: usize = 256 * 1024;
const DEEPEST: usize = 24;

/// Reads one document. An empty text is an empty mapping.
pub(crate) fn parse(source: Source) -> Result<Node, SettingsError> {
    parse_value(source).map(|node| match node.content {
        Content::Null => Node { mark: node.mark, content: Content::Map(IndexMap::new()) },
        _ => node,
    })
}

/// A document that says nothing.
pub(crate) fn empty(layer: Layer) -> Node {
    let source = Arc::new(Source { name: "settings".into(), layer, text: String::new() });
    Node { mark: Mark { source, line: 1, column: 1 }, content: Content::Map(IndexMap::new()) }
}

/// Reads one value, as a flag has it. An empty text is null.
pub(crate) fn parse_value(source: Source) -> Result<Node, SettingsError> {
    if source.text.len() > LARGEST {
        return Err(SettingsError::TooLarge { name: source.name, largest: LARGEST });
    }
    let source = Arc::new(source);
    // saphyr-parser reports a byte-order mark as an ordinary character of the first key.
    let text = source.text.trim_start_matches('\u{feff}');
    Reader { parser: Parser::new_from_str(text), source: Arc::clone(&source) }.document()
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    source: Arc<Source>,
}

type Next<'a> = (Event<'a>, Span);

impl<'a> Reader<'a> {
    fn mark(&self, span: Span) -> Mark {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Mark {
            source: Arc::clone(&self.source),
            line: number(span.start.line().max(1)),
            column: number(span.start.col() + 1),
        }
    }

    fn syntax(&self, error: &ScanError) -> SettingsError {
        let at = *error.marker();
        SettingsError::Syntax { place: self.mark(Span::new(at, at)).place(), message: error.info().to_owned() }
    }

    fn refuse(&self, span: Span, message: &str) -> SettingsError {
        SettingsError::Syntax { place: self.mark(span).place(), message: message.to_owned() }
    }

    fn next(&mut self) -> Result<Next<'a>, SettingsError> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(self.syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(mut self) -> Result<Node, SettingsError> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                Event::StreamEnd => {
                    return Ok(root.unwrap_or_else(|| Node { mark: self.mark(span), content: Content::Null }));
                }
                _ if root.is_some() => return Err(self.refuse(span, "a second document in one file")),
                event => root = Some(self.node(event, span, 0)?),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, SettingsError> {
        if depth > DEEPEST {
            return Err(self.refuse(span, &format!("nested deeper than {DEEPEST}")));
        }
        let mark = self.mark(span);
        let content = match event {
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                return Err(self.refuse(span, "anchors are not part of settings"));
            }
            Event::Scalar(_, _, _, Some(tag))
            | Event::SequenceStart(_, Some(tag))
            | Event::MappingStart(_, Some(tag)) => {
                return Err(self.refuse(span, &format!("tags ({tag}) are not part of settings")));
            }
            Event::Alias(_) => return Err(self.refuse(span, "aliases are not part of settings")),
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            _ => return Err(self.refuse(span, "a value was expected")),
        };
        Ok(Node { mark, content })
    }

    fn list(&mut self, depth: usize) -> Result<Content, SettingsError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Content, SettingsError> {
        let mut members: IndexMap<String, Member> = IndexMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Content::Map(members));
            }
            let key = self.node(event, span, depth + 1)?;
            let Content::Scalar(Scalar { text, .. }) = key.content else {
                return Err(self.refuse(span, "a key must be a word"));
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if let Some(first) = members.get(&text) {
                let (place, first) = (key.mark.place(), first.key.place());
                return Err(SettingsError::Duplicate { place, key: text, first });
            }
            members.insert(text, Member { key: key.mark, value });
        }
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Content {
    let plain = style == ScalarStyle::Plain;
    match text {
        "" | "~" | "null" | "Null" | "NULL" if plain => Content::Null,
        _ => Content::Scalar(Scalar { text: text.to_owned(), plain, rendered: false }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::node::Layer;
    use super::*;

    fn read(text: &str) -> Result<Node, SettingsError> {
        parse(Source { name: "a.yaml".into(), layer: Layer::Baked, text: text.into() })
    }

    #[test]
    fn values_know_where_they_stand() {
        let root = read("a:\n  - b: 0644\n    c: 'yes'\n").expect("parses");
        let node = root.at("a[0].c").expect("there");
        assert_eq!((node.mark.line, node.mark.column), (3, 8));
        assert_eq!(root.at("a[0].b").expect("there").kind(), "a string", "0644 is no number");
    }

    #[test]
    fn an_empty_file_sets_nothing() {
        for text in ["", "\n# only a comment\n", "---\n", "~"] {
            assert!(read(text).expect(text).leaves().len() == 1, "{text:?}");
        }
    }

    #[test]
    fn what_settings_do_not_have_is_refused_where_it_stands() {
        let deep = "a: ".to_owned() + &"[".repeat(40) + &"]".repeat(40);
        for (text, message) in [
            ("a: 1\nb: 2\na: 3", "a.yaml:3:1"),
            ("a: &x 1", "anchors"),
            ("a: !vault x", "tags (!vault)"),
            ("a: 1\n---\nb: 2", "a second document"),
            ("[a]: 1", "a key must be a word"),
            ("a: [1", "a.yaml:"),
            (deep.as_str(), "nested deeper"),
        ] {
            let error = read(text).err().unwrap_or_else(|| panic!("{text} parsed"));
            let shown = format!("{}", crate::failure::Failure::from(error));
            assert!(shown.contains(message), "{text}: {shown}");
        }
    }
}

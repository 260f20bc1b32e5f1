//! Just enough XML to answer with.

/// A document being written.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// A document with an XML declaration.
    pub(crate) fn declared() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    /// An element with text in it.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.0.push_str(&format!("<{name}>{}</{name}>", escape(text)));
    }

    /// An element with elements in it; `opening` may carry attributes.
    pub(crate) fn nested(&mut self, opening: &str, inside: impl FnOnce(&mut Self)) {
        let name = opening.split(' ').next().unwrap_or(opening);
        self.0.push_str(&format!("<{opening}>"));
        inside(self);
        self.0.push_str(&format!("</{name}>"));
    }

    /// A list in the query protocol's form: each item in a `member`.
    pub(crate) fn members<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut inside: impl FnMut(&mut Self, T),
    ) {
        self.nested(name, |xml| {
            for item in items {
                xml.nested("member", |xml| inside(xml, item));
            }
        });
    }

    /// What was written elsewhere, put here.
    pub(crate) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// Whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest_and_text_is_escaped() {
        let mut xml = Xml::default();
        xml.nested("a b=\"1\"", |xml| xml.members("List", ["x & y"], |xml, item| xml.leaf("Name", item)));
        assert_eq!(xml.finish(), "<a b=\"1\"><List><member><Name>x &amp; y</Name></member></List></a>");
    }
}

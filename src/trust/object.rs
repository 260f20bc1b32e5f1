//! A commit or tag as git stores it: headers, body, and where its signature stands. Never re-encoded.

use super::TrustError;
use std::ops::Range;

/// The most bytes of a commit or tag.
pub(super) const LIMIT: usize = 1 << 20;

/// The lines that begin a signature for git (`gpg-interface.c`).
const MARKERS: [&[u8]; 4] = [
    b"-----BEGIN SSH SIGNATURE-----",
    b"-----BEGIN PGP SIGNATURE-----",
    b"-----BEGIN PGP MESSAGE-----",
    b"-----BEGIN SIGNED MESSAGE-----",
];

/// One header, its continuation lines included.
struct Header<'a> {
    name: &'a str,
    span: Range<usize>,
    value: &'a [u8],
}

/// A commit's or tag's raw bytes, taken apart.
pub(super) struct Object<'a> {
    /// As "commit 0123...", for errors.
    pub(super) label: String,
    bytes: &'a [u8],
    headers: Vec<Header<'a>>,
    body: Range<usize>,
}

/// What was signed, and the signature's armor.
pub(super) struct Signed {
    pub(super) payload: Vec<u8>,
    pub(super) armor: Vec<u8>,
}

impl<'a> Object<'a> {
    /// Takes the bytes apart. What no git ever wrote is refused: a NUL, a header line without a name, a repeated header.
    pub(super) fn parse(label: String, bytes: &'a [u8]) -> Result<Self, TrustError> {
        let fail = |problem: &str| TrustError::Object { object: label.clone(), problem: problem.to_owned() };
        if bytes.len() > LIMIT {
            return Err(fail("it is larger than 1 MiB"));
        }
        if bytes.contains(&0) {
            return Err(fail("it holds a NUL byte"));
        }
        let mut headers: Vec<Header<'a>> = Vec::new();
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            let length = rest.iter().position(|&byte| byte == b'\n').ok_or_else(|| fail("its headers do not end"))?;
            let (line, next) = (&rest[..length], at + length + 1);
            if line.is_empty() {
                let object = Self { label, bytes, headers, body: next..bytes.len() };
                object.refuse_repeated()?;
                return Ok(object);
            }
            if line[0] == b' ' {
                let last = headers.last_mut().ok_or_else(|| fail("it begins with a continuation line"))?;
                last.span.end = next;
            } else {
                let space = line.iter().position(|&byte| byte == b' ').ok_or_else(|| fail("a header has no value"))?;
                let name = std::str::from_utf8(&line[..space]).map_err(|_| fail("a header's name is not text"))?;
                headers.push(Header { name, span: at..next, value: &line[space + 1..] });
            }
            at = next;
        }
    }

    /// Git writes several `parent` and `mergetag` headers, and one of every other.
    fn refuse_repeated(&self) -> Result<(), TrustError> {
        for (index, header) in self.headers.iter().enumerate() {
            let repeatable = matches!(header.name, "parent" | "mergetag");
            if !repeatable && self.headers[..index].iter().any(|before| before.name.eq_ignore_ascii_case(header.name)) {
                return Err(self.malformed(format!("it has more than one `{}` header", header.name.escape_default())));
            }
        }
        Ok(())
    }

    /// The first line's value of a header that must stand at a given place, as git writes it.
    pub(super) fn header_at(&self, index: usize, name: &str) -> Result<&'a str, TrustError> {
        let header = self.headers.get(index).filter(|header| header.name == name);
        let header = header.ok_or_else(|| self.malformed(format!("header {} is not `{name}`", index + 1)))?;
        if header.span.len() != name.len() + 1 + header.value.len() + 1 {
            return Err(self.malformed(format!("its `{name}` header goes on over several lines")));
        }
        std::str::from_utf8(header.value).map_err(|_| self.malformed(format!("its `{name}` header is not text")))
    }

    /// An object id in a header that must stand at a given place.
    pub(super) fn id_at(&self, index: usize, name: &str) -> Result<String, TrustError> {
        let text = self.header_at(index, name)?;
        if text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(text.to_owned());
        }
        Err(self.malformed(format!("its `{name}` header is no object id")))
    }

    /// A commit's own signature: the header `gpgsig`, and all the other bytes.
    pub(super) fn header_signature(&self) -> Result<Option<Signed>, TrustError> {
        self.refuse_foreign_headers(&["gpgsig"])?;
        let Some(header) = self.headers.iter().find(|header| header.name == "gpgsig") else { return Ok(None) };
        let text = &self.bytes[header.span.start + "gpgsig ".len()..header.span.end];
        let mut armor = Vec::with_capacity(text.len());
        for (index, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            armor.extend_from_slice(if index == 0 { line } else { &line[1..] });
        }
        let payload = [&self.bytes[..header.span.start], &self.bytes[header.span.end..]].concat();
        Ok(Some(Signed { payload, armor }))
    }

    /// A tag's own signature: what follows the text of its body, from the line that begins the armor.
    pub(super) fn trailing_signature(&self) -> Result<Option<Signed>, TrustError> {
        self.refuse_foreign_headers(&[])?;
        let body = &self.bytes[self.body.clone()];
        let mut at = 0;
        let mut starts = Vec::new();
        for line in body.split_inclusive(|&byte| byte == b'\n') {
            if MARKERS.iter().any(|marker| line.starts_with(marker)) {
                starts.push(self.body.start + at);
            }
            at += line.len();
        }
        match starts[..] {
            [] => Ok(None),
            [start] => Ok(Some(Signed { payload: self.bytes[..start].to_vec(), armor: self.bytes[start..].to_vec() })),
            _ => Err(self.malformed("it has more than one signature".into())),
        }
    }

    fn refuse_foreign_headers(&self, known: &[&str]) -> Result<(), TrustError> {
        // `gpgsig-sha256` signs the object as a SHA-256 repository would hold it: bytes that are not here.
        match self
            .headers
            .iter()
            .find(|header| header.name.to_ascii_lowercase().starts_with("gpgsig") && !known.contains(&header.name))
        {
            Some(header) => {
                let problem = format!("its `{}` header is not supported", header.name.escape_default());
                Err(TrustError::Signature { object: self.label.clone(), problem })
            }
            None => Ok(()),
        }
    }

    pub(super) fn malformed(&self, problem: String) -> TrustError {
        TrustError::Object { object: self.label.clone(), problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_bytes_are_errors_not_panics() {
        for bytes in
            [&b""[..], b"\n", b" \n\n", b"tree", b"tree\n\n", b"gpgsig \n\n", b"gpgsig x\n y\n\n", b"a b\n\0\n\n"]
        {
            if let Ok(object) = Object::parse("commit".into(), bytes) {
                let _ = object.header_signature();
                let _ = object.trailing_signature();
                let _ = object.id_at(0, "tree");
            }
        }
    }

    #[test]
    fn the_signature_is_cut_out_of_the_raw_bytes() {
        let bytes = b"tree 1\ngpgsig BEGIN\n line\n END\nauthor a\n\nbody\n";
        let object = Object::parse("commit".into(), bytes).expect("parses");
        let signed = object.header_signature().expect("one").expect("signed");
        assert_eq!(signed.payload, b"tree 1\nauthor a\n\nbody\n");
        assert_eq!(signed.armor, b"BEGIN\nline\nEND\n");
    }
}

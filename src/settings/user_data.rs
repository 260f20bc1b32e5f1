//! The `muster:` document of user-data, in whatever cloud-init would accept it: alone, in a MIME multipart, gzip, base64.

use super::error::SettingsError;
use super::node::{Content, Layer, Node, Source};
use super::yaml;
use std::io::Read;

/// User-data is 16 KiB at most; unpacked it may be more.
const LARGEST: usize = 1024 * 1024;
const DEEPEST: usize = 6;

/// The `muster:` document, where user-data holds one. What is meant for others is left alone.
pub(crate) fn document(bytes: &[u8]) -> Result<Option<Node>, SettingsError> {
    let mut found = Vec::new();
    unpack(bytes, "user-data", 0, &mut found)?;
    let mut documents = found.into_iter();
    match (documents.next(), documents.next()) {
        (Some(first), Some(second)) => Err(SettingsError::Duplicate {
            place: second.mark.place(),
            key: "muster".into(),
            first: first.mark.place(),
        }),
        (first, _) => Ok(first),
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, SettingsError> {
    Err(SettingsError::UserData { message: message.into() })
}

/// One layer at a time, as cloud-init's `convert_string` and `process_part` do: gzip, base64, MIME, text.
fn unpack(bytes: &[u8], name: &str, depth: usize, found: &mut Vec<Node>) -> Result<(), SettingsError> {
    if depth > DEEPEST {
        return refuse(format!("{name} is packed more than {DEEPEST} times"));
    }
    if bytes.len() > LARGEST {
        return refuse(format!("{name} is larger than {LARGEST} bytes"));
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return unpack(&gunzip(bytes, name)?, name, depth + 1, found);
    }
    if is_mime(bytes) {
        return parts(bytes, name, depth, found);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    if let Some(inner) = base64(text) {
        return unpack(&inner, name, depth + 1, found);
    }
    found.extend(muster(text, name)?);
    Ok(())
}

fn gunzip(bytes: &[u8], name: &str) -> Result<Vec<u8>, SettingsError> {
    let mut unpacked = Vec::new();
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX) + 1;
    match flate2::read::MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut unpacked) {
        Ok(_) if unpacked.len() > LARGEST => refuse(format!("{name} unpacks to more than {LARGEST} bytes")),
        Ok(_) => Ok(unpacked),
        Err(error) => refuse(format!("{name} does not unpack: {error}")),
    }
}

/// cloud-init looks for this header in the first 4096 bytes.
fn is_mime(bytes: &[u8]) -> bool {
    let head = bytes.get(..4096).unwrap_or(bytes).to_ascii_lowercase();
    let named = |header: &[u8]| {
        head.starts_with(header) || head.windows(header.len() + 1).any(|w| w[0] == b'\n' && &w[1..] == header)
    };
    named(b"mime-version:") || head.starts_with(b"content-type:")
}

fn parts(bytes: &[u8], name: &str, depth: usize, found: &mut Vec<Node>) -> Result<(), SettingsError> {
    // The parser recurses by multipart; hostile nesting is cut off before it.
    if bytes.windows(10).filter(|window| window.eq_ignore_ascii_case(b"multipart/")).count() > DEEPEST {
        return refuse(format!("{name} nests more than {DEEPEST} multiparts"));
    }
    let mail = mailparse::parse_mail(bytes).or_else(|error| refuse(format!("{name} is no MIME message: {error}")))?;
    part(&mail, name, depth, found)
}

fn part(
    mail: &mailparse::ParsedMail<'_>,
    name: &str,
    depth: usize,
    found: &mut Vec<Node>,
) -> Result<(), SettingsError> {
    if !mail.subparts.is_empty() {
        for (index, inner) in mail.subparts.iter().enumerate() {
            part(inner, &format!("{name} part {}", index + 1), depth + 1, found)?;
        }
        return Ok(());
    }
    const OTHERS: &[&str] =
        &["text/x-shellscript", "text/x-include", "text/cloud-boothook", "text/part-handler", "text/cloud-config-"];
    if OTHERS.iter().any(|other| mail.ctype.mimetype.starts_with(other)) {
        return Ok(());
    }
    let body = mail.get_body_raw().or_else(|error| refuse(format!("{name} does not decode: {error}")))?;
    unpack_part(&body, name, depth, found)
}

/// A part is not a message again, whatever its first lines say.
fn unpack_part(body: &[u8], name: &str, depth: usize, found: &mut Vec<Node>) -> Result<(), SettingsError> {
    if is_mime(body) { Ok(()) } else { unpack(body, name, depth + 1, found) }
}

/// Text that is base64 of something cloud-init would know.
fn base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    let packed: String = text.split_ascii_whitespace().collect();
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    if packed.len() < 8 || !packed.bytes().all(alphabet) {
        return None;
    }
    base64::engine::general_purpose::STANDARD.decode(packed).ok()
}

/// What cloud-init would take a text for, by its first line (`INCLUSION_TYPES_MAP` in its `handlers/__init__.py`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No text of cloud-init's.
    Plain,
    /// Its YAML, in which `muster` may be a key among others.
    CloudConfig,
    /// A script, an include, an archive: whatever stands in it is no key.
    Other,
}

fn kind(text: &str) -> Kind {
    let mut lines = text.lines().map(str::trim_end);
    let mut first = lines.next().unwrap_or_default();
    if first.eq_ignore_ascii_case("## template: jinja") {
        first = lines.next().unwrap_or_default();
    }
    // The longest beginning decides, as in cloud-init.
    const KINDS: &[(&str, Kind)] = &[
        ("#cloud-config-", Kind::Other),
        ("#cloud-config", Kind::CloudConfig),
        ("#cloud-boothook", Kind::Other),
        ("#include", Kind::Other),
        ("#part-handler", Kind::Other),
        ("#upstart-job", Kind::Other),
        ("#!", Kind::Other),
    ];
    KINDS.iter().find(|(beginning, _)| first.starts_with(beginning)).map_or(Kind::Plain, |(_, kind)| *kind)
}

/// The value of the key `muster` of a YAML text that has one.
fn muster(text: &str, name: &str) -> Result<Option<Node>, SettingsError> {
    let text = text.trim_start_matches('\u{feff}');
    // As a key on its own line, after the document's start, explicit (`? muster`) or in a mapping in braces.
    let begun =
        |line: &str| line.strip_prefix("---").map_or_else(|| line.to_owned(), |rest| rest.trim_start().to_owned());
    let named = |line: &str| {
        let (line, explicit) = match begun(line).strip_prefix('?') {
            Some(key) => (key.trim_start().to_owned(), true),
            None => (begun(line), false),
        };
        line.trim_start_matches(['"', '\'']).starts_with("muster") && (explicit || line.contains(':'))
    };
    let braced = |line: &str| begun(line.trim_start()).starts_with('{');
    let flow = text.contains("muster") && text.lines().any(braced);
    let kind = kind(text);
    if kind == Kind::Other || !(flow || text.lines().any(named)) {
        return Ok(None);
    }
    let root = yaml::parse(Source { name: name.to_owned(), layer: Layer::Launch, text: text.to_owned() })?;
    let Content::Map(mut members) = root.content else { return Ok(None) };
    let Some(found) = members.shift_remove("muster") else { return Ok(None) };
    match members.into_iter().next() {
        // A cloud-config's other keys are cloud-init's.
        Some((key, other)) if kind == Kind::Plain => Err(SettingsError::UnknownKey {
            place: other.key.place(),
            path: key,
            nearest: None,
            known: vec!["muster".into()],
        }),
        _ => Ok(Some(found.value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use std::io::Write;

    const YAML: &str = "muster:\n  channel: canary\n";

    fn channel(bytes: &[u8]) -> Option<String> {
        let found = document(bytes).unwrap_or_else(|error| panic!("{error}"))?;
        match &found.get("channel")?.content {
            Content::Scalar(scalar) => Some(scalar.text.clone()),
            _ => None,
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).expect("packs");
        packed.finish().expect("packs")
    }

    fn base64(bytes: &[u8]) -> String {
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    fn multipart(part: &str) -> String {
        let shell = "Content-Type: text/x-shellscript\n\n#!/bin/sh\necho muster: hello\n";
        format!(
            "Content-Type: multipart/mixed; boundary=\"XX\"\nMIME-Version: 1.0\n\n--XX\n{shell}--XX\n{part}\n--XX--\n"
        )
    }

    #[test]
    fn it_is_found_in_every_packing() {
        let part =
            format!("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{}", base64(YAML.as_bytes()));
        let quoted =
            "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nmuster:=0A  channel: can=\nary\n";
        let packed = base64(&gzip(YAML.as_bytes()));
        let zipped = format!("Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n{packed}");
        for (what, bytes) in [
            ("alone", YAML.as_bytes().to_vec()),
            ("gzip", gzip(YAML.as_bytes())),
            ("base64", base64(YAML.as_bytes()).into_bytes()),
            ("base64 of gzip", packed.clone().into_bytes()),
            ("cloud-config", format!("#cloud-config\npackages: [x]\n{YAML}").into_bytes()),
            ("json", br#"{"muster": {"channel": "canary"}}"#.to_vec()),
            ("multipart, plain", multipart(&format!("Content-Type: text/cloud-config\n\n{YAML}")).into_bytes()),
            ("multipart, base64", multipart(&part).into_bytes()),
            ("multipart, quoted-printable", multipart(quoted).into_bytes()),
            ("multipart, gzip part", multipart(&zipped).into_bytes()),
            ("multipart in gzip", gzip(multipart(&part).as_bytes())),
        ] {
            assert_eq!(channel(&bytes).as_deref(), Some("canary"), "{what}");
        }
    }

    #[test]
    fn what_is_meant_for_others_is_left_alone() {
        for bytes in [
            b"#!/bin/sh\nmuster: x\n".as_slice(),
            b"",
            b"#cloud-config\npackages: [muster]\n",
            b"#include\nhttps://example.test/muster: \n",
            b"\xff\xfe\x00binary",
            b"{ not: yaml at all",
            b"#cloud-config\nruncmd: *undefined\n",
            b"#cloud-config\nwrite_files:\n- content: |\n    muster: x\n  path: *p\n",
            b"#cloud-boothook\ncat >/x <<E\nmuster:\n  trust: {}\nE\n",
            b"## template: jinja\n#!/bin/sh\nmuster: {{ v1.region }}\n",
            b"Mime-Version: 1.0\nContent-Type: text/x-shellscript\n\nmuster: [1\n",
            b"#cloud-config-archive\n- type: text/x\n  content: |\nmuster: 1\n",
        ] {
            assert_eq!(channel(bytes), None, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn bombs_and_mistakes_are_refused() {
        let bomb = gzip(&vec![b' '; LARGEST + 1]);
        let nested = (0..=DEEPEST).fold(YAML.as_bytes().to_vec(), |inner, _| gzip(&inner));
        let twice = multipart(&format!("Content-Type: text/plain\n\n{YAML}\n--XX\nContent-Type: text/plain\n\n{YAML}"));
        for (what, bytes, message) in [
            ("bomb", bomb, "more than"),
            ("nested", nested, "packed more than"),
            ("cut off", gzip(YAML.as_bytes())[..20].to_vec(), "does not unpack"),
            ("twice", twice.into_bytes(), "written twice"),
            ("another key", format!("{YAML}mustr: 1\n").into_bytes(), "unknown key `mustr`"),
            ("not YAML", b"muster:\n  roles: [a\n".to_vec(), "do not parse"),
        ] {
            let error = document(&bytes).err().unwrap_or_else(|| panic!("{what} passed"));
            assert!(error.to_string().contains(message), "{what}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = document(&bytes);
            let _ = document(&[b"Mime-Version: 1.0\n".as_slice(), &bytes].concat());
            let _ = document(&[b"muster:\n ".as_slice(), &bytes].concat());
        }
    }
}

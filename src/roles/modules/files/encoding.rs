//! Encodings of texts by the names that Python knows them by.

use encoding_rs::Encoding;

/// The highest character of encodings that are their characters' numbers: the encoding standard takes them for others.
fn plain_limit(name: &str) -> Option<char> {
    match name.trim().to_lowercase().replace('_', "-").as_str() {
        "latin-1" | "latin1" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => Some('\u{ff}'),
        "ascii" | "us-ascii" | "646" => Some('\u{7f}'),
        _ => None,
    }
}

/// A text from its encoding; `None` where the bytes are none of it.
pub(super) fn decoded(bytes: &[u8], name: &str) -> Result<Option<String>, String> {
    if let Some(limit) = plain_limit(name) {
        let fits = bytes.iter().all(|byte| char::from(*byte) <= limit);
        return Ok(fits.then(|| bytes.iter().copied().map(char::from).collect()));
    }
    let found = encoding(name).ok_or_else(|| format!("unknown encoding: {name}"))?;
    let text = found.decode_without_bom_handling_and_without_replacement(bytes);
    Ok(text.map(std::borrow::Cow::into_owned))
}

/// The encoding of that name; `None` where there is none.
fn encoding(name: &str) -> Option<&'static Encoding> {
    let plain = name.trim().to_lowercase().replace('_', "-");
    // Python's names that the encoding standard does not have.
    let label = match plain.as_str() {
        // What is not said is the default.
        "" | "utf8" | "u8" | "cp65001" => "utf-8",
        "cp936" | "ms936" | "936" => "gbk",
        "cp932" | "ms932" | "shiftjis" | "sjis" => "shift_jis",
        "cp949" | "ms949" | "uhc" => "euc-kr",
        "cp950" => "big5",
        other => other.strip_prefix("windows-").filter(|code| code.len() == 3).unwrap_or(other),
    };
    Encoding::for_label(label.as_bytes()).or_else(|| {
        let code = label.strip_prefix("cp").or_else(|| label.strip_prefix("windows-"))?;
        Encoding::for_label(format!("windows-{code}").as_bytes())
    })
}

/// A text in an encoding; or the first character that it does not have.
pub(super) fn encoded(text: &str, name: &str) -> Result<Vec<u8>, String> {
    let bad = |character: char| format!("'{name}' codec can't encode character {character:?}");
    if let Some(limit) = plain_limit(name) {
        let byte = |character: char| u8::try_from(character).ok().filter(|_| character <= limit);
        return text.chars().map(|character| byte(character).ok_or_else(|| bad(character))).collect();
    }
    let found = encoding(name).ok_or_else(|| format!("unknown encoding: {name}"))?;
    // Only some encodings of the standard can be written; the others would come out as UTF-8.
    if found.output_encoding() != found {
        return Err(format!("the encoding {name} can be read and not written"));
    }
    let mut encoder = found.new_encoder();
    let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len()).unwrap_or(text.len() * 4);
    let mut out = Vec::with_capacity(room);
    match encoder.encode_from_utf8_to_vec_without_replacement(text, &mut out, true).0 {
        encoding_rs::EncoderResult::Unmappable(character) => Err(bad(character)),
        _ => Ok(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_have_pythons_names() {
        for name in ["utf-8", "UTF8", "gbk", "cp936", "windows-1252", "cp1252", "iso-8859-15", "koi8_r"] {
            assert!(encoding(name).is_some(), "{name}");
        }
        assert!(encoding("idontexist").is_none());
        assert_eq!(encoded("\u{20ac}", "windows-1252"), Ok(vec![0x80]));
        assert_eq!(encoded("\u{e9}", "utf-8"), Ok("\u{e9}".as_bytes().to_vec()));
        assert!(encoded("\u{4f60}", "windows-1252").is_err_and(|why| why.contains("can't encode")));
        assert!(encoded("x", "utf-16").is_err());
        assert_eq!(encoded("\u{e9}", "latin-1"), Ok(vec![0xe9]));
        assert!(encoded("\u{20ac}", "iso-8859-1").is_err() && encoded("\u{e9}", "ascii").is_err());
        assert_eq!(decoded(&[0xc4, 0xe3], "gbk"), Ok(Some("\u{4f60}".into())));
        assert_eq!(decoded(&[0xc4, 0xe3, 0xff], "utf-8"), Ok(None));
        assert_eq!(decoded(&[0x85], "latin1"), Ok(Some("\u{85}".into())));
        assert!(decoded(b"x", "idontexist").is_err());
    }
}

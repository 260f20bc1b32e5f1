//! DER in small: the members of a sequence, and writing tagged values (X.690).

use x509_cert::der::asn1::AnyRef;
use x509_cert::der::{Decode, Reader, SliceReader, Tagged};

/// `INTEGER`.
pub const INTEGER: u8 = 0x02;
/// `BIT STRING`.
pub const BITS: u8 = 0x03;
/// `OCTET STRING`.
pub const OCTETS: u8 = 0x04;
/// `OBJECT IDENTIFIER`.
pub const OID: u8 = 0x06;
/// `SEQUENCE`.
pub const SEQUENCE: u8 = 0x30;

/// A value with its tag.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// The content.
    pub content: &'a [u8],
}

/// The members of a DER sequence that is all of these bytes.
pub fn sequence(der: &[u8]) -> Option<Vec<Member<'_>>> {
    let whole = AnyRef::from_der(der).ok()?;
    if u8::from(whole.tag()) != SEQUENCE { None } else { members(whole.value()) }
}

/// The values that stand one after the other in a content.
pub fn members(content: &[u8]) -> Option<Vec<Member<'_>>> {
    let mut reader = SliceReader::new(content).ok()?;
    let mut all = Vec::new();
    while !reader.is_finished() {
        let member = AnyRef::decode(&mut reader).ok()?;
        all.push(Member { tag: u8::from(member.tag()), content: member.value() });
    }
    Some(all)
}

/// A tagged value.
pub fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        out.push(short);
    } else {
        let bytes = length.to_be_bytes();
        let bytes = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())..];
        out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(8));
        out.extend_from_slice(bytes);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A bit string without unused bits.
pub fn bits(content: &[u8]) -> Vec<u8> {
    value(BITS, &[&[0], content])
}

//! Names in certificates: attributes of a subject, and the forms of an alternative name.

use std::net::IpAddr;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Any, Ia5String, ObjectIdentifier, OctetString, SetOfVec};
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::ext::pkix::name::{GeneralName, OtherName};
use x509_cert::name::{Name, RelativeDistinguishedName};

/// Attribute types by the names that OpenSSL knows.
const ATTRIBUTES: &[(&[&str], &str)] = &[
    (&["CN", "commonName"], "2.5.4.3"),
    (&["SN", "surname"], "2.5.4.4"),
    (&["serialNumber"], "2.5.4.5"),
    (&["C", "countryName"], "2.5.4.6"),
    (&["L", "localityName"], "2.5.4.7"),
    (&["ST", "stateOrProvinceName"], "2.5.4.8"),
    (&["street", "streetAddress"], "2.5.4.9"),
    (&["O", "organizationName"], "2.5.4.10"),
    (&["OU", "organizationalUnitName"], "2.5.4.11"),
    (&["title"], "2.5.4.12"),
    (&["description"], "2.5.4.13"),
    (&["businessCategory"], "2.5.4.15"),
    (&["postalCode"], "2.5.4.17"),
    (&["name"], "2.5.4.41"),
    (&["GN", "givenName"], "2.5.4.42"),
    (&["initials"], "2.5.4.43"),
    (&["generationQualifier"], "2.5.4.44"),
    (&["x500UniqueIdentifier"], "2.5.4.45"),
    (&["dnQualifier"], "2.5.4.46"),
    (&["pseudonym"], "2.5.4.65"),
    (&["organizationIdentifier"], "2.5.4.97"),
    (&["DC", "domainComponent"], "0.9.2342.19200300.100.1.25"),
    (&["UID", "userId", "userID"], "0.9.2342.19200300.100.1.1"),
    (&["emailAddress"], "1.2.840.113549.1.9.1"),
    (&["unstructuredName"], "1.2.840.113549.1.9.2"),
    (&["jurisdictionL", "jurisdictionLocalityName"], "1.3.6.1.4.1.311.60.2.1.1"),
    (&["jurisdictionST", "jurisdictionStateOrProvinceName"], "1.3.6.1.4.1.311.60.2.1.2"),
    (&["jurisdictionC", "jurisdictionCountryName"], "1.3.6.1.4.1.311.60.2.1.3"),
];

/// The object identifier of an attribute type.
pub fn attribute(name: &str) -> Result<ObjectIdentifier, String> {
    let known = ATTRIBUTES.iter().find(|(names, _)| names.contains(&name)).map(|(_, oid)| *oid);
    ObjectIdentifier::new(known.unwrap_or(name)).map_err(|_| format!("Cannot find OID for \"{name}\""))
}

/// A name of one attribute after the other.
pub fn subject(attributes: &[(ObjectIdentifier, String)]) -> Result<Name, String> {
    let mut all = Vec::new();
    for (oid, text) in attributes {
        // RFC 5280, appendix A.1: what these hold is not free text.
        let tag = match oid.to_string().as_str() {
            "2.5.4.6" | "2.5.4.5" | "2.5.4.46" | "1.3.6.1.4.1.311.60.2.1.3" => Tag::PrintableString,
            "1.2.840.113549.1.9.1" | "0.9.2342.19200300.100.1.25" => Tag::Ia5String,
            _ => Tag::Utf8String,
        };
        if oid.to_string() == "2.5.4.6" && text.chars().count() != 2 {
            return Err("Country name must be a 2 character country code".into());
        }
        if tag != Tag::Utf8String && !text.is_ascii() {
            return Err(format!("`{text}` does not fit into the attribute {oid}"));
        }
        let value = Any::new(tag, text.as_bytes()).map_err(|error| error.to_string())?;
        let one = SetOfVec::try_from(vec![AttributeTypeAndValue { oid: *oid, value }]);
        all.push(RelativeDistinguishedName(one.map_err(|error| error.to_string())?));
    }
    Ok(x509_cert::name::RdnSequence(all))
}

/// The attributes of a name, in their order, without how each text is encoded.
pub fn attributes(name: &Name) -> Vec<(ObjectIdentifier, String)> {
    let pairs = name.0.iter().flat_map(|part| part.0.iter());
    pairs.map(|pair| (pair.oid, text(&pair.value))).collect()
}

fn text(value: &Any) -> String {
    match value.tag() {
        Tag::BmpString => {
            let units =
                value.value().chunks(2).map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => String::from_utf8_lossy(value.value()).into_owned(),
    }
}

/// A name as roles write it: `DNS:`, `IP:`, `email:`, `URI:`, `RID:` and `otherName:` with hexadecimal DER.
pub fn general(written: &str) -> Result<GeneralName, String> {
    let bad = |why: &str| format!("Cannot parse Subject Alternative Name \"{written}\": {why}");
    let Some((kind, rest)) = written.split_once(':') else {
        return Err(format!("Cannot parse Subject Alternative Name \"{written}\" (forgot \"DNS:\" prefix?)"));
    };
    let ascii = || Ia5String::new(rest).map_err(|_| bad("internationalised names are written in their ASCII form"));
    Ok(match kind {
        "DNS" => GeneralName::DnsName(ascii()?),
        "email" => GeneralName::Rfc822Name(ascii()?),
        "URI" => GeneralName::UniformResourceIdentifier(ascii()?),
        "RID" => GeneralName::RegisteredId(ObjectIdentifier::new(rest).map_err(|error| bad(&error.to_string()))?),
        "IP" => GeneralName::IpAddress(
            OctetString::new(address(rest).ok_or_else(|| bad("it is no address"))?).map_err(|e| bad(&e.to_string()))?,
        ),
        "otherName" => {
            let (oid, value) = rest.split_once(';').ok_or_else(|| bad("it is `otherName:OID;HEX`"))?;
            let hexadecimal = value.replace(':', "");
            let der =
                hex::decode(hexadecimal).map_err(|_| bad("only hexadecimal values of otherName are supported"))?;
            GeneralName::OtherName(OtherName {
                type_id: ObjectIdentifier::new(oid).map_err(|error| bad(&error.to_string()))?,
                value: Any::from_der(&der).map_err(|error| bad(&error.to_string()))?,
            })
        }
        _ => return Err(bad("this kind of name is not supported")),
    })
}

/// An address, or a network as address and mask.
fn address(text: &str) -> Option<Vec<u8>> {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    let Some((network, length)) = text.split_once('/') else { return text.parse().ok().map(octets) };
    let mut bytes = octets(network.parse().ok()?);
    let length: usize = length.parse().ok().filter(|length| *length <= bytes.len() * 8)?;
    let mask: Vec<u8> = (0..bytes.len())
        .map(|at| {
            let ones = length.saturating_sub(at * 8).min(8);
            u8::try_from(0xff00_u16 >> ones & 0xff).unwrap_or(0xff)
        })
        .collect();
    // Host bits in a network are an error to Python.
    if bytes.iter().zip(&mask).any(|(byte, mask)| byte & !mask != 0) {
        return None;
    }
    bytes.extend(mask);
    Some(bytes)
}

//! The extensions that a request asks for, from the words of a task; and whether two mean the same.

use super::asn1::{INTEGER, SEQUENCE, members, sequence, value};
use super::names::general;
use crate::roles::modules::Args;
use x509_cert::der::asn1::{BitString, ObjectIdentifier, OctetString};
use x509_cert::der::{Encode, Tag};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;

/// `subjectKeyIdentifier`.
pub const SUBJECT_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
/// `authorityKeyIdentifier`.
pub const AUTHORITY_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
const TLS_FEATURE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.24");
const DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");

/// The extensions that a task decides; a request's others are let be.
pub const JUDGED: [ObjectIdentifier; 9] = [
    ALTERNATIVE_NAME,
    KEY_USAGE,
    EXTENDED_USAGE,
    CONSTRAINTS,
    TLS_FEATURE,
    NAME_CONSTRAINTS,
    SUBJECT_KEY,
    AUTHORITY_KEY,
    DISTRIBUTION_POINTS,
];

const USAGES: [[&str; 2]; 9] = [
    ["Digital Signature", "digitalSignature"],
    ["Non Repudiation", "nonRepudiation"],
    ["Key Encipherment", "keyEncipherment"],
    ["Data Encipherment", "dataEncipherment"],
    ["Key Agreement", "keyAgreement"],
    ["Certificate Sign", "keyCertSign"],
    ["CRL Sign", "cRLSign"],
    ["Encipher Only", "encipherOnly"],
    ["Decipher Only", "decipherOnly"],
];

const PURPOSES: &[([&str; 2], &str)] = &[
    (["TLS Web Server Authentication", "serverAuth"], "1.3.6.1.5.5.7.3.1"),
    (["TLS Web Client Authentication", "clientAuth"], "1.3.6.1.5.5.7.3.2"),
    (["Code Signing", "codeSigning"], "1.3.6.1.5.5.7.3.3"),
    (["E-mail Protection", "emailProtection"], "1.3.6.1.5.5.7.3.4"),
    (["IPSec End System", "ipsecEndSystem"], "1.3.6.1.5.5.7.3.5"),
    (["IPSec Tunnel", "ipsecTunnel"], "1.3.6.1.5.5.7.3.6"),
    (["IPSec User", "ipsecUser"], "1.3.6.1.5.5.7.3.7"),
    (["Time Stamping", "timeStamping"], "1.3.6.1.5.5.7.3.8"),
    (["OCSP Signing", "OCSPSigning"], "1.3.6.1.5.5.7.3.9"),
    (["dvcs", "DVCS"], "1.3.6.1.5.5.7.3.10"),
    (["ipsec Internet Key Exchange", "ipsecIKE"], "1.3.6.1.5.5.7.3.17"),
    (["SSH Client", "secureShellClient"], "1.3.6.1.5.5.7.3.21"),
    (["SSH Server", "secureShellServer"], "1.3.6.1.5.5.7.3.22"),
    (["Microsoft Individual Code Signing", "msCodeInd"], "1.3.6.1.4.1.311.2.1.21"),
    (["Microsoft Commercial Code Signing", "msCodeCom"], "1.3.6.1.4.1.311.2.1.22"),
    (["Microsoft Trust List Signing", "msCTLSign"], "1.3.6.1.4.1.311.10.3.1"),
    (["Microsoft Server Gated Crypto", "msSGC"], "1.3.6.1.4.1.311.10.3.3"),
    (["Microsoft Encrypted File System", "msEFS"], "1.3.6.1.4.1.311.10.3.4"),
    (["Microsoft Smartcardlogin", "msSmartcardLogin"], "1.3.6.1.4.1.311.20.2.2"),
    (["Netscape Server Gated Crypto", "nsSGC"], "2.16.840.1.113730.4.1"),
    (["Any Extended Key Usage", "anyExtendedKeyUsage"], "2.5.29.37.0"),
];

/// An extension of a value.
pub fn extension(oid: ObjectIdentifier, critical: bool, der: Vec<u8>) -> Result<Extension, String> {
    let extn_value = OctetString::new(der).map_err(|error| error.to_string())?;
    Ok(Extension { extn_id: oid, critical, extn_value })
}

/// The extensions of a task in the order that community.crypto adds them; the subject's key identifier, where it is to
/// be made from the key, is `key_identifier`.
pub fn of_task(args: &Args, names: &[String], key_identifier: Option<Vec<u8>>) -> Result<Vec<Extension>, String> {
    let mut all = Vec::new();
    let mut add = |oid, critical: &str, der: Vec<u8>| -> Result<(), String> {
        all.push(extension(oid, !critical.is_empty() && args.flag(critical), der)?);
        Ok(())
    };
    if !names.is_empty() {
        let names = general_names(names)?.to_der().map_err(|error| error.to_string())?;
        add(ALTERNATIVE_NAME, "subject_alt_name_critical", names)?;
    }
    let usages = args.texts("key_usage");
    if !usages.is_empty() {
        add(KEY_USAGE, "key_usage_critical", key_usage(&usages)?)?;
    }
    let purposes = args.texts("extended_key_usage");
    if !purposes.is_empty() {
        let oids: Vec<_> = purposes.iter().map(|name| purpose(name)).collect::<Result<_, _>>()?;
        add(EXTENDED_USAGE, "extended_key_usage_critical", oids.to_der().map_err(|error| error.to_string())?)?;
    }
    let constraints = args.texts("basic_constraints");
    if !constraints.is_empty() {
        add(CONSTRAINTS, "basic_constraints_critical", basic_constraints(&constraints)?)?;
    }
    if args.flag("ocsp_must_staple") {
        add(TLS_FEATURE, "ocsp_must_staple_critical", value(SEQUENCE, &[&[INTEGER, 1, 5]]))?;
    }
    let (permitted, excluded) = (args.texts("name_constraints_permitted"), args.texts("name_constraints_excluded"));
    if !permitted.is_empty() || !excluded.is_empty() {
        let parts = [subtrees(0xa0, &permitted)?, subtrees(0xa1, &excluded)?].concat();
        add(NAME_CONSTRAINTS, "name_constraints_critical", value(SEQUENCE, &[&parts]))?;
    }
    let given = args.text("subject_key_identifier").map(|text| hexadecimal("subject_key_identifier", &text));
    if let Some(identifier) = key_identifier.map(Ok).or(given).transpose()? {
        add(SUBJECT_KEY, "", value(0x04, &[&identifier]))?;
    }
    let identifier = args.text("authority_key_identifier");
    let identifier = identifier.map(|text| hexadecimal("authority_key_identifier", &text)).transpose()?;
    let issuer = args.texts("authority_cert_issuer");
    let serial = args.int("authority_cert_serial_number");
    if identifier.is_some() || !issuer.is_empty() || serial.is_some() {
        let mut parts = identifier.map(|identifier| value(0x80, &[&identifier])).unwrap_or_default();
        if !issuer.is_empty() {
            let names: Result<Vec<_>, _> = general_names(&issuer)?.iter().map(Encode::to_der).collect();
            parts.extend(value(0xa1, &[&names.map_err(|error| error.to_string())?.concat()]));
        }
        if let Some(serial) = serial {
            let number = serial.to_der().map_err(|error| error.to_string())?;
            parts.extend(value(0x82, &[number.get(2..).unwrap_or_default()]));
        }
        add(AUTHORITY_KEY, "", value(SEQUENCE, &[&parts]))?;
    }
    Ok(all)
}

fn hexadecimal(name: &str, text: &str) -> Result<Vec<u8>, String> {
    hex::decode(text.replace(':', "")).map_err(|error| format!("Cannot parse {name}: {error}"))
}

fn general_names(names: &[String]) -> Result<Vec<GeneralName>, String> {
    names.iter().map(|name| general(name)).collect()
}

fn key_usage(names: &[String]) -> Result<Vec<u8>, String> {
    let mut set = [false; 9];
    for name in names {
        let at = USAGES.iter().position(|names| names.contains(&name.as_str()));
        set[at.ok_or_else(|| format!("Unknown key usage \"{name}\""))?] = true;
    }
    if (set[7] || set[8]) && !set[4] {
        return Err("encipher_only and decipher_only can only be true when key_agreement is true".into());
    }
    // A named bit list has no trailing zeros (X.690, 11.2.2).
    let length = set.iter().rposition(|bit| *bit).map_or(0, |last| last + 1);
    let mut bytes = vec![0_u8; length.div_ceil(8)];
    for at in set.iter().enumerate().filter(|(_, bit)| **bit).map(|(at, _)| at) {
        bytes[at / 8] |= 0x80 >> (at % 8);
    }
    let unused = u8::try_from(bytes.len() * 8 - length).unwrap_or(0);
    let bits = BitString::new(unused, bytes).and_then(|bits| bits.to_der());
    bits.map_err(|error| error.to_string())
}

fn purpose(name: &str) -> Result<ObjectIdentifier, String> {
    let known = PURPOSES.iter().find(|(names, _)| names.contains(&name)).map(|(_, oid)| *oid);
    ObjectIdentifier::new(known.unwrap_or(name)).map_err(|_| format!("Cannot find OID for \"{name}\""))
}

fn basic_constraints(words: &[String]) -> Result<Vec<u8>, String> {
    let (mut ca, mut length) = (false, None);
    for word in words {
        match word.split_once(':') {
            Some(("CA", "TRUE")) => ca = true,
            Some(("CA", "FALSE")) => ca = false,
            Some(("CA", other)) => return Err(format!("Unknown basic constraint value \"{other}\" for CA")),
            Some(("pathlen", digits)) => {
                let number = digits.trim().parse::<u8>();
                length = Some(number.map_err(|e| format!("Cannot parse path length constraint \"{digits}\" ({e})"))?);
            }
            _ => return Err(format!("Unknown basic constraint \"{word}\"")),
        }
    }
    if length.is_some() && !ca {
        return Err("path_length must be None when ca is False".into());
    }
    let mut parts = if ca { vec![u8::from(Tag::Boolean), 1, 0xff] } else { Vec::new() };
    if let Some(length) = length {
        parts.extend(length.to_der().map_err(|error| error.to_string())?);
    }
    Ok(value(SEQUENCE, &[&parts]))
}

fn subtrees(tag: u8, names: &[String]) -> Result<Vec<u8>, String> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for name in general_names(names)? {
        all.extend(value(SEQUENCE, &[&name.to_der().map_err(|error| error.to_string())?]));
    }
    Ok(value(tag, &[&all]))
}

/// What an extension means: for those that are sets the order of their members is nothing.
pub fn meaning(extension: &Extension) -> Vec<Vec<u8>> {
    let der = extension.extn_value.as_bytes();
    let sorted = |content: &[u8], salt: u8| {
        let all = members(content).unwrap_or_default();
        let mut all: Vec<_> = all.into_iter().map(|member| value(member.tag, &[member.content])).collect();
        all.iter_mut().for_each(|member| member.insert(0, salt));
        all.sort();
        all.dedup();
        all
    };
    match extension.extn_id {
        ALTERNATIVE_NAME | EXTENDED_USAGE => {
            let all = sequence(der).unwrap_or_default();
            let content: Vec<u8> = all.iter().flat_map(|member| value(member.tag, &[member.content])).collect();
            sorted(&content, 0)
        }
        NAME_CONSTRAINTS => {
            sequence(der).unwrap_or_default().iter().flat_map(|half| sorted(half.content, half.tag)).collect()
        }
        // That it must be stapled is all that is asked.
        TLS_FEATURE => {
            let all = sequence(der).unwrap_or_default();
            all.iter().filter(|member| member.content == [5]).map(|member| member.content.to_vec()).collect()
        }
        _ => vec![der.to_vec()],
    }
}

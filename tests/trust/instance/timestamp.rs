//! RFC 3161 timestamps.

use super::Instance;
use super::der::{der, first, octets, oid, sequence, set};

const SHA256: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];
const TST_INFO: &[u64] = &[1, 2, 840, 113549, 1, 9, 16, 1, 4];

impl Instance {
    /// A timestamp over bytes, at a time in seconds.
    pub fn stamp(&self, bytes: &[u8], at: i64) -> Vec<u8> {
        let sha256 = |bytes: &[u8]| sigstore_crypto::sha256(bytes).as_bytes().to_vec();
        let algorithm = sequence(&[&oid(SHA256)]);
        let time = jiff::Timestamp::from_second(at).expect("time").strftime("%Y%m%d%H%M%SZ").to_string();
        let info = sequence(&[
            &[2, 1, 1],
            &oid(&[1, 3, 6, 1, 4, 1, 57264, 2]),
            &sequence(&[&algorithm, &octets(&sha256(bytes))]),
            &[2, 1, 1],
            &der(0x18, &[time.as_bytes()]),
        ]);
        let attribute = |kind: &[u64], value: &[u8]| sequence(&[&oid(kind), &set(&[value])]);
        let attributes = [
            attribute(&[1, 2, 840, 113549, 1, 9, 3], &oid(TST_INFO)),
            attribute(&[1, 2, 840, 113549, 1, 9, 4], &octets(&sha256(&info))),
        ];
        let signed = set(&attributes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let mut implicit = signed.clone();
        implicit[0] = 0xa0;
        let signature = self.tsa_key.sign(&signed);
        let signer = sequence(&[
            &[2, 1, 1],
            &sequence(&[&self.issuer_name(), &[2, 1, 7]]),
            &algorithm,
            &implicit,
            &sequence(&[&oid(&[1, 2, 840, 10045, 4, 3, 2])]),
            &octets(&signature),
        ]);
        let content = sequence(&[&oid(TST_INFO), &der(0xa0, &[&octets(&info)])]);
        let data = sequence(&[&[2, 1, 3], &set(&[&algorithm]), &content, &set(&[&signer])]);
        let token = sequence(&[&oid(&[1, 2, 840, 113549, 1, 7, 2]), &der(0xa0, &[&data])]);
        sequence(&[&sequence(&[&[2, 1, 0]]), &token])
    }

    /// The issuer of the stamp's certificate: the fourth value of its TBSCertificate, after version, serial, algorithm.
    fn issuer_name(&self) -> Vec<u8> {
        let (_, certificate) = first(&self.tsa_certificate);
        let (_, mut rest) = first(certificate);
        for _ in 0..3 {
            rest = &rest[first(rest).0.len()..];
        }
        first(rest).0.to_vec()
    }
}

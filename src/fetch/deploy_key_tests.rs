//! Keys in every form, made here; and what is no key.

use super::*;
use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der, Pkcs8V2Der};
use aws_lc_rs::{rsa, signature};

fn parse(text: &str) -> Result<String, String> {
    let parsed = DeployKey::parse(&Secret::new(text.to_owned()));
    parsed.map(|key| key.0.algorithm().as_str().to_owned()).map_err(|error| error.to_string())
}

fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> =
        STANDARD.encode(der).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn openssh() -> String {
    use ssh_key::private::{Ed25519Keypair, KeypairData};
    let key = ssh_key::PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&[7; 32])), "").expect("key");
    key.to_openssh(ssh_key::LineEnding::LF).expect("text").to_string()
}

#[test]
fn ed25519_in_its_forms() {
    let pair = signature::Ed25519KeyPair::generate().expect("key");
    let v1: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
    assert_eq!(parse(&pem("PRIVATE KEY", v1.as_ref())).as_deref(), Ok("ssh-ed25519"));
    assert_eq!(parse(&openssh()).as_deref(), Ok("ssh-ed25519"));
    // A console that turns line ends into spaces or into CR LF.
    assert_eq!(parse(&openssh().replace('\n', " ")).as_deref(), Ok("ssh-ed25519"));
    assert_eq!(parse(&openssh().replace('\n', "\r\n")).as_deref(), Ok("ssh-ed25519"));
    let _: Result<Pkcs8V2Der<'_>, _> = pair.as_der();
}

#[test]
fn ecdsa_in_its_forms() {
    for (algorithm, name) in [
        (&signature::ECDSA_P256_SHA256_ASN1_SIGNING, "ecdsa-sha2-nistp256"),
        (&signature::ECDSA_P384_SHA384_ASN1_SIGNING, "ecdsa-sha2-nistp384"),
        (&signature::ECDSA_P521_SHA512_ASN1_SIGNING, "ecdsa-sha2-nistp521"),
    ] {
        let pair = signature::EcdsaKeyPair::generate(algorithm).expect("key");
        let pkcs8 = pair.to_pkcs8v1().expect("PKCS#8");
        assert_eq!(parse(&pem("PRIVATE KEY", pkcs8.as_ref())).as_deref(), Ok(name));
        let sec1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().expect("SEC1");
        let text = pem("EC PRIVATE KEY", sec1.as_ref());
        assert_eq!(parse(&text).as_deref(), Ok(name));
        // As `openssl ecparam -genkey` writes it.
        let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        assert_eq!(parse(&format!("{parameters}{text}")).as_deref(), Ok(name));
    }
}

#[test]
fn rsa_in_its_forms() {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect("key");
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
    assert_eq!(parse(&pem("PRIVATE KEY", pkcs8.as_ref())).as_deref(), Ok("ssh-rsa"));
    // The PKCS#1 key is the octet string at the end of the PKCS#8 one: after 4 + 3 + 15 + 4 bytes of wrapping.
    let pkcs1 = &pkcs8.as_ref()[26..];
    assert_eq!(parse(&pem("RSA PRIVATE KEY", pkcs1)).as_deref(), Ok("ssh-rsa"));
    assert_eq!(wrapped(pkcs1).as_slice(), pkcs8.as_ref());
}

#[test]
fn a_secret_that_is_not_a_key_is_said_to_be_so_and_never_shown() {
    let damaged = openssh().replacen("AAAA", "AAAB", 2);
    for (text, problem) in [
        ("", "empty"),
        ("hunter2hunter2", "not a private key"),
        ("{\"key\": \"hunter2hunter2\"}", "JSON document"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh1bnRlcjI=", "public key"),
        ("-----BEGIN PUBLIC KEY-----\nhunter2\n-----END PUBLIC KEY-----", "public key"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nhunter2\n-----END ENCRYPTED PRIVATE KEY-----", "passphrase"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nhunter2\n-----END RSA PRIVATE KEY-----",
            "passphrase",
        ),
        ("-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----", "not base64"),
        ("-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----", "damaged"),
        ("-----BEGIN PRIVATE KEY-----\nMAAA", "missing"),
        ("-----BEGIN PRIVATE KEY-----\\nMAAA\\n-----END PRIVATE KEY-----", "two characters"),
        ("PuTTY-User-Key-File-2: ssh-rsa", "PuTTY"),
        (&damaged, "damaged"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.contains(problem), "{text}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    assert!(!format!("{:?}", DeployKey::parse(&Secret::new(openssh())).expect("key")).contains("PRIVATE"));
}

//! Keys, requests and certificates as tasks make them, one after the other on an empty machine.

use super::super::files::stage::{Stage, converges};
use super::issue::Issued;
use super::key::{CURVES, Form, Key, Kind};
use super::request::Request;
use serde_json::{Value as Json, json};

fn stage() -> Stage {
    Stage::new().file("/etc/", "")
}

fn with_key() -> Stage {
    let mut stage = stage();
    converges(&mut stage, "openssl_privatekey", json!({"path": "/etc/k.pem", "type": "ECC", "curve": "secp256r1"}));
    stage
}

fn again(stage: &mut Stage, module: &str, arguments: Json) -> bool {
    stage.run(module, arguments.clone()).unwrap_or_else(|error| panic!("{module} {arguments}: {error}")).changed
}

fn failure(stage: &mut Stage, module: &str, arguments: Json) -> String {
    stage.run(module, arguments).err().expect("a failure").message
}

#[test]
fn every_form_of_every_key_is_read_back() {
    let curves = CURVES.iter().map(Kind::Ec);
    for kind in [Kind::Rsa(2048), Kind::Ed25519, Kind::X25519].into_iter().chain(curves) {
        let key = Key::make(kind).expect("made");
        assert_eq!(key.kind, kind);
        let mut forms = 0;
        for form in [Form::Pkcs1, Form::Pkcs8, Form::Raw] {
            let Some(bytes) = key.write(form) else { continue };
            assert_eq!(super::key::form(&bytes), Some(form));
            let same = Key::read(&bytes, kind).unwrap_or_else(|error| panic!("{kind:?} {form:?}: {error:?}"));
            assert_eq!((same.kind, same.spki()), (kind, key.spki()));
            forms += 1;
        }
        assert_eq!(forms, 2, "{kind:?}");
    }
    assert!(Key::read(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", Kind::Other).is_err());
}

#[test]
fn a_private_key_is_made_once() {
    let mut stage = stage();
    let ask = json!({"path": "/etc/k.pem", "size": 2048});
    let done = converges(&mut stage, "openssl_privatekey", ask.clone());
    assert_eq!((done.result["type"].as_str(), done.result["size"].as_i64()), (Some("RSA"), Some(2048)));
    assert_eq!(done.result["fingerprint"]["sha256"].as_str().expect("fingerprint").len(), 95);
    assert_eq!((stage.mode("/etc/k.pem"), done.result.get("privatekey")), (0o600, None));
    let text = stage.text("/etc/k.pem");
    assert!(text.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"), "{}", &text[..40]);
    // Another form is no difference until it is asked for; then the key stays, or goes.
    assert!(again(
        &mut stage,
        "openssl_privatekey",
        json!({"path": "/etc/k.pem", "size": 2048, "format": "pkcs8",
        "format_mismatch": "convert"})
    ));
    assert!(stage.text("/etc/k.pem").starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert!(!again(&mut stage, "openssl_privatekey", ask));
    let wrong = json!({"path": "/etc/k.pem", "size": 4096, "regenerate": "fail"});
    assert!(failure(&mut stage, "openssl_privatekey", wrong).starts_with("Key has wrong type and/or size."));
    let never = json!({"path": "/etc/k.pem", "size": 4096, "regenerate": "never"});
    assert!(!again(&mut stage, "openssl_privatekey", never));
    let other = json!({"path": "/etc/k.pem", "type": "Ed25519", "backup": true});
    let replaced = stage.run("openssl_privatekey", other).expect("replaced");
    assert!(replaced.changed && replaced.result["backup_file"].as_str().is_some_and(|name| name.ends_with('~')));
    let gone = converges(&mut stage, "openssl_privatekey", json!({"path": "/etc/k.pem", "state": "absent"}));
    assert!(gone.changed && gone.result["fingerprint"].is_null());
}

#[test]
fn keys_that_cannot_be_made_are_refused_by_name() {
    let cases = [
        (json!({"path": "/etc/k", "size": 1024}), "size: 1024"),
        (json!({"path": "/etc/k", "type": "DSA"}), "type: DSA"),
        (json!({"path": "/etc/k", "type": "ECC"}), "missing: curve"),
        (json!({"path": "/etc/k", "type": "ECC", "curve": "secp224r1"}), "curve: secp224r1"),
        (json!({"path": "/etc/k", "passphrase": "x"}), "passphrase"),
        (json!({"path": "/none/k"}), "The directory /none does not exist"),
        (json!({"path": "/etc/k", "type": "Ed25519", "format": "pkcs1"}), "in the required format \"pkcs1\""),
    ];
    for (arguments, words) in cases {
        let message = failure(&mut stage(), "openssl_privatekey", arguments.clone());
        assert!(message.contains(words), "{arguments}: {message}");
    }
    let mut broken = stage().file("/etc/k", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let message = failure(&mut broken, "openssl_privatekey", json!({"path": "/etc/k", "regenerate": "fail"}));
    assert!(message.starts_with("Unable to read the key."), "{message}");
}

#[test]
fn a_request_is_judged_by_what_it_says() {
    let mut stage = with_key();
    let base = json!({"path": "/etc/r.csr", "privatekey_path": "/etc/k.pem", "common_name": "a.example",
        "organization_name": "Example", "subject_alt_name": ["DNS:a.example", "IP:10.0.0.1"],
        "key_usage": ["digitalSignature", "keyCertSign"], "key_usage_critical": true,
        "basic_constraints": ["CA:TRUE", "pathlen:1"], "basic_constraints_critical": true});
    let done = converges(&mut stage, "openssl_csr", base.clone());
    assert_eq!(done.result["subject"], json!([["O", "Example"], ["CN", "a.example"]]));
    assert_eq!(done.result["privatekey"], "/etc/k.pem");
    assert!(Request::read(stage.text("/etc/r.csr").as_bytes()).expect("a request").is_signed());
    let with = |key: &str, value: Json| {
        let mut other = base.clone();
        other[key] = value;
        other
    };
    // The order of names and of attributes is nothing.
    assert!(!again(&mut stage, "openssl_csr", with("subject_alt_name", json!(["IP:10.0.0.1", "DNS:a.example"]))));
    let differences = [
        ("subject_alt_name", json!(["DNS:a.example"])),
        ("key_usage_critical", json!(false)),
        ("key_usage", json!(["digitalSignature"])),
        ("extended_key_usage", json!(["serverAuth", "1.2.3.4"])),
        ("basic_constraints", json!(["CA:TRUE"])),
        ("country_name", json!("DE")),
        ("ocsp_must_staple", json!(true)),
        ("create_subject_key_identifier", json!(true)),
        ("subject_key_identifier", json!("00:11:22")),
        ("authority_key_identifier", json!("00:11")),
        ("name_constraints_permitted", json!(["DNS:example"])),
    ];
    for (key, value) in differences {
        assert!(again(&mut stage, "openssl_csr", with(key, value.clone())), "{key} makes no difference");
        assert!(!again(&mut stage, "openssl_csr", with(key, value)), "{key} changes again");
        assert!(again(&mut stage, "openssl_csr", base.clone()), "{key} is not taken back");
    }
    let other = json!({"path": "/etc/k.pem", "type": "Ed25519"});
    assert!(again(&mut stage, "openssl_privatekey", other));
    assert!(again(&mut stage, "openssl_csr", base), "the request of another key");
}

#[test]
fn requests_that_cannot_be_made_say_why() {
    let cases = [
        (json!({"path": "/etc/r", "common_name": "a"}), "privatekey_path, privatekey_content"),
        (json!({"path": "/etc/r", "privatekey_path": "/etc/none"}), "/etc/none does not exist"),
        (
            json!({"path": "/etc/r", "privatekey_path": "/etc/k.pem", "subject_alt_name": ["a"]}),
            "forgot \"DNS:\" prefix",
        ),
        (json!({"path": "/etc/r", "privatekey_path": "/etc/k.pem", "key_usage": ["fly"]}), "Unknown key usage \"fly\""),
        (json!({"path": "/etc/r", "privatekey_path": "/etc/k.pem", "digest": "md5"}), "digest: md5"),
        (json!({"path": "/etc/r", "privatekey_path": "/etc/k.pem", "subject": {"nope": "x"}}), "Cannot find OID"),
        (json!({"path": "/etc/r", "privatekey_path": "/etc/k.pem", "country_name": "Germany"}), "2 character"),
        (json!({"path": "/etc/r", "privatekey_path": "/etc/k.pem", "privatekey_content": "x"}), "mutually exclusive"),
    ];
    for (arguments, words) in cases {
        let message = failure(&mut with_key(), "openssl_csr", arguments.clone());
        assert!(message.contains(words), "{arguments}: {message}");
    }
}

#[test]
fn a_certificate_signs_itself_once() {
    let mut stage = with_key();
    let pipe = json!({"privatekey_path": "/etc/k.pem", "common_name": "self.example"});
    let request = stage.run("openssl_csr_pipe", pipe).expect("a request");
    assert!(request.changed);
    let csr = request.result["csr"].as_str().expect("csr").to_owned();
    let kept = json!({"privatekey_path": "/etc/k.pem", "common_name": "self.example", "content": csr});
    let kept = stage.run("openssl_csr_pipe", kept).expect("the same");
    assert!(!kept.changed && kept.result["csr"] == json!(csr));
    let ask = json!({"path": "/etc/c.pem", "privatekey_path": "/etc/k.pem", "csr_content": csr,
        "provider": "selfsigned", "mode": "0640"});
    let done = converges(&mut stage, "x509_certificate", ask.clone());
    assert_eq!(
        (&done.result["notBefore"], &done.result["notAfter"]),
        (&json!("20260101000000Z"), &json!("20351230000000Z"))
    );
    assert_eq!(done.result["csr"], Json::Null);
    assert!(done.result["serial_number"].as_str().is_some_and(|digits| digits.len() > 40));
    assert_eq!(stage.mode("/etc/c.pem"), 0o640);
    let certificate = Issued::read(stage.text("/etc/c.pem").as_bytes()).expect("a certificate");
    assert_eq!(certificate.subject(), certificate.issuer());
    assert!(certificate.is_by(certificate.public_key(), certificate.issuer(), None));
    // Without a request it is another one: an empty subject.
    let bare = json!({"path": "/etc/c.pem", "privatekey_path": "/etc/k.pem", "provider": "selfsigned"});
    assert!(converges(&mut stage, "x509_certificate", bare).changed);
    // Times count once they are asked to.
    let mut timed = ask.clone();
    timed["selfsigned_not_after"] = json!("20300101000000Z");
    timed["selfsigned_not_before"] = json!("20250101000000Z");
    assert!(again(&mut stage, "x509_certificate", ask));
    assert!(!again(&mut stage, "x509_certificate", timed.clone()));
    timed["ignore_timestamps"] = json!(false);
    assert!(converges(&mut stage, "x509_certificate", timed).changed);
    assert!(converges(&mut stage, "x509_certificate", json!({"path": "/etc/c.pem", "state": "absent"})).changed);
}

#[test]
fn an_authority_signs_for_others() {
    let mut stage = stage();
    for (module, arguments) in [
        ("openssl_privatekey", json!({"path": "/etc/ca.key", "type": "ECC", "curve": "secp384r1"})),
        (
            "openssl_csr",
            json!({"path": "/etc/ca.csr", "privatekey_path": "/etc/ca.key", "common_name": "CA",
            "use_common_name_for_san": false, "basic_constraints": ["CA:TRUE"], "basic_constraints_critical": true,
            "key_usage": ["keyCertSign"], "key_usage_critical": true}),
        ),
        (
            "x509_certificate",
            json!({"path": "/etc/ca.pem", "csr_path": "/etc/ca.csr", "provider": "selfsigned",
            "privatekey_path": "/etc/ca.key"}),
        ),
        ("openssl_privatekey", json!({"path": "/etc/w.key", "type": "Ed25519"})),
        ("openssl_csr", json!({"path": "/etc/w.csr", "privatekey_path": "/etc/w.key", "common_name": "w.example"})),
    ] {
        converges(&mut stage, module, arguments);
    }
    let ask = json!({"path": "/etc/w.pem", "csr_path": "/etc/w.csr", "provider": "ownca", "ownca_path": "/etc/ca.pem",
        "ownca_privatekey_path": "/etc/ca.key", "ownca_not_after": "+365d"});
    let done = converges(&mut stage, "x509_certificate", ask.clone());
    assert_eq!((&done.result["ca_cert"], &done.result["csr"]), (&json!("/etc/ca.pem"), &json!("/etc/w.csr")));
    let ca = Issued::read(stage.text("/etc/ca.pem").as_bytes()).expect("ca");
    let leaf = Issued::read(stage.text("/etc/w.pem").as_bytes()).expect("leaf");
    assert!(leaf.is_by(ca.public_key(), ca.subject(), Some(&ca.key_identifier())));
    assert!(!ca.is_by(leaf.public_key(), ca.subject(), None));
    // The authority's key is replaced: what it signed no longer stands, and does not fit its certificate.
    let key = json!({"path": "/etc/ca.key", "type": "ECC", "curve": "secp384r1", "force": true});
    assert!(again(&mut stage, "openssl_privatekey", key));
    let message = failure(&mut stage, "x509_certificate", ask);
    assert_eq!(message, "The CA private key does not belong to the CA certificate");
    let missing = json!({"path": "/etc/w.pem", "provider": "ownca", "ownca_path": "/etc/ca.pem"});
    assert!(failure(&mut stage, "x509_certificate", missing).contains("ownca_privatekey_path"));
    let acme = json!({"path": "/etc/w.pem", "provider": "acme"});
    assert!(failure(&mut stage, "x509_certificate", acme).contains("provider: acme"));
}

#[test]
fn an_ssh_pair_is_made_and_mended() {
    // Half of all keys on P-521 begin with a zero byte.
    for (kind, size) in [("ed25519", 256), ("ecdsa", 256), ("rsa", 2048)].into_iter().chain([("ecdsa", 521); 6]) {
        let mut stage = stage();
        let ask = json!({"path": "/etc/id", "type": kind, "size": size, "comment": "me"});
        let done = converges(&mut stage, "openssh_keypair", ask.clone());
        assert_eq!((&done.result["type"], &done.result["size"]), (&json!(kind), &json!(size)));
        assert_eq!((stage.mode("/etc/id"), stage.mode("/etc/id.pub")), (0o600, 0o644));
        let public = stage.text("/etc/id.pub");
        assert_eq!(public, format!("{} me\n", done.result["public_key"].as_str().expect("key")));
        assert!(stage.text("/etc/id").starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
        let mut other = ask.clone();
        other["comment"] = json!("you");
        let mended = converges(&mut stage, "openssh_keypair", other);
        assert!(mended.changed && mended.result["comment"] == "you");
        assert_eq!(mended.result["fingerprint"], done.result["fingerprint"]);
        assert!(converges(&mut stage, "openssh_keypair", json!({"path": "/etc/id", "state": "absent"})).changed);
    }
    let mut broken = stage().file("/etc/id", "no key\n");
    let ask = json!({"path": "/etc/id", "type": "ed25519"});
    assert!(failure(&mut broken, "openssh_keypair", ask).starts_with("Unable to read the key."));
    let full = json!({"path": "/etc/id", "type": "ed25519", "regenerate": "full_idempotence"});
    assert!(converges(&mut broken, "openssh_keypair", full).changed);
    let kept = json!({"path": "/etc/id", "type": "ecdsa", "regenerate": "fail"});
    assert!(failure(&mut broken, "openssh_keypair", kept).starts_with("Key has wrong type and/or size."));
    assert!(failure(&mut stage(), "openssh_keypair", json!({"path": "/etc/id", "type": "dsa"})).contains("type: dsa"));
}

#[test]
fn parameters_come_from_the_machines_openssl() {
    use crate::roles::modules::fake::{Fake, changes, follow, plan};
    let text = "-----BEGIN DH PARAMETERS-----\nMEYCQQDTH10QTmKAJpqNz8EyJAGdlE97rkWWSnxDFvCeP2GBerqjF/LTHlT72ok+\nmARN4iUCfJBB2FDmWaTtB82KWlznAgEC\n-----END DH PARAMETERS-----\n";
    let machine = Fake::default().file("/etc/x", "").file("/etc/dh.pem", text);
    let same = plan(&machine, "openssl_dhparam", json!({"path": "/etc/dh.pem", "size": 512})).expect("same");
    assert!(same.changes.is_empty());
    let other = plan(&machine, "openssl_dhparam", json!({"path": "/etc/dh.pem", "size": 1024})).expect("other");
    assert_eq!(changes(&other), ["openssl dhparam 1024"]);
    let new = plan(&machine, "openssl_dhparam", json!({"path": "/etc/new.pem", "size": 512})).expect("new");
    let written = follow(new, &machine, &[(0, text, "")]).expect("written");
    assert_eq!((changes(&written), written.changed), (vec!["write /etc/new.pem".to_owned()], Some(true)));
    let new = plan(&machine, "openssl_dhparam", json!({"path": "/etc/new.pem", "size": 512})).expect("new");
    let failed = follow(new, &machine, &[(1, "", "no entropy")]).err().expect("failed");
    assert_eq!(failed.message, "no entropy");
}

/// Every example converges.
#[test]
fn examples_converge() {
    let specs = [
        &super::privatekey::SPEC,
        &super::csr::SPEC,
        &super::certificate::SPEC,
        &super::dhparam::SPEC,
        &super::keypair::SPEC,
    ];
    for spec in specs {
        for example in spec.examples {
            let task: Json = serde_yaml::from_str(example).expect("an example is YAML");
            let arguments = task.as_object().and_then(|task| task.values().next()).cloned().expect("arguments");
            let mut stage = stage();
            let key = json!({"path": "/etc/web.key", "type": "Ed25519"});
            converges(&mut stage, "openssl_privatekey", key);
            converges(&mut stage, spec.name, arguments);
        }
    }
}

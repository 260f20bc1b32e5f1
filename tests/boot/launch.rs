//! What an instance is launched with: the `muster:` document of user-data, in the forms that cloud-init takes.

use crate::stage::{INSTANCE, Plan};
use emulator::{Builder, Instance};
use muster::boot::Ended;
use muster::failure::Stage as At;
use std::io::Write;

const DOCUMENT: &str = "muster:\n  roles: [extra]\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// As `cloud-init devel make-mime` and Terraform's `cloudinit_config` write it: a shell script, and a part of ours.
fn multipart() -> String {
    format!(
        "Content-Type: multipart/mixed; boundary=\"edge\"\nMIME-Version: 1.0\n\n\
         --edge\nContent-Type: text/x-shellscript\n\n#!/bin/sh\necho muster: no key\n\
         --edge\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\n{}\n\
         --edge--\n",
        base64(format!("#cloud-config\npackages: [jq]\n{DOCUMENT}").as_bytes())
    )
}

fn plan(data: Vec<u8>) -> Plan {
    let plan = Plan::new().unwrap().launched_with(data);
    let task = "- copy: {content: \"extra\\n\", dest: /etc/extra, mode: '0644'}\n";
    Plan {
        settings: "launch: {allow: {roles: [extra, web]}}\n".into(),
        tree: plan.tree.file("roles/extra/tasks/main.yml", task),
        ..plan
    }
}

#[test]
fn user_data_adds_a_role_in_whatever_form_cloud_init_takes_it() {
    let forms = [
        DOCUMENT.as_bytes().to_vec(),
        b"--- {muster: {roles: [extra]}}\n".to_vec(),
        b"? muster\n: {roles: [extra]}\n".to_vec(),
        gzip(DOCUMENT.as_bytes()),
        base64(DOCUMENT.as_bytes()).into_bytes(),
        multipart().into_bytes(),
        base64(&gzip(multipart().as_bytes())).into_bytes(),
    ];
    for data in forms {
        let shown = String::from_utf8_lossy(&data).into_owned();
        let stage = plan(data).set().unwrap();
        let ended = stage.boot(false);
        assert!(matches!(ended, Ok(Ended::Converged { .. })), "{shown}: {ended:?}");
        assert_eq!(stage.read("/etc/extra"), "extra\n", "{shown}");
    }
}

#[test]
fn a_tag_that_is_missed_where_tags_are_switched_off_says_so() {
    for shown in [false, true] {
        let mut instance = Instance::new(INSTANCE).tag("other", "x");
        instance.metadata.tags = shown;
        let plan = Plan { aws: Builder::default().instance(instance), ..Plan::new().unwrap() };
        let failure = plan.set().unwrap().boot(false).unwrap_err();
        let hint = failure.hint.clone().unwrap_or_default();
        assert!(failure.stage == At::Settings && hint.contains("default('...')"), "{failure}");
        assert_eq!(hint.contains("--instance-metadata-tags enabled"), !shown, "{hint}");
    }
}

#[test]
fn a_role_that_the_image_does_not_allow_is_refused_and_told() {
    let data = gzip(multipart().as_bytes());
    let stage = Plan { settings: String::new(), ..plan(data) }.set().unwrap();
    let failure = stage.boot(false).unwrap_err();
    assert_eq!(failure.stage, At::Settings, "{failure}");
    assert!(failure.to_string().contains("roles"), "{failure}");
    assert!(!stage.root().join("etc/extra").exists());
    assert_eq!(stage.aws.signals().len(), 1, "the stack heard of it");
}

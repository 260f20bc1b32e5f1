//! The settings room from outside: files in a scratch root, user-data and flags to settings.

use super::*;
use crate::failure::Failure;
use serde_json::json;

const BAKED: &str = r#"
roles: [common, "{{ tags.role }}"]
channel: stable
repository: { url: "git@git.internal:fleet/config.git", ref: main, deploy_key: { secret: fleet/deploy } }
environment: { TIER: "{{ tags.tier | default('web') }}", PORT: 8080 }
variables: { greeting: "{{ ansible_hostname }}", retries: 3, nothing: null }
health:
  - http: https://127.0.0.1/healthz
    status: [200, 204]
  - unit: nginx.service
    deadline: 5m
launch:
  allow: { roles: ["web*", db], channels: [canary, stable], refs: [main, "release/*"], environment: [APP_NAME] }
deadline: 30m
"#;

fn baked(text: &str) -> Result<Written, SettingsError> {
    Written::of_text("muster.yaml", text)
}

fn facts() -> serde_json::Value {
    json!({ "instance": { "id": "i-0abc", "region": "eu-west-1" }, "tags": { "role": "web-front", "many": "web1,db" } })
}

fn shown(error: SettingsError) -> String {
    Failure::from(error).to_string()
}

fn refused<T>(result: Result<T, SettingsError>, what: &str) -> String {
    result.map(drop).map_err(shown).err().unwrap_or_else(|| panic!("passed: {what}"))
}

#[test]
fn facts_and_tags_are_put_in() {
    let settings = baked(BAKED).and_then(|written| written.resolve(&facts())).map_err(shown).expect("resolves");
    let roles: Vec<&str> = settings.roles.iter().map(RoleName::as_str).collect();
    assert_eq!(roles, ["common", "web-front"]);
    let environment: Vec<&str> = settings.environment.values().map(String::as_str).collect();
    assert_eq!(environment, ["8080", "web"]);
    assert_eq!(settings.variables["greeting"], json!("{{ ansible_hostname }}"), "the roles' own template stays");
    assert_eq!(settings.variables["nothing"], json!(null));
    assert_eq!(settings.health[1].deadline, Period::seconds(300));
    assert_eq!(settings.repository.map(|repository| repository.reference), Some(Reference::Name("main".into())));
}

#[test]
fn a_template_alone_keeps_its_type() {
    let written = baked("roles: \"{{ tags.many | split(',') }}\"").expect("parses");
    let roles = written.resolve(&facts()).map_err(shown).expect("resolves").roles;
    assert_eq!(roles.iter().map(RoleName::as_str).collect::<Vec<_>>(), ["web1", "db"]);
}

#[test]
fn a_template_that_cannot_be_rendered_is_refused_where_it_stands() {
    let message = refused(baked(BAKED).expect("parses").resolve(&json!({ "tags": {} })), "no tag");
    assert!(message.contains("muster.yaml:2:17") && message.contains("undefined"), "{message}");
    let climbing = json!({ "tags": { "role": "../../etc" } });
    assert!(refused(baked(BAKED).expect("parses").resolve(&climbing), "climbs").contains("a role's name"));
    let other = json!({ "tags": { "role": "bastion" } });
    assert!(refused(baked(BAKED).expect("parses").resolve(&other), "tag").contains("launch.allow"));
    for key in ["deadline", "state_directory", "unverified_downloads"] {
        let message = refused(baked(&format!("{key}: '{{{{ tags.x }}}}'")), key);
        assert!(message.contains("cannot be a template"), "{message}");
    }
}

#[test]
fn a_tag_does_not_name_the_repository_and_a_signed_fact_may() {
    let url = |fact: &str| {
        let rest = "deploy_key: { secret: k }, ref: '{{ tags.role }}'";
        format!("repository: {{ url: 'ssh://git.{{{{ {fact} }}}}.test/x', {rest} }}")
    };
    let resolve = |fact: &str| baked(&url(fact)).and_then(|written| written.resolve(&facts()));
    let repository = resolve("instance.region").map_err(shown).expect("resolves").repository.expect("there");
    assert_eq!((repository.url.as_str(), repository.reference.name()), ("ssh://git.eu-west-1.test/x", "web-front"));
    assert!(refused(resolve("tags.role"), "tag").contains("undefined"));
}

#[test]
fn the_readme_s_settings_are_settings() {
    let readme = include_str!("../../README.md");
    let blocks: Vec<&str> = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let launch = blocks.iter().find(|block| block.starts_with("muster:")).expect("user-data");
    let settings = blocks.iter().find(|block| block.contains("/etc/muster/muster.yaml")).expect("muster.yaml");
    let written = baked(settings).and_then(|written| written.with_user_data(launch.as_bytes())).map_err(shown);
    written.expect("parses").resolve(&json!({ "tags": { "role": "web" } })).map_err(shown).expect("resolves");
}

#[test]
fn a_tag_cannot_hold_a_template() {
    let written = baked("environment: { A: '{{ tags.evil }}' }").expect("parses");
    let settings = written.resolve(&json!({ "tags": { "evil": "{{ 6 * 7 }}" } })).map_err(shown).expect("resolves");
    assert_eq!(settings.environment.values().next().map(String::as_str), Some("{{ 6 * 7 }}"));
}

#[test]
fn slips_are_named_with_place_and_the_nearest_key() {
    for (text, parts) in [
        ("a: 1\nrols: [x]", ["muster.yaml:1:1", "unknown key `a`"]),
        ("rols: [x]", ["muster.yaml:1:1", "did you mean `roles`?"]),
        ("rols: '{{ tags.x }}'", ["muster.yaml:1:1", "did you mean `roles`?"]),
        ("repository:\n  url: ssh://h/r\n  branche: x", ["muster.yaml:3:3", "unknown key `repository.branche`"]),
        ("health:\n  - unit: x\n    timout: 3s", ["muster.yaml:3:5", "did you mean `timeout`?"]),
        (
            "health:\n  - unit: x\n    timeout: 3",
            ["muster.yaml:3:14", "`health[0].timeout`: expected a length of time"],
        ),
        ("roles: common", ["muster.yaml:1:8", "`roles`: expected a list, found a string"]),
        ("trust: { unverified_trees: yes }", ["muster.yaml:1:28", "expected true or false, found a string"]),
        ("environment: { A: true }", ["muster.yaml:1:19", "expected a string, found the truth value true"]),
        ("variables: { a: { b: on } }", ["muster.yaml:1:22", "`variables.a.b`: `on` means different things"]),
        ("repository: { ref: main }", ["muster.yaml:1:13", "the key `url` is missing"]),
        ("unverified_downloads: deny", ["muster.yaml:1:23", "expected one of warn, refuse, found `deny`"]),
        ("network: { region: evil.test }", ["muster.yaml:1:20", "expected an AWS region"]),
        ("just words", ["muster.yaml:1:1", "expected a mapping"]),
    ] {
        let message = refused(baked(text), text);
        for part in parts {
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    for (text, part) in [
        ("roles: [a]\nplaybook: site.yml", "muster.yaml:2:11"),
        ("deadline: 13h", "up to 12h"),
        ("repository:\n  url: ssh://h/r", "`repository.deploy_key`: SSH needs a key"),
        ("repository:\n  url: git@h:r", "`repository.deploy_key`: SSH needs a key"),
        ("repository:\n  url: file:///tmp/x", "muster.yaml:2:8"),
        ("playbook: ../site.yml", "a path within the repository"),
        ("hooks: { before: { timeout: 3s } }", "`hooks.before`: write `role` or `program`"),
        ("hooks: { after: { program: /bin/sh } }", "a path within the repository"),
        ("health: [{ unit: a, tcp: 'h:1' }]", "write one of"),
        ("health: [{ tcp: localhost }]", "expected `host:port`"),
        ("signal: { cloudformation: { stack: s } }", "go together"),
        ("repository: { url: 'http://h/r' }", "open to anyone"),
        ("repository: { url: 'https://u:p@h/r' }", "ends up in logs"),
        ("parameters: { paths: [app] }", "`parameters.paths[0]`"),
        ("vault: [{ id: prod }]", "`vault[0]`"),
        ("releases: [{ app: a, bucket: b, destination: /x }]", "the pattern names {component}"),
    ] {
        let message = refused(baked(text).and_then(|written| written.resolve(&json!({}))), text);
        assert!(message.contains(part), "{text}: {message}");
    }
    let good = "hooks: { before: { program: bin/x } }\nhealth: [{ tcp: '[::1]:443' }]\nparameters: { paths: [/app] }
repository: { url: 'https://u@h/r' }\nreleases: [{ app: a, component: c, channel: x, bucket: b, destination: /x }]";
    baked(good).and_then(|written| written.resolve(&json!({}))).map_err(shown).expect("the benign twins pass");
}

#[test]
fn user_data_chooses_among_what_is_allowed() {
    let launch = "muster:\n  roles: [web2]\n  channel: canary\n  repository: { ref: release/7 }
  environment: { APP_NAME: shop }\n  deadline: 10m\n  signal: { cloudformation: { stack: s, resource: Web } }";
    let written =
        baked(BAKED).and_then(|written| written.with_user_data(launch.as_bytes())).map_err(shown).expect("allowed");
    let settings = written.resolve(&facts()).map_err(shown).expect("resolves");
    let roles: Vec<&str> = settings.roles.iter().map(RoleName::as_str).collect();
    assert_eq!(roles, ["common", "web-front", "web2"], "the image's roles stay");
    assert_eq!(settings.channel.as_ref().map(Name::as_str), Some("canary"));
    assert_eq!(settings.deadline, Period::seconds(600));
    let origin = written.origin("repository.ref").expect("set");
    assert_eq!(origin.to_string(), "user-data:4:22");
    assert_eq!(written.origin("repository.url").map(|origin| origin.layer), Some(Layer::Baked));
    let none = baked(BAKED).and_then(|written| written.with_user_data(b"muster: { roles: [] }")).map_err(shown);
    let settings = none.expect("naming none adds none").resolve(&facts()).map_err(shown).expect("resolves");
    assert_eq!(settings.roles.len(), 2, "the image's roles stay");
}

#[test]
fn user_data_widens_nothing() {
    for (launch, part) in [
        ("trust: { unverified_trees: true }", "user-data may not set `trust.unverified_trees`"),
        ("repository: { url: 'ssh://evil.test/x' }", "user-data may not set `repository.url`"),
        ("hooks: { before: { role: x } }", "user-data may not set `hooks.before.role`"),
        ("network: { ca_bundle: /tmp/x }", "user-data may not set"),
        ("launch: { allow: { roles: ['*'] } }", "user-data may not set"),
        ("variables: { x: 1 }", "user-data may not set `variables.x`"),
        ("roles: [bastion]", "the image does not allow this one"),
        ("repository: { ref: attic }", "the image does not allow this one"),
        ("channel: '{{ tags.role }}'", "it holds a template"),
        ("environment: { LD_PRELOAD: x }", "user-data may not set `environment.LD_PRELOAD`"),
        ("deadline: 2h", "the image's deadline is 30m"),
        ("signal: { wait_handle: 'https://evil.test/x' }", "does not lead to CloudFormation"),
        ("signal: { wait_handle: 'http://cloudformation-waitcondition-x.s3.amazonaws.com/' }", "does not lead to"),
        ("chanel: x", "did you mean `channel`?"),
        ("roles: common", "expected a list"),
        ("channel: null", "the image does not allow this one"),
        ("trust: null", "expected a mapping, found nothing"),
        ("trust: {}", "user-data may not set `trust`"),
        ("'repository.ref': main", "unknown key `repository.ref`"),
    ] {
        let document = format!("muster:\n  {launch}\n");
        let message = refused(baked(BAKED).expect("parses").with_user_data(document.as_bytes()), launch);
        assert!(message.contains(part), "{launch}: {message}");
    }
    let bare = baked("roles: [common]").expect("parses");
    let message = refused(bare.with_user_data(b"muster: { roles: [web] }"), "no allow-list");
    assert!(message.contains("launch: {allow: {roles: [...]}}") && message.contains("rule: "), "{message}");
}

#[test]
fn later_documents_and_flags_win_and_are_named() {
    let root = tempfile::tempdir().expect("scratch");
    let etc = root.path().join("etc/muster");
    crate::host::durable::make_directory(&etc.join("conf.d"), 0o755).expect("directory");
    let put =
        |name: &str, text: &str| crate::host::durable::write(&etc.join(name), text.as_bytes(), 0o644).expect(name);
    put("muster.yaml", "channel: a\nnetwork: { proxy: 'http://p:1', no_proxy: x }\n");
    put("conf.d/20.yaml", "channel: c\nnetwork: { proxy: null }\n");
    put("conf.d/10.yaml", "channel: b\n");
    let flags = vec![("deadline".to_owned(), "5m".to_owned())];
    let sources = Sources { root: root.path().to_owned(), flags, ..Sources::default() };
    let written = load(&sources).map_err(shown).expect("loads");
    let settings = written.resolve(&json!({})).map_err(shown).expect("resolves");
    assert_eq!(settings.channel.as_ref().map(Name::as_str), Some("c"));
    assert_eq!((settings.network.proxy.is_some(), settings.network.no_proxy.is_some()), (false, true));
    assert!(written.origin("channel").expect("set").source.ends_with("conf.d/20.yaml"));
    assert_eq!(written.origin("deadline").expect("set").to_string(), "--set deadline");

    put("conf.d/30.yml", "channel: d\n");
    assert!(refused(load(&sources), "yml").contains("only names that end in .yaml"));
    let missing = Sources { file: Some(root.path().join("none.yaml")), ..Sources::default() };
    assert!(refused(load(&missing), "missing").contains("read settings"));
}

#[test]
fn what_is_shown_names_its_origin_and_no_secret() {
    let text = "environment: { DB_PASSWORD: hunter2, TIER: web }\nnetwork: { proxy: 'http://u:hunter2@p:1' }
signal: { wait_handle: 'https://x.test/?hunter2' }\nrepository: { url: ssh://h/r, deploy_key: { secret: fleet/deploy } }";
    let shown = baked(text).and_then(|written| written.show(None)).map_err(shown).expect("shows");
    let all = format!("{shown:?}");
    assert!(!all.contains("hunter2"), "{all}");
    let find = |path: &str| shown.iter().find(|row| row.path == path).unwrap_or_else(|| panic!("{path} in {all}"));
    assert_eq!(find("repository.deploy_key.secret").value, json!("fleet/deploy"));
    assert_eq!(find("environment.TIER").origin.as_ref().map(ToString::to_string), Some("muster.yaml:1:44".into()));
    assert_eq!((find("deadline").value.clone(), find("deadline").origin.clone()), (json!("1h"), None));
}

#[test]
fn the_schema_describes_every_key() {
    let schema = schema();
    assert_eq!(schema["additionalProperties"], json!(false));
    let text = schema.to_string();
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            let described = property.get("description").is_some();
            assert!(described, "{name}.{key} has no description");
        }
    }
    assert!(text.contains("additionalProperties"), "unknown keys are refused by editors too");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = baked(&text).and_then(|written| written.resolve(&json!({})));
        let _ = baked(&format!("roles: [\"{{{{ {text} }}}}\"]")).and_then(|written| written.resolve(&json!({})));
    }
}

//! The config repository against real parts: commits that `git` and `ssh-keygen` signed, a real `sshd`, git's own
//! smart HTTP. A test whose programs are not installed says that it is skipped.

#![expect(clippy::disallowed_methods, reason = "tests set the stage, with files and programs of their own")]
#![expect(clippy::unwrap_used, reason = "a test whose stage cannot be set has failed")]

mod forge;
mod http;
mod proxies;
mod signatures;

use forge::{Forge, free_port, installed, origin, run};
use muster::failure::Explain;
use muster::fetch::{Credentials, DeployKey, FetchError, Limits, Movement, Origin, Reference, Repository};
use muster::secret::Secret;
use muster::trust::{Realm, TrustError, verify_commit};
use std::io::Write;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

const PARTS: &[&str] = &["git", "ssh-keygen", "sshd"];

fn main_branch() -> Reference {
    Reference::Branch("main".into())
}

fn copy(forge: &Forge) -> Repository {
    Repository::open_or_init(&forge.path("copy")).unwrap()
}

fn fetch(forge: &Forge, origin: &Origin, realm: &Realm) -> Result<String, FetchError> {
    copy(forge).fetch(origin, realm, &main_branch(), None).map(|fetched| fetched.id)
}

#[test]
fn over_ssh_shallow_first_then_small_and_never_back() {
    if !installed("over_ssh", PARTS) {
        return;
    }
    let forge = Forge::serving("");
    let (first, second) = (forge.commit("second"), forge.commit("third"));
    let (realm, repository) = (forge.realm(), copy(&forge));
    let fetched = repository.fetch(&forge.origin(), &realm, &main_branch(), None).unwrap();
    assert_eq!((fetched.id.as_str(), fetched.movement), (second.as_str(), Movement::First));
    assert_eq!(run(Command::new("git").arg("-C").arg(forge.path("copy")).args(["rev-list", "--count", &second])), "1");
    let commit = verify_commit(fetched.candidate, &realm, SystemTime::now()).unwrap();
    assert_eq!(repository.tree(&commit).unwrap().read("third").unwrap(), b"third");

    let third = forge.commit("fourth");
    let fetched = copy(&forge).fetch(&forge.origin(), &realm, &main_branch(), Some(&second)).unwrap();
    assert_eq!((fetched.id.as_str(), fetched.movement), (third.as_str(), Movement::Forward));
    let again = copy(&forge).fetch(&forge.origin(), &realm, &main_branch(), Some(&third)).unwrap();
    assert_eq!(again.movement, Movement::Same);
    // What ran last was never fetched here: history is asked for as far as it takes.
    let far = copy(&forge).fetch(&forge.origin(), &realm, &main_branch(), Some(&first)).unwrap();
    assert_eq!(far.movement, Movement::Forward);

    run(forge.git("signer").args(["reset", "-q", "--hard", &first]));
    forge.push("main");
    let back = copy(&forge).fetch(&forge.origin(), &realm, &main_branch(), Some(&third)).unwrap();
    assert_eq!((back.id.as_str(), back.movement), (first.as_str(), Movement::Behind));
    assert!(back.permit(None).unwrap_err().to_string().contains("back behind"));
    assert!(back.permit(Some(&first)).is_ok());
}

#[test]
fn a_commit_by_its_id_and_a_tag_over_ssh() {
    if !installed("by id", PARTS) {
        return;
    }
    let forge = Forge::serving("");
    let old = forge.commit("old");
    run(forge.git("signer").args(["tag", "-s", "-m", "v1", "v1", &old]));
    forge.push("v1");
    forge.commit("new");
    let realm = forge.realm();
    // git's default gives out only what refs name, so this takes all of history; the second server allows it.
    for allowed in ["false", "true"] {
        let allow = ["config", "uploadpack.allowReachableSHA1InWant", allowed];
        run(Command::new("git").arg("-C").arg(forge.bare()).args(allow));
        let repository = Repository::open_or_init(&forge.path(allowed)).unwrap();
        let fetched = repository.fetch(&forge.origin(), &realm, &Reference::Commit(old.clone()), None).unwrap();
        assert_eq!(fetched.id, old);
        assert!(verify_commit(fetched.candidate, &realm, SystemTime::now()).is_ok());
    }
    let fetched = copy(&forge).fetch(&forge.origin(), &realm, &Reference::Tag("v1".into()), None).unwrap();
    let commit = verify_commit(fetched.candidate, &realm, SystemTime::now()).unwrap();
    assert_eq!((commit.get().id.as_str(), commit.get().tag.as_deref()), (old.as_str(), Some("v1")));
    let missing = copy(&forge).fetch(&forge.origin(), &realm, &Reference::Commit("1".repeat(40)), None);
    assert!(matches!(missing, Err(FetchError::NoReference { .. })), "{missing:?}");
}

#[test]
fn hosts_are_the_pinned_ones() {
    if !installed("hosts", PARTS) {
        return;
    }
    let forge = Forge::serving("");
    let (origin, port) = (forge.origin(), forge.port);
    let realm = |hosts: String| forge.realm_of("", &hosts);
    let other = realm(format!("[127.0.0.1]:{port} {}", forge.public("other")));
    let error = fetch(&forge, &origin, &other).unwrap_err();
    let FetchError::Host { source, .. } = &error else { panic!("{error:?}") };
    let TrustError::HostKey { offered, pinned, .. } = &**source else { panic!("{source:?}") };
    for (name, said) in [("host", offered), ("other", pinned)] {
        let line = run(Command::new("ssh-keygen").arg("-lf").arg(forge.path(name)));
        assert!(said.contains(line.split(' ').nth(1).unwrap()), "{said}: {line}");
    }
    assert!(error.hint().unwrap().contains("in between"));
    let unknown = fetch(&forge, &origin, &realm(format!("127.0.0.1 {}", forge.public("host")))).unwrap_err();
    assert!(unknown.to_string().contains("pins no host key"), "{unknown}");
    // As `ssh-keygen -H` hashes it, among other hosts and another type of key.
    forge.key("ecdsa", &["-t", "ecdsa"]);
    let lines = format!("x {}\n[127.0.0.1]:{port} {}\n", forge.public("ecdsa"), forge.public("host"));
    std::fs::write(forge.path("hashed"), lines).unwrap();
    run(Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(forge.path("hashed")));
    let hashed = std::fs::read_to_string(forge.path("hashed")).unwrap();
    assert!(hashed.starts_with("|1|"));
    fetch(&forge, &origin, &realm(hashed)).unwrap();
    // A host with several keys, of which an RSA one is pinned: that one is asked for.
    let mut several = Forge::new();
    several.key("rsa", &["-t", "rsa", "-b", "2048"]);
    several.serve(&format!("HostKey {}", several.path("rsa").display()));
    let pinned = several.realm_of("", &format!("[127.0.0.1]:{} {}", several.port, several.public("rsa")));
    fetch(&several, &several.origin(), &pinned).unwrap();
}

#[test]
fn deploy_keys_of_every_kind() {
    if !installed("deploy keys", PARTS) {
        return;
    }
    let forge = Forge::serving("");
    let realm = forge.realm();
    for (name, arguments) in [
        ("k1", &["-t", "ed25519"][..]),
        ("k2", &["-t", "ecdsa", "-b", "256"]),
        ("k3", &["-t", "ecdsa", "-b", "384", "-m", "PEM"]),
        ("k4", &["-t", "ecdsa", "-b", "521", "-m", "PKCS8"]),
        ("k5", &["-t", "rsa", "-b", "2048"]),
        ("k6", &["-t", "rsa", "-b", "3072", "-m", "PEM"]),
        ("k7", &["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
    ] {
        let key = DeployKey::parse(&Secret::new(forge.key(name, arguments))).unwrap();
        let origin = Origin { credentials: Credentials::Key(key), ..forge.origin() };
        let refused = fetch(&forge, &origin, &realm).unwrap_err();
        assert!(matches!(refused, FetchError::Refused { .. }), "{name}: {refused:?}");
        let line = run(Command::new("ssh-keygen").arg("-lf").arg(forge.path(name)));
        assert!(refused.to_string().contains(line.split(' ').nth(1).unwrap()), "{refused}");
        forge.authorize(name);
        fetch(&forge, &origin, &realm).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn what_a_server_can_do_wrong() {
    if !installed("wrong servers", PARTS) {
        return;
    }
    let forge = Forge::serving("");
    let realm = forge.realm();
    let absent = Origin {
        address: muster::fetch::Address::parse(&format!("{}x", forge.origin().address)).unwrap(),
        ..forge.origin()
    };
    let error = fetch(&forge, &absent, &realm).unwrap_err();
    assert!(
        matches!(&error, FetchError::Server { said, .. } if said.contains("not appear to be a git repository")),
        "{error:?}"
    );
    // The pack ends in the middle; then the same server, whole.
    let mut state = 1_u64;
    let mut noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("{:x}", state >> 32)
    });
    std::fs::write(forge.path("clone/noise"), noise.by_ref().take(4000).collect::<String>()).unwrap();
    forge.commit("big");
    let cut = Forge::serving(&format!(
        "ForceCommand git upload-pack {} | (dd bs=1 count=2500 2>/dev/null; kill $$)",
        forge.bare().display()
    ));
    let error = fetch(&cut, &cut.origin(), &cut.realm()).unwrap_err();
    assert!(matches!(error, FetchError::CutOff { .. }), "{error:?}");
    assert!(fetch(&forge, &forge.origin(), &realm).is_ok());
    // More than may come, and slower than it may.
    let small = Limits { bytes: 4000, ..Limits::default() };
    let other = Repository::open_or_init(&forge.path("other copy")).unwrap();
    let error = other.fetch(&Origin { limits: small, ..forge.origin() }, &realm, &main_branch(), None).unwrap_err();
    assert!(matches!(error, FetchError::TooMuch { .. }), "{error:?}");
    let slow = Forge::serving("ForceCommand sleep 5");
    let limits = Limits { idle: Duration::from_millis(300), ..Limits::default() };
    let error = fetch(&slow, &Origin { limits, ..slow.origin() }, &slow.realm()).unwrap_err();
    assert!(matches!(error, FetchError::Timeout { attempt: "waiting for data from", .. }), "{error:?}");
    let limits = Limits { whole: Duration::from_millis(900), ..Limits::default() };
    let error = fetch(&slow, &Origin { limits, ..slow.origin() }, &slow.realm()).unwrap_err();
    assert!(matches!(error, FetchError::Deadline { .. }), "{error:?}");
}

#[test]
fn who_does_not_speak_ssh() {
    if !installed("silence", &["git", "ssh-keygen"]) {
        return;
    }
    let mut forge = Forge::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    forge.port = listener.local_addr().unwrap().port();
    let limits = Limits { handshake: Duration::from_millis(300), ..Limits::default() };
    let silent = Origin { limits, ..forge.origin() };
    let began = Instant::now();
    let error = fetch(&forge, &silent, &forge.realm()).unwrap_err();
    assert!(matches!(error, FetchError::Timeout { attempt: "shaking hands with", .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = fetch(&forge, &forge.origin(), &forge.realm()).unwrap_err();
    assert!(matches!(error, FetchError::Ssh { .. }), "{error:?}");
    forge.port = free_port();
    let error = fetch(&forge, &forge.origin(), &forge.realm()).unwrap_err();
    assert!(matches!(error, FetchError::Connect { .. }), "{error:?}");
}

#[test]
fn over_http() {
    if !installed("over_http", &["git", "ssh-keygen"]) {
        return;
    }
    let forge = Forge::new();
    let port = http::serve(&forge.bare(), "Basic dXNlcjpodW50ZXIy", None);
    let at = |path: &str, password: &str| {
        let credentials = Credentials::Basic { user: "user".into(), password: Secret::new(password.into()) };
        Origin { credentials, ..origin(&format!("http://127.0.0.1:{port}/{path}")) }
    };
    let (first, realm) = (run(forge.git("signer").args(["rev-parse", "HEAD"])), forge.realm());
    assert_eq!(fetch(&forge, &at("config.git", "hunter2"), &realm).unwrap(), first);
    let second = forge.commit("second");
    let fetched = copy(&forge).fetch(&at("config.git/", "hunter2"), &realm, &main_branch(), Some(&first)).unwrap();
    assert_eq!((fetched.id, fetched.movement), (second, Movement::Forward));
    let error = fetch(&forge, &at("config.git", "wrong"), &realm).unwrap_err();
    assert!(matches!(error, FetchError::Refused { .. }), "{error:?}");
    for (path, said) in [("other.git", "404"), ("moved.git", "/config.git")] {
        let error = fetch(&forge, &at(path, "hunter2"), &realm).unwrap_err();
        assert!(matches!(&error, FetchError::Server { said: text, .. } if text.contains(said)), "{error:?}");
    }
    let bearer = Credentials::Bearer(Secret::new("token".into()));
    let port = http::serve(&forge.bare(), "Bearer token", None);
    let origin = Origin { credentials: bearer, ..origin(&format!("http://127.0.0.1:{port}/config.git")) };
    assert!(fetch(&forge, &origin, &realm).is_ok());
}

#[test]
fn over_https_with_a_ca_bundle() {
    if !installed("over_https", &["git", "ssh-keygen", "openssl"]) {
        return;
    }
    let forge = Forge::new();
    let (certificate, key) = (forge.path("tls.pem"), forge.path("tls.key"));
    run(Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=loopback",
        ])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:false", "-days", "2"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate));
    let port = http::serve(&forge.bare(), "Bearer token", Some(http::tls(&certificate, &key)));
    let credentials = Credentials::Bearer(Secret::new("token".into()));
    let plain = Origin { credentials, ..origin(&format!("https://127.0.0.1:{port}/config.git")) };
    let error = fetch(&forge, &plain, &forge.realm()).unwrap_err();
    assert!(matches!(&error, FetchError::Connect { problem, .. } if problem.contains("certificate")), "{error:?}");
    let trusting = Origin { ca_bundle: Some(std::fs::read(&certificate).unwrap()), ..plain.clone() };
    fetch(&forge, &trusting, &forge.realm()).unwrap();
    let empty = Origin { ca_bundle: Some(b"# nothing".to_vec()), ..plain };
    assert!(matches!(fetch(&forge, &empty, &forge.realm()), Err(FetchError::Setting { .. })));
}

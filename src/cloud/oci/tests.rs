//! Logins, tokens, lists and redirects of registries, as a server on loopback plays them.

use super::super::testing::{Reply, Server};
use super::super::{Network, Transport};
use super::*;
use std::io::Read;
use std::time::Duration;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn staging() -> std::io::Result<File> {
    tempfile::tempfile()
}

fn open(server: &Server) -> Artifacts {
    let transport = Transport::new(Network::default()).expect("transport");
    let login = Login { user: "robot".into(), password: Secret::new("pa55".into()) };
    let text = format!("{}/acme/shop:stable", server.url().trim_start_matches("http://"));
    Artifacts::open(&text, &transport, None, Some(login)).expect("a reference")
}

#[tokio::test]
async fn a_login_goes_to_its_registry_and_a_token_no_further() {
    let elsewhere = Server::start(|request| {
        assert_eq!(request.header("authorization"), None, "who asks is the registry's to know");
        Reply::text(200, "blob")
    })
    .await;
    let onward = format!("{}/storage", elsewhere.url());
    let registry = Server::start(move |request| match (request.path.as_str(), request.header("authorization")) {
        (path, Some("Basic cm9ib3Q6cGE1NQ==")) if path.starts_with("/token?") => {
            assert!(path.contains("scope=repository%3Aacme%2Fshop%3Apull"), "{path}");
            Reply::text(200, r#"{"token":"t0ken"}"#)
        }
        ("/v2/acme/shop/blobs/sha256:00", Some("Bearer t0ken")) => Reply::text(307, "").with("location", &onward),
        (path, None) => {
            assert!(path.starts_with("/v2/"), "{path}");
            let host = request.header("host").unwrap_or_default();
            Reply::text(401, "").with("www-authenticate", &format!("Bearer realm=\"http://{host}/token\""))
        }
        (path, other) => panic!("{path} {other:?}"),
    })
    .await;
    let mut file = open(&registry).blob("sha256:00", 100, &staging, soon()).await.expect("a blob");
    let mut text = String::new();
    file.read_to_string(&mut text).expect("read");
    assert_eq!(text, "blob");
    assert_eq!(elsewhere.seen().len(), 1);
}

#[tokio::test]
async fn pages_that_leave_the_list_and_a_silent_registry_are_ended() {
    let registry = Server::start(|request| match request.path.as_str() {
        "/v2/acme/shop/referrers/sha256:00" => {
            Reply::text(200, "{}").with("link", "</v2/other/referrers/sha256:00>; rel=\"next\"")
        }
        "/v2/acme/shop/referrers/sha256:01" => Reply::text(404, ""),
        "/v2/acme/shop/manifests/sha256-01" => Reply::text(503, ""),
        "/v2/acme/shop/referrers/sha256:02" => Reply::text(404, ""),
        "/v2/acme/shop/manifests/sha256-02" => Reply::text(404, ""),
        _ => Reply::never(),
    })
    .await;
    let artifacts = open(&registry);
    let error = artifacts.referrers("sha256:00", &staging, soon()).await.expect_err("elsewhere").to_string();
    assert!(error.contains("not of this list"), "{error}");
    // A list that could not be read is no list of nothing.
    let error = artifacts.referrers("sha256:01", &staging, soon()).await.expect_err("503").to_string();
    assert!(error.contains("answered 503"), "{error}");
    let Ok(Listing::Pages(none)) = artifacts.referrers("sha256:02", &staging, soon()).await else { panic!("none") };
    assert!(none.is_empty());
    let late = Instant::now() + Duration::from_millis(300);
    let error = artifacts.manifest("stable", &staging, late).await.expect_err("silent").to_string();
    assert!(error.contains("deadline"), "{error}");
}

#[test]
fn a_reference_names_its_registry() {
    let transport = Transport::new(Network::default()).expect("transport");
    let open = |text: &str| Artifacts::open(text, &transport, None, None).map(|artifacts| artifacts.asked().to_owned());
    assert_eq!(open("registry.example.com/acme/shop:1.5").expect("a tag"), "1.5");
    let digest = format!("sha256:{}", "ab".repeat(32));
    assert_eq!(open(&format!("registry.example.com/acme/shop@{digest}")).expect("a digest"), digest);
    for bad in ["acme/shop:1.5", "shop", "", "registry.example.com/Acme", "registry.example.com/a b:c"] {
        assert!(open(bad).is_err(), "{bad}");
    }
    let ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/acme/shop:1";
    assert!(open(ecr).expect_err("nobody asks").to_string().contains("no AWS credentials"));
}

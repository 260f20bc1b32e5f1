//! Parameters from SSM's Parameter Store: below a path, or by name in batches.

use super::retry::until;
use super::{Call, CloudError, Instant, Kind, Service, Session};
use crate::secret::Secret;
use aws_sdk_ssm::types::ParameterType;
use indexmap::IndexMap;
use std::time::Duration;

/// A parameter's value.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The full name as the service gave it.
    pub name: String,
    /// The value. Every one travels as a secret; `secure` tells whether it must stay one.
    pub value: Secret<String>,
    /// Whether it is a `SecureString`.
    pub secure: bool,
    /// Its version.
    pub version: i64,
    /// Its ARN.
    pub arn: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// `:3` or `:label`, where it was asked for by one.
    selector: String,
    /// Whether it is a secret of Secrets Manager, read through Parameter Store.
    reference: bool,
}

/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html>
const REFERENCE: &str = "/aws/reference/secretsmanager/";
#[cfg(test)]
impl Parameter {
    /// One that no service gave, for other rooms' tests.
    pub(crate) fn made(name: &str, value: &str, secure: bool) -> Self {
        let kind = if secure { "SecureString" } else { "String" }.to_owned();
        let value = Secret::new(value.to_owned());
        Self {
            name: name.into(),
            value,
            secure,
            version: 1,
            arn: String::new(),
            kind,
            selector: String::new(),
            reference: false,
        }
    }
}

/// What the service allows in one call.
const BATCH: usize = 10;
/// Calls of hosts that started together are spread over this long.
const SPREAD: Duration = Duration::from_millis(150);
/// A path that never ends is a service gone wrong.
const MOST_PAGES: usize = 10_000;

/// All parameters below a path, decrypted, from every page.
pub async fn by_path(
    session: &Session,
    path: &str,
    recursive: bool,
    deadline: Instant,
) -> Result<Vec<Parameter>, CloudError> {
    let call = Call::new(Service::Ssm, "GetParametersByPath", path);
    let request = session.ssm().get_parameters_by_path().path(path).recursive(recursive).with_decryption(true);
    let request = request.max_results(i32::try_from(BATCH).unwrap_or(10));
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let page = request.clone().set_next_token(token.clone());
        let output = match until(&call, deadline, || page.clone().send()).await {
            Ok(output) => output,
            Err(answer) => return Err(session.failed(call, answer).await),
        };
        for parameter in output.parameters.unwrap_or_default() {
            found.push(take(&call, parameter)?);
        }
        // A page may be empty and still have a successor; only the token tells the end.
        match output.next_token.filter(|next| !next.is_empty()) {
            None => return Ok(found),
            next if next == token => break,
            next => token = next,
        }
    }
    Err(CloudError::Contract { call, why: "the pages do not end".into() })
}

/// Parameters by name, ARN, `name:version`, `name:label` or `/aws/reference/secretsmanager/NAME`, in the order asked;
/// `None` where there is none. Each name is asked for once.
pub async fn by_names(
    session: &Session,
    names: &[String],
    deadline: Instant,
) -> Result<Vec<Option<Parameter>>, CloudError> {
    let client = session.ssm();
    let mut known: IndexMap<&str, Option<Parameter>> = IndexMap::new();
    for batch in batches(names) {
        let call = Call::new(Service::Ssm, "GetParameters", batch.join(", "));
        tokio::time::sleep(SPREAD.mul_f64(fastrand::f64())).await;
        let asked = batch.iter().map(|name| (*name).to_owned()).collect();
        let request = client.get_parameters().set_names(Some(asked)).with_decryption(true);
        let output = match until(&call, deadline, || request.clone().send()).await {
            Ok(output) => output,
            // One name that does not exist at that version is answered for the whole call.
            Err(answer) if answer.kind == Kind::Missing && batch.len() == 1 => {
                known.insert(batch[0], None);
                continue;
            }
            Err(answer) => return Err(session.failed(call, answer).await),
        };
        let invalid = output.invalid_parameters.unwrap_or_default();
        let mut given = output
            .parameters
            .unwrap_or_default()
            .into_iter()
            .map(|parameter| take(&call, parameter))
            .collect::<Result<Vec<_>, _>>()?;
        for name in batch {
            let value = given.iter().position(|parameter| answers(parameter, name)).map(|at| given.swap_remove(at));
            if value.is_none() && !invalid.iter().any(|bad| bad == name || base(name) == bad) {
                return Err(CloudError::Contract { call, why: format!("{name} is in no part of the answer") });
            }
            known.insert(name, value);
        }
    }
    Ok(names.iter().map(|name| known.get(name.as_str()).cloned().flatten()).collect())
}

/// Batches of ten without repetition. Two versions of one name go into different batches, because the answer could
/// not be told apart by every implementation of the service.
fn batches(names: &[String]) -> Vec<Vec<&str>> {
    let mut batches: Vec<Vec<&str>> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            continue;
        }
        let fits = |batch: &&mut Vec<&str>| batch.len() < BATCH && !batch.iter().any(|have| base(have) == base(name));
        match batches.iter_mut().find(fits) {
            Some(batch) => batch.push(name),
            None => batches.push(vec![name]),
        }
    }
    batches
}

/// A name without its version or label. An ARN has five colons of its own.
fn base(name: &str) -> &str {
    let own = if name.starts_with("arn:") { 5 } else { 0 };
    name.match_indices(':').nth(own).map_or(name, |(at, _)| &name[..at])
}

/// Whether a parameter is what a name asked for.
fn answers(parameter: &Parameter, asked: &str) -> bool {
    let Parameter { name, arn, selector, reference, .. } = parameter;
    let bare = base(asked);
    let wanted = &asked[bare.len()..];
    // Some implementations give a secret's own name in place of the reference's.
    if *reference && asked.strip_prefix(REFERENCE).is_some_and(|secret| secret == name) {
        return true;
    }
    (bare == name || bare == arn || base(name) == bare)
        && (wanted.is_empty() || selector.is_empty() || wanted == selector)
}

fn take(call: &Call, parameter: aws_sdk_ssm::types::Parameter) -> Result<Parameter, CloudError> {
    let version = parameter.version;
    let (Some(name), Some(value)) = (parameter.name, parameter.value) else {
        return Err(CloudError::Contract { call: call.clone(), why: "a parameter came without name or value".into() });
    };
    let kind = parameter.r#type.unwrap_or(ParameterType::String);
    let reference = parameter.source_result.is_some();
    Ok(Parameter {
        name,
        value: Secret::new(value),
        // A secret read through Parameter Store stays one, whatever type it is said to have.
        secure: kind == ParameterType::SecureString || reference,
        version,
        arn: parameter.arn.unwrap_or_default(),
        kind: kind.as_str().to_owned(),
        selector: parameter.selector.unwrap_or_default(),
        reference,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Reply, Server};
    use super::*;
    use serde_json::json;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn value(name: &str, value: &str) -> serde_json::Value {
        json!({"Name": name, "Value": value, "Type": "SecureString", "Version": 3, "ARN": format!("arn:aws:ssm:eu-west-1:1:parameter{name}")})
    }

    #[tokio::test]
    async fn every_page_is_read_and_an_empty_one_is_not_the_last() {
        let server = Server::start(|request| {
            assert_eq!(request.header("x-amz-target"), Some("AmazonSSM.GetParametersByPath"));
            let body = request.json();
            assert_eq!((&body["Recursive"], &body["WithDecryption"]), (&json!(true), &json!(true)));
            Reply::json(
                200,
                &match body["NextToken"].as_str() {
                    None => json!({"Parameters": [value("/a/1", "one")], "NextToken": "x"}),
                    Some("x") => json!({"Parameters": [], "NextToken": "y"}),
                    _ => json!({"Parameters": [value("/a/2", "two")]}),
                },
            )
        })
        .await;
        let found = by_path(&server.session(), "/a", true, soon()).await.expect("found");
        let names: Vec<&str> = found.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names, ["/a/1", "/a/2"]);
        assert!(found[0].secure && found[1].value.expose() == "two");
    }

    #[tokio::test]
    async fn names_are_asked_for_once_by_tens_and_come_back_in_order() {
        let server = Server::start(|request| {
            let body = request.json();
            let names: Vec<&str> = body["Names"].as_array().expect("names").iter().filter_map(|n| n.as_str()).collect();
            assert!(names.len() <= 10);
            let (bad, good): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| *name == "/absent");
            let values: Vec<_> = good.iter().rev().map(|name| value(name, &format!("of {name}"))).collect();
            Reply::json(200, &json!({"Parameters": values, "InvalidParameters": bad}))
        })
        .await;
        let mut names: Vec<String> = (0..12).map(|number| format!("/p/{number}")).collect();
        names.extend(["/absent".into(), "/p/3".into()]);
        let found = by_names(&server.session(), &names, soon()).await.expect("found");
        assert_eq!(server.seen().len(), 2, "thirteen names are two calls");
        assert!(found[12].is_none());
        assert_eq!(found[13].as_ref().expect("again").value.expose(), "of /p/3");
        assert_eq!(found[11].as_ref().expect("last").name, "/p/11");
    }

    #[tokio::test]
    async fn versions_labels_and_arns_find_their_values() {
        let server = Server::start(|request| {
            let answers = |name: &str| match name {
                "/a:2" => json!({"Name": "/a", "Selector": ":2", "Value": "second", "Type": "String", "Version": 2}),
                "/a:prod" => json!({"Name": "/a", "Selector": ":prod", "Value": "labelled", "Type": "String"}),
                "/aws/reference/secretsmanager/db" => {
                    json!({"Name": "db", "Value": "hunter2", "Type": "SecureString", "SourceResult": "{}"})
                }
                arn => json!({"Name": "/shared", "ARN": arn, "Value": "shared", "Type": "String"}),
            };
            let body = request.json();
            let values: Vec<_> =
                body["Names"].as_array().expect("names").iter().filter_map(|n| n.as_str()).map(answers).collect();
            Reply::json(200, &json!({"Parameters": values}))
        })
        .await;
        let names = ["/a:prod", "/a:2", "arn:aws:ssm:eu-west-1:9:parameter/shared", "/aws/reference/secretsmanager/db"]
            .map(str::to_owned);
        let found = by_names(&server.session(), &names, soon()).await.expect("found");
        let values: Vec<&str> = found.iter().flatten().map(|parameter| parameter.value.expose().as_str()).collect();
        assert_eq!(values, ["labelled", "second", "shared", "hunter2"]);
    }

    #[tokio::test]
    async fn throttling_is_waited_out_and_a_denial_is_not() {
        let server = Server::start(|request| match request.header("x-amz-target") {
            Some("AmazonSSM.GetParameters") => {
                Reply::json(400, &json!({"__type": "ThrottlingException", "message": "Rate exceeded"}))
            }
            _ => Reply::json(400, &json!({"__type": "AccessDeniedException", "message": "User: arn:x is not authorized to perform: ssm:GetParametersByPath on resource: arn:y"})),
        })
        .await;
        let session = server.session();
        let brief = Instant::now() + Duration::from_millis(1500);
        let error = by_names(&session, &["/a".into()], brief).await.expect_err("throttled");
        assert_eq!(error.kind(), Some(Kind::Throttled), "{error}");
        assert!(server.seen().len() >= 3, "{}", server.seen().len());
        let began = Instant::now();
        let error = by_path(&session, "/a", true, soon()).await.expect_err("denied");
        assert_eq!(error.to_string(), "ssm:GetParametersByPath on arn:y denied to arn:x");
        assert!(began.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn a_name_is_told_from_its_selector() {
        assert_eq!(base("/a/b:3"), "/a/b");
        assert_eq!(base("arn:aws:ssm:eu-west-1:1:parameter/a:prod"), "arn:aws:ssm:eu-west-1:1:parameter/a");
        assert_eq!(base("arn:aws:ssm:eu-west-1:1:parameter/a"), "arn:aws:ssm:eu-west-1:1:parameter/a");
        assert_eq!(base("/aws/reference/secretsmanager/key"), "/aws/reference/secretsmanager/key");
    }
}

//! The emulated services: their names, protocols, and which one a request is for.

use crate::error::Protocol;
use crate::form::Form;
use crate::request::Request;
use crate::s3;
use crate::signature::Scope;

/// A service behind the one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Ssm,
    SecretsManager,
    Sts,
    CloudFormation,
    AutoScaling,
    S3,
    Ecr,
    Kms,
    Ec2,
}

/// Service, signing name, protocol, what its requests are told by (target prefix or version), XML namespace.
const SERVICES: &[(Service, &str, Protocol, &str, &str)] = &[
    (Service::Ssm, "ssm", Protocol::Json, "AmazonSSM", ""),
    (Service::SecretsManager, "secretsmanager", Protocol::Json, "secretsmanager", ""),
    (Service::Sts, "sts", Protocol::Query, "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/"),
    (
        Service::CloudFormation,
        "cloudformation",
        Protocol::Query,
        "2010-05-15",
        "http://cloudformation.amazonaws.com/doc/2010-05-15/",
    ),
    (
        Service::AutoScaling,
        "autoscaling",
        Protocol::Query,
        "2011-01-01",
        "http://autoscaling.amazonaws.com/doc/2011-01-01/",
    ),
    (Service::S3, "s3", Protocol::S3, "", ""),
    (Service::Ecr, "ecr", Protocol::Json, "AmazonEC2ContainerRegistry_V20150921", ""),
    (Service::Kms, "kms", Protocol::Json, "TrentService", ""),
    (Service::Ec2, "ec2", Protocol::Ec2, "2016-11-15", "http://ec2.amazonaws.com/doc/2016-11-15/"),
];

impl Service {
    fn row(self) -> &'static (Service, &'static str, Protocol, &'static str, &'static str) {
        SERVICES.iter().find(|row| row.0 == self).unwrap_or(&SERVICES[0])
    }

    /// The name in credential scopes and in the log.
    pub(crate) fn name(self) -> &'static str {
        self.row().1
    }

    pub(crate) fn protocol(self) -> Protocol {
        self.row().2
    }

    pub(crate) fn namespace(self) -> &'static str {
        self.row().4
    }
}

/// A request's service and action. AWS tells services by host name; one port stands for them all, so here the
/// protocol's own marks do: the JSON target, the query version, and otherwise the signature's scope.
pub(crate) fn route(request: &Request) -> Option<(Service, String)> {
    if let Some(target) = request.header("x-amz-target") {
        let (prefix, action) = target.split_once('.')?;
        let row = SERVICES.iter().find(|row| row.2 == Protocol::Json && row.3 == prefix)?;
        return Some((row.0, action.to_owned()));
    }
    let form = Form::new(request.form());
    let action = form.get("Action").unwrap_or_default().to_owned();
    if let Some(version) = form.get("Version") {
        let row = SERVICES.iter().find(|row| matches!(row.2, Protocol::Query | Protocol::Ec2) && row.3 == version)?;
        return Some((row.0, action));
    }
    let scoped = request.header("authorization").and_then(|header| {
        let (_, scope) = Scope::parse(header.split_once("Credential=")?.1.split(',').next()?)?;
        SERVICES.iter().find(|row| row.1 == scope.service)
    });
    match scoped {
        Some(row) if row.0 != Service::S3 => Some((row.0, action)),
        None if request.method == "POST" => None,
        _ => Some((Service::S3, s3::action(request))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(headers: &[(&str, &str)], body: &str) -> Option<(Service, String)> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        route(&Request { method: "POST".to_owned(), headers, body: body.as_bytes().to_vec(), ..Request::default() })
    }

    #[test]
    fn a_request_tells_its_service() {
        let target = [("x-amz-target", "AmazonSSM.GetParameters")];
        assert_eq!(routed(&target, "{}"), Some((Service::Ssm, "GetParameters".to_owned())));
        let form = "Action=GetCallerIdentity&Version=2011-06-15";
        assert_eq!(routed(&[], form), Some((Service::Sts, "GetCallerIdentity".to_owned())));
        assert_eq!(routed(&[("x-amz-target", "DynamoDB.GetItem")], "{}"), None);
        assert_eq!(routed(&[], ""), None);
    }
}

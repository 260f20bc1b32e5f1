//! How AWS and everything else is reached, in one place for every client.

use crate::settings::scalar::{Path, Period, Region, Url};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How AWS and everything else is reached. What is not written here is taken from the AWS SDK's own variables.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// The region, where it is not the instance's own.
    pub region: Option<Region>,
    /// The proxy for everything but instance metadata.
    pub proxy: Option<Url>,
    /// Hosts, domains and networks that are reached without the proxy, with commas, as in `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// A file of PEM certificates that are believed beside the system's.
    pub ca_bundle: Option<Path>,
    /// One endpoint for every AWS service.
    pub endpoint_url: Option<Url>,
    /// Endpoints of single AWS services, as of VPC endpoints.
    pub endpoints: Endpoints,
    /// A role to assume for every AWS call but signals, which are the host's own.
    pub assume_role: Option<AssumeRole>,
    /// Whether AWS's FIPS endpoints are used.
    pub fips: bool,
    /// Whether AWS's dual-stack endpoints are used.
    pub dual_stack: bool,
}

/// Endpoints of single AWS services.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Endpoints {
    /// Systems Manager: its Parameter Store, patch states and compliance.
    pub ssm: Option<Url>,
    /// Secrets Manager.
    pub secretsmanager: Option<Url>,
    /// S3.
    pub s3: Option<Url>,
    /// Security Token Service.
    pub sts: Option<Url>,
    /// CloudFormation.
    pub cloudformation: Option<Url>,
    /// EC2 Auto Scaling.
    pub autoscaling: Option<Url>,
    /// Elastic Container Registry.
    pub ecr: Option<Url>,
    /// Key Management Service.
    pub kms: Option<Url>,
    /// EC2 itself.
    pub ec2: Option<Url>,
}

impl Endpoints {
    /// Those that are set, by the service's name as IAM has it.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Url)> {
        [
            ("ssm", &self.ssm),
            ("secretsmanager", &self.secretsmanager),
            ("s3", &self.s3),
            ("sts", &self.sts),
            ("cloudformation", &self.cloudformation),
            ("autoscaling", &self.autoscaling),
            ("ecr", &self.ecr),
            ("kms", &self.kms),
            ("ec2", &self.ec2),
        ]
        .into_iter()
        .filter_map(|(name, url)| url.as_ref().map(|url| (name, url)))
    }
}

/// A role to assume by STS.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssumeRole {
    /// The role's ARN.
    pub arn: String,
    /// The external id that its trust policy asks for.
    #[serde(default)]
    pub external_id: Option<String>,
    /// The session's name. `muster` where none is written.
    #[serde(default)]
    pub session_name: Option<String>,
}

/// The instance metadata service.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Metadata {
    /// Its address, where it is not 169.254.169.254 and then fd00:ec2::254.
    pub endpoint: Option<Url>,
    /// How long it may take to answer in early boot, all tries together.
    pub timeout: Period,
}

impl Default for Metadata {
    fn default() -> Self {
        Self { endpoint: None, timeout: Period::seconds(120) }
    }
}

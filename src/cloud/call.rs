//! One request to AWS, named as IAM names it: for deadlines, errors and denials.

use std::fmt;

/// The services that muster asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Systems Manager: its Parameter Store, patch states and compliance.
    Ssm,
    /// Secrets Manager.
    SecretsManager,
    /// S3.
    S3,
    /// Security Token Service.
    Sts,
    /// CloudFormation.
    CloudFormation,
    /// EC2 Auto Scaling.
    AutoScaling,
    /// Elastic Container Registry.
    Ecr,
    /// Key Management Service.
    Kms,
    /// EC2 itself: what an image is made of.
    Ec2,
}

impl Service {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Ssm,
        Self::SecretsManager,
        Self::S3,
        Self::Sts,
        Self::CloudFormation,
        Self::AutoScaling,
        Self::Ecr,
        Self::Kms,
        Self::Ec2,
    ];

    /// As IAM actions and host names begin.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Ssm => "ssm",
            Self::SecretsManager => "secretsmanager",
            Self::S3 => "s3",
            Self::Sts => "sts",
            Self::CloudFormation => "cloudformation",
            Self::AutoScaling => "autoscaling",
            Self::Ecr => "ecr",
            Self::Kms => "kms",
            Self::Ec2 => "ec2",
        }
    }

    /// The SDKs' variable for its endpoint, after `AWS_ENDPOINT_URL_`.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html>
    pub fn variable(self) -> &'static str {
        match self {
            Self::Ssm => "SSM",
            Self::SecretsManager => "SECRETS_MANAGER",
            Self::S3 => "S3",
            Self::Sts => "STS",
            Self::CloudFormation => "CLOUDFORMATION",
            Self::AutoScaling => "AUTO_SCALING",
            Self::Ecr => "ECR",
            Self::Kms => "KMS",
            Self::Ec2 => "EC2",
        }
    }
}

/// An action on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Of which service.
    pub service: Service,
    /// As IAM names it, without the service.
    pub action: &'static str,
    /// On what, as the user would name it.
    pub resource: String,
}

impl Call {
    /// An action on a resource.
    pub fn new(service: Service, action: &'static str, resource: impl Into<String>) -> Self {
        Self { service, action, resource: resource.into() }
    }

    /// The action as a policy would allow it.
    pub fn permission(&self) -> String {
        let action = match self.action {
            // IAM has no HeadObject and no ListObjectsV2.
            "HeadObject" => "GetObject",
            "ListObjectsV2" => "ListBucket",
            action => action,
        };
        format!("{}:{action}", self.service.prefix())
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service.prefix(), self.action)?;
        if self.resource.is_empty() { Ok(()) } else { write!(f, " on {}", self.resource) }
    }
}

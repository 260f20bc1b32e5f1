//! What is said of an image: the predicates of the two statements that muster signs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// An image in one region. A copy in another region is another image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageName {
    /// As `eu-west-1`.
    pub region: String,
    /// As `ami-...`.
    pub ami: String,
}

impl ImageName {
    /// Its ARN, which has no account.
    pub fn arn(&self) -> String {
        let partition = match self.region.split('-').next() {
            Some("cn") => "aws-cn",
            _ if self.region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        format!("arn:{partition}:ec2:{}::image/{}", self.region, self.ami)
    }

    /// SHA-256 of its ARN: what statements are about.
    pub fn sha256(&self) -> [u8; 32] {
        *sigstore_crypto::sha256(self.arn().as_bytes()).as_bytes()
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.ami, self.region)
    }
}

/// Whether a text is an id of AWS's, as `ami-` and eight or seventeen hexadecimal digits.
fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        matches!(rest.len(), 8 | 17) && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

impl FromStr for ImageName {
    type Err = String;

    /// As `REGION=AMI`, or as Packer writes it, `REGION:AMI`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is not REGION=AMI, as eu-west-1=ami-0123456789abcdef0", text.escape_default());
        let (region, ami) = text.split_once(['=', ':']).ok_or_else(wrong)?;
        let named = region.len() < 40 && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match is_id(ami, "ami-") && named && region.contains('-') {
            true => Ok(Self { region: region.to_owned(), ami: ami.to_owned() }),
            false => Err(wrong()),
        }
    }
}

/// What an image is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageFacts {
    /// As `eu-west-1`.
    pub region: String,
    /// As `ami-...`.
    pub ami: String,
    /// Its volumes' snapshots, in the order of its devices.
    pub snapshots: Vec<String>,
    /// The image that it was built from.
    pub source: String,
    /// Of a copy: the image that was built, which is the same bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<ImageName>,
}

impl ImageFacts {
    /// The image.
    pub fn name(&self) -> ImageName {
        ImageName { region: self.region.clone(), ami: self.ami.clone() }
    }

    /// Whether its snapshots are ids at all, and there are some.
    pub fn are_named(&self) -> bool {
        !self.snapshots.is_empty() && self.snapshots.iter().all(|id| is_id(id, "snap-")) && is_id(&self.source, "ami-")
    }
}

/// A program, as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binary {
    /// Its version.
    pub version: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// The predicate of a validation's statement.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationReport {
    /// Of what.
    pub image: ImageFacts,
    /// The profile.
    pub profile: String,
    /// The muster that judged, on the machine that the image was made of.
    pub muster: Binary,
    /// When the statement was made.
    pub attested: Timestamp,
    /// The report, whole.
    pub report: Value,
}

impl ValidationReport {
    /// The statement's predicate type.
    pub const TYPE: &str = "urn:muster:image-validation:1";
}

/// The predicate of a run's statement.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunReport {
    /// The image that the instance was launched from.
    pub image: ImageName,
    /// The instance.
    pub instance: String,
    /// When the statement was made.
    pub attested: Timestamp,
    /// The run's record, whole.
    pub run: Value,
}

impl RunReport {
    /// The statement's predicate type.
    pub const TYPE: &str = "urn:muster:image-run:1";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_an_arn_by_its_region_s_partition() {
        let name: ImageName = "eu-west-1=ami-0123456789abcdef0".parse().expect("a name");
        assert_eq!(name.arn(), "arn:aws:ec2:eu-west-1::image/ami-0123456789abcdef0");
        let name: ImageName = "cn-north-1:ami-01234567".parse().expect("a name");
        assert_eq!(name.arn(), "arn:aws-cn:ec2:cn-north-1::image/ami-01234567");
        for text in
            ["ami-01234567", "eu-west-1=ami-0123", "eu-west-1=snap-01234567", "=ami-01234567", "e/-1=ami-01234567"]
        {
            assert!(text.parse::<ImageName>().is_err(), "{text}");
        }
    }
}

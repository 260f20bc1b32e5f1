//! An instance, and how its metadata service behaves.

use std::collections::BTreeMap;
use std::time::Duration;

/// One emulated EC2 instance. Tests name what matters and take the rest from [`Instance::default`].
#[derive(Clone, Debug)]
pub struct Instance {
    /// `i-` and seventeen hexadecimal digits.
    pub id: String,
    /// The AMI that it was launched from.
    pub image_id: String,
    /// Such as `t3.small`.
    pub instance_type: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// The zone's letter, after the region's name.
    pub zone: String,
    /// The primary interface's address.
    pub private_ip: String,
    /// Its address from outside, where it has one.
    pub public_ip: Option<String>,
    /// The primary interface's hardware address.
    pub mac: String,
    /// Tags, seen by the instance only where [`Metadata::tags`] says so.
    pub tags: BTreeMap<String, String>,
    /// The role of its instance profile.
    pub role: Option<String>,
    /// User-data as launched.
    pub user_data: Option<Vec<u8>>,
    /// An OpenSSH public key and its name.
    pub key_pair: Option<(String, String)>,
    /// The spot interruption notice: `terminate`, `stop` or `hibernate`.
    pub spot_action: Option<String>,
    /// The behaviour of the metadata service.
    pub metadata: Metadata,
}

/// The metadata service's settings and moods.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// Off: every request is answered 403.
    pub enabled: bool,
    /// Whether tags are readable (`InstanceMetadataTags`).
    pub tags: bool,
    /// A container one hop too far away: the answer to the token request never arrives.
    pub too_many_hops: bool,
    /// How it comes up.
    pub start: Start,
    /// For so many requests below `iam/`, the role's credentials are not there yet.
    pub credentials_late: u32,
    /// Listens on `::1` in place of `127.0.0.1`.
    pub ipv6: bool,
}

/// The first moments of the metadata service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Up at once.
    Ready,
    /// Connections are refused for so long.
    Refuses(Duration),
    /// The first so many requests get this status: 401 and 503 happen.
    Answers(u16, u32),
}

impl Default for Metadata {
    fn default() -> Self {
        Self { enabled: true, tags: true, too_many_hops: false, start: Start::Ready, credentials_late: 0, ipv6: false }
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self {
            id: "i-0123456789abcdef0".to_owned(),
            image_id: "ami-0123456789abcdef0".to_owned(),
            instance_type: "t3.small".to_owned(),
            architecture: "x86_64".to_owned(),
            zone: "a".to_owned(),
            private_ip: "10.0.1.23".to_owned(),
            public_ip: None,
            mac: "0a:1b:2c:3d:4e:5f".to_owned(),
            tags: BTreeMap::new(),
            role: Some("web".to_owned()),
            user_data: None,
            key_pair: None,
            spot_action: None,
            metadata: Metadata::default(),
        }
    }
}

impl Instance {
    /// An instance with this id and otherwise the defaults.
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    /// With one tag more.
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// With this user-data.
    pub fn user_data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.user_data = Some(data.into());
        self
    }

    /// With the tags that CloudFormation puts on what a stack makes.
    pub fn in_stack(self, stack: &str, logical_id: &str, stack_id: &str) -> Self {
        self.tag("aws:cloudformation:stack-name", stack)
            .tag("aws:cloudformation:logical-id", logical_id)
            .tag("aws:cloudformation:stack-id", stack_id)
    }

    /// With the tag that Auto Scaling puts on what it launches.
    pub fn in_group(self, group: &str) -> Self {
        self.tag("aws:autoscaling:groupName", group)
    }

    pub(crate) fn hostname(&self, region: &str) -> String {
        let host = format!("ip-{}", self.private_ip.replace('.', "-"));
        if region == "us-east-1" { format!("{host}.ec2.internal") } else { format!("{host}.{region}.compute.internal") }
    }
}

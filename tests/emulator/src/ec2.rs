//! EC2, as far as images go: which there are, and of which image an instance is.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html>

use crate::account::Account;
use crate::credentials::Principal;
use crate::error::{ApiError, Common};
use crate::form::Form;
use crate::imds::Machine;
use crate::policy::Policy;
use crate::xml::Xml;

/// A machine image in one region.
#[derive(Clone, Debug)]
pub struct Image {
    /// `ami-...`
    pub id: String,
    /// Where it is.
    pub region: String,
    /// `available`, `pending`, `deregistered`, ...
    pub state: String,
    /// Of its volumes, by device.
    pub snapshots: Vec<String>,
    /// The image that it was made from.
    pub source: Option<String>,
}

impl Image {
    /// An image with one snapshot, which can be launched.
    pub fn new(id: &str, region: &str) -> Self {
        let snapshots = vec![id.replacen("ami-", "snap-", 1)];
        Self { id: id.to_owned(), region: region.to_owned(), state: "available".to_owned(), snapshots, source: None }
    }
}

/// The account's images.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) images: Vec<Image>,
}

/// Who asks, and what stands around the store.
pub(crate) struct Caller<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
    pub(crate) machines: &'a [Machine],
}

impl Store {
    /// Answers one call.
    pub(crate) fn answer(&self, caller: &Caller, action: &str, form: &Form) -> Result<Xml, ApiError> {
        match action {
            "DescribeImages" => self.images(caller, form),
            "DescribeInstances" => instances(caller, form),
            _ => {
                let message = format!("The action {action} is not valid for this web service.");
                Err(ApiError::common(Common::UnknownAction, message))
            }
        }
    }

    /// An image of a region that can be launched.
    pub(crate) fn has(&self, id: &str, region: &str) -> bool {
        self.images.iter().any(|image| image.id == id && image.region == region && image.state == "available")
    }

    fn images(&self, caller: &Caller, form: &Form) -> Result<Xml, ApiError> {
        caller.policy.permit(caller.principal, "ec2:DescribeImages", "*")?;
        let id = only(form, "ImageId", "ami-", "InvalidAMIID.Malformed")?;
        let found = self.images.iter().find(|image| image.id == id && image.region == caller.account.region);
        let image = found
            .ok_or_else(|| ApiError::own("InvalidAMIID.NotFound", format!("The image id '[{id}]' does not exist")))?;
        let mut xml = Xml::default();
        xml.nested("imagesSet", |xml| {
            xml.nested("item", |xml| {
                xml.leaf("imageId", &image.id);
                xml.leaf("imageState", &image.state);
                xml.leaf("imageOwnerId", &caller.account.id);
                xml.leaf("imdsSupport", "v2.0");
                if let Some(source) = &image.source {
                    xml.leaf("sourceImageId", source);
                    xml.leaf("sourceImageRegion", &image.region);
                }
                xml.nested("blockDeviceMapping", |xml| {
                    for (at, snapshot) in image.snapshots.iter().enumerate() {
                        xml.nested("item", |xml| {
                            xml.leaf("deviceName", &format!("/dev/sd{}", char::from(b'a' + at as u8)));
                            xml.nested("ebs", |xml| {
                                xml.leaf("snapshotId", snapshot);
                                xml.leaf("encrypted", "true");
                            });
                        });
                    }
                });
            });
        });
        Ok(xml)
    }
}

fn instances(caller: &Caller, form: &Form) -> Result<Xml, ApiError> {
    caller.policy.permit(caller.principal, "ec2:DescribeInstances", "*")?;
    let id = only(form, "InstanceId", "i-", "InvalidInstanceID.Malformed")?;
    let found = caller.machines.iter().find(|machine| machine.instance.id == id);
    let machine = found
        .ok_or_else(|| ApiError::own("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist")))?;
    let mut xml = Xml::default();
    xml.nested("reservationSet", |xml| {
        xml.nested("item", |xml| {
            xml.nested("instancesSet", |xml| {
                xml.nested("item", |xml| {
                    xml.leaf("instanceId", &machine.instance.id);
                    xml.leaf("imageId", &machine.instance.image_id);
                });
            });
        });
    });
    Ok(xml)
}

/// The one id that is asked for; more than that the emulator does not know.
fn only<'a>(form: &'a Form, name: &str, prefix: &str, malformed: &'static str) -> Result<&'a str, ApiError> {
    let id = form.get(&format!("{name}.1")).unwrap_or_default();
    let digits = id.strip_prefix(prefix).unwrap_or_default();
    let fits = matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !fits || form.get(&format!("{name}.2")).is_some() {
        return Err(ApiError::own(malformed, format!("Invalid id: \"{id}\"")));
    }
    Ok(id)
}

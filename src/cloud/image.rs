//! What EC2 says of an image: whether it can be launched, and the snapshots that it is made of.

use super::query::{Texts, ask};
use super::{Call, CloudError, Instant, Service, Session};

/// An image in one region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// `ami-...`
    pub id: String,
    /// `available` once it can be launched.
    pub state: String,
    /// The snapshots of its volumes, in the order of its devices.
    pub snapshots: Vec<String>,
    /// The image that it was made from or copied from, where EC2 still knows.
    pub source: Option<String>,
    /// Whether instances of it have IMDSv2 only.
    pub imds_v2: bool,
}

/// An image by its id: its own region's session is asked.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html>
pub async fn image(session: &Session, id: &str, deadline: Instant) -> Result<Image, CloudError> {
    let call = Call::new(Service::Ec2, "DescribeImages", id);
    let said = ask(session, call.clone(), &[("ImageId.1", id)], deadline).await?;
    let mut image = Image::default();
    for (path, text) in said {
        let path: Vec<&str> = path.iter().skip(1).map(String::as_str).collect();
        match path[..] {
            ["imagesSet", "item", "imageId"] => image.id = text,
            ["imagesSet", "item", "imageState"] => image.state = text,
            ["imagesSet", "item", "sourceImageId"] => image.source = Some(text),
            ["imagesSet", "item", "imdsSupport"] => image.imds_v2 = text == "v2.0",
            ["imagesSet", "item", "blockDeviceMapping", "item", "ebs", "snapshotId"] => image.snapshots.push(text),
            _ => {}
        }
    }
    match image.id == id {
        true => Ok(image),
        false => Err(CloudError::Contract { call, why: format!("the answer does not speak of {id}") }),
    }
}

/// The image that an instance was launched from.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html>
pub async fn image_of_instance(session: &Session, id: &str, deadline: Instant) -> Result<String, CloudError> {
    let call = Call::new(Service::Ec2, "DescribeInstances", id);
    let said = ask(session, call.clone(), &[("InstanceId.1", id)], deadline).await?;
    let of = |said: &Texts, name: &str| {
        let place = ["reservationSet", "item", "instancesSet", "item", name];
        said.iter().find(|(path, _)| path[1..] == place).map(|(_, text)| text.clone())
    };
    match (of(&said, "instanceId"), of(&said, "imageId")) {
        (Some(own), Some(image)) if own == id => Ok(image),
        _ => Err(CloudError::Contract { call, why: format!("the answer does not name the image of {id}") }),
    }
}

//! Who this instance is, as its metadata says.

use super::{CloudError, Metadata};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What to do where an instance's tags are not in its metadata.
pub const TAGS_OFF: &str = "instance tags are not in the metadata; allow them: aws ec2 \
                            modify-instance-metadata-options --instance-metadata-tags enabled";

/// The identity document, and the bytes and signature that it came with.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// `i-...`
    pub instance_id: String,
    /// As `eu-west-1`.
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// As `eu-west-1a`.
    pub availability_zone: String,
    /// `ami-...`
    pub image_id: String,
    /// As `m7g.large`.
    pub instance_type: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Of the primary interface; absent in IPv6-only subnets.
    #[serde(default)]
    pub private_ip: Option<String>,
    /// When the instance was last launched, as RFC 3339 writes it.
    #[serde(default)]
    pub pending_time: Option<String>,
    /// The document as it came: what the signature is over.
    #[serde(skip)]
    pub document: Vec<u8>,
    /// Its RSA signature in base64, as `dynamic/instance-identity/signature` gives it.
    #[serde(skip)]
    pub signature: String,
}

const DOCUMENT: &str = "dynamic/instance-identity/document";

impl Metadata {
    /// The identity document with its signature.
    pub async fn identity(&self) -> Result<Identity, CloudError> {
        let broken = |why: String| CloudError::Metadata { path: DOCUMENT.into(), why };
        let document = self.get(DOCUMENT).await?.ok_or_else(|| broken("there is none".into()))?;
        let mut identity: Identity = serde_json::from_slice(&document).map_err(|error| broken(error.to_string()))?;
        if !identity.instance_id.starts_with("i-") || identity.region.is_empty() {
            return Err(broken("it names no instance and region".into()));
        }
        identity.document = document;
        identity.signature = self.text("dynamic/instance-identity/signature").await?.unwrap_or_default();
        Ok(identity)
    }

    /// The instance's tags; `None` where metadata does not show them ([`TAGS_OFF`]).
    pub async fn tags(&self) -> Result<Option<BTreeMap<String, String>>, CloudError> {
        let Some(keys) = self.list("meta-data/tags/instance").await? else { return Ok(None) };
        let mut tags = BTreeMap::new();
        for key in keys {
            if let Some(value) = self.text(&format!("meta-data/tags/instance/{key}")).await? {
                tags.insert(key, value);
            }
        }
        Ok(Some(tags))
    }

    /// Where Auto Scaling is taking the instance: `InService`, `Warmed:Stopped`, ...; `None` outside a group.
    pub async fn target_lifecycle_state(&self) -> Result<Option<String>, CloudError> {
        self.text("meta-data/autoscaling/target-lifecycle-state").await
    }

    /// User-data as it was given at launch; `None` where there is none.
    pub async fn user_data(&self) -> Result<Option<Vec<u8>>, CloudError> {
        self.get("user-data").await
    }

    /// Names and values below `placement/`: region, zone, partition, group, host.
    pub async fn placement(&self) -> Result<BTreeMap<String, String>, CloudError> {
        self.values("meta-data/placement").await
    }

    /// Block devices by role (`ami`, `root`, `ebs1`): the kernel's names as the image asked for them. Volume ids are
    /// not in the metadata.
    pub async fn block_devices(&self) -> Result<BTreeMap<String, String>, CloudError> {
        self.values("meta-data/block-device-mapping").await
    }

    /// The hardware addresses of the interfaces.
    pub async fn macs(&self) -> Result<Vec<String>, CloudError> {
        let macs = self.list("meta-data/network/interfaces/macs").await?.unwrap_or_default();
        Ok(macs.iter().map(|mac| mac.trim_end_matches('/').to_owned()).collect())
    }

    /// The domain of service names in this partition: `amazonaws.com`, `amazonaws.com.cn`.
    pub async fn domain(&self) -> Result<Option<String>, CloudError> {
        self.text("meta-data/services/domain").await
    }

    async fn values(&self, path: &str) -> Result<BTreeMap<String, String>, CloudError> {
        let mut values = BTreeMap::new();
        for name in self.list(path).await?.unwrap_or_default() {
            // Deeper levels are asked for by their own path.
            if !name.ends_with('/')
                && let Some(value) = self.text(&format!("{path}/{name}")).await?
            {
                values.insert(name, value);
            }
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Reply, Server};
    use super::super::{Network, Transport};
    use super::*;
    use std::time::Duration;

    async fn instance(pages: &'static [(&'static str, &'static str)]) -> (Server, Metadata) {
        let server = Server::start(move |request| {
            if request.method == "PUT" {
                return Reply::text(200, "token");
            }
            let path = request.path.trim_start_matches("/latest/");
            pages.iter().find(|page| page.0 == path).map_or(Reply::text(404, ""), |page| Reply::text(200, page.1))
        })
        .await;
        let network = Network { metadata_endpoint: Some(server.url()), ..Network::default() };
        let transport = Transport::new(network).expect("transport");
        let metadata = Metadata::new(&transport, Duration::from_secs(10)).expect("client");
        (server, metadata)
    }

    const IDENTITY: &str = r#"{"accountId":"123456789012","architecture":"x86_64","availabilityZone":"eu-west-1a",
        "billingProducts":null,"imageId":"ami-1","instanceId":"i-0abc","instanceType":"m7i.large","kernelId":null,
        "pendingTime":"2026-11-22T07:00:00Z","privateIp":"10.0.0.5","region":"eu-west-1","version":"2017-09-30"}"#;

    #[tokio::test]
    async fn the_identity_keeps_the_bytes_that_were_signed() {
        let (_server, metadata) = instance(&[
            ("dynamic/instance-identity/document", IDENTITY),
            ("dynamic/instance-identity/signature", "c2ln\nbmF0dXJl"),
        ])
        .await;
        let identity = metadata.identity().await.expect("identity");
        assert_eq!((identity.instance_id.as_str(), identity.region.as_str()), ("i-0abc", "eu-west-1"));
        assert_eq!(identity.document, IDENTITY.as_bytes());
        assert_eq!(identity.signature, "c2ln\nbmF0dXJl");
        assert_eq!(metadata.user_data().await.expect("read"), None);
        assert_eq!(metadata.tags().await.expect("read"), None);
    }

    #[tokio::test]
    async fn tags_are_read_one_by_one() {
        let (_server, metadata) = instance(&[
            ("meta-data/tags/instance/", "Name\naws:cloudformation:stack-name"),
            ("meta-data/tags/instance/Name", "web"),
            ("meta-data/tags/instance/aws:cloudformation:stack-name", "prod"),
        ])
        .await;
        let tags = metadata.tags().await.expect("read").expect("tags");
        assert_eq!(tags["aws:cloudformation:stack-name"], "prod");
        assert_eq!(tags.len(), 2);
    }

    #[tokio::test]
    async fn a_document_that_is_none_is_refused() {
        let (_server, metadata) = instance(&[("dynamic/instance-identity/document", "<html>")]).await;
        assert!(matches!(metadata.identity().await, Err(CloudError::Metadata { .. })));
    }
}

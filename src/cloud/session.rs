//! AWS as one caller in one region: the clients of its services, and what is known when one of them fails.

use super::error::{Asked, Denial};
use super::{Answer, AssumedRole, Call, CloudError, Kind, Metadata, Service, Transport, credentials};
use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// One caller in one region. Clones share credentials and connections.
#[derive(Clone, Debug)]
pub struct Session {
    config: SdkConfig,
    transport: Transport,
    region: String,
    caller: Arc<OnceCell<Option<String>>>,
}

/// One attempt, from the first byte sent to the last received; objects are streamed under another limit.
pub(super) const ATTEMPT: Duration = Duration::from_secs(20);
/// Credentials are renewed this long before they expire.
const REFRESH: Duration = Duration::from_secs(300);

impl Session {
    /// As this host in a region: with the environment's credentials or the instance role's, and with the role that the
    /// network names assumed with them.
    pub fn open(
        transport: &Transport,
        region: &str,
        metadata: &Arc<Metadata>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self::assuming(Self::new(transport, region, credentials(metadata, variable)))
    }

    /// With the role that the network names, where it names one.
    pub fn assuming(base: Self) -> Self {
        let Some(role) = base.transport.network().assume_role.clone() else { return base };
        let (transport, region) = (base.transport.clone(), base.region.clone());
        let assumed = SharedCredentialsProvider::new(AssumedRole::new(base, role));
        Self::new(&transport, &region, assumed)
    }

    /// With given credentials in a region.
    pub fn new(transport: &Transport, region: &str, credentials: SharedCredentialsProvider) -> Self {
        let network = transport.network();
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .http_client(transport.sdk())
            // One cache for all services: the role is read from the metadata once, and again before it expires.
            .identity_cache(IdentityCache::lazy().buffer_time(REFRESH).load_timeout(ATTEMPT).build())
            .credentials_provider(credentials)
            // The loop around every call (`retry`) has the deadline, and judges each answer by itself: what a second
            // attempt at a signal is answered depends on whether the first arrived. The SDK's own retries would also
            // sign by AWS's clock where the host's is wrong, and signatures here would be judged by a wrong one.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .use_fips(network.fips)
            .use_dual_stack(network.dual_stack)
            .build();
        Self { config, transport: transport.clone(), region: region.to_owned(), caller: Arc::default() }
    }

    /// The same caller in another region.
    pub fn in_region(&self, region: &str) -> Self {
        let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
        Self { config, region: region.to_owned(), ..self.clone() }
    }

    /// Where its credentials come from.
    pub fn credentials(&self) -> Option<SharedCredentialsProvider> {
        self.config.credentials_provider()
    }

    /// The region asked.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// What its requests travel through.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    fn config(&self, service: Service) -> SdkConfig {
        let mut builder = self.config.to_builder();
        builder.set_endpoint_url(self.transport.network().endpoint(service).map(str::to_owned));
        builder.build()
    }

    pub(super) fn ssm(&self) -> aws_sdk_ssm::Client {
        aws_sdk_ssm::Client::new(&self.config(Service::Ssm))
    }

    pub(super) fn secretsmanager(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config(Service::SecretsManager))
    }

    pub(super) fn ecr(&self) -> aws_sdk_ecr::Client {
        aws_sdk_ecr::Client::new(&self.config(Service::Ecr))
    }

    pub(super) fn kms(&self) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::new(&self.config(Service::Kms))
    }

    pub(super) fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.config(Service::Sts))
    }

    pub(super) fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.config(Service::CloudFormation))
    }

    pub(super) fn autoscaling(&self) -> aws_sdk_autoscaling::Client {
        aws_sdk_autoscaling::Client::new(&self.config(Service::AutoScaling))
    }

    /// Emulators know buckets by path, not by host name.
    pub(super) fn s3(&self) -> aws_sdk_s3::Client {
        let by_path = self.transport.network().endpoint(Service::S3).is_some();
        let config = aws_sdk_s3::config::Builder::from(&self.config(Service::S3)).force_path_style(by_path);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// A failed call with all that is known of it; a denial is asked as whom it was made.
    pub(super) async fn failed(&self, call: Call, answer: Answer) -> CloudError {
        let unnamed = answer.kind == Kind::Denied && Denial::read(&answer.message).caller.is_none();
        let caller = if unnamed { self.caller().await } else { None };
        self.failed_as(call, answer, caller)
    }

    pub(super) fn failed_as(&self, call: Call, answer: Answer, caller: Option<String>) -> CloudError {
        let network = self.transport.network();
        // A wait-condition handle is an address of its own.
        let handle = reqwest::Url::parse(&call.resource).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let handle = handle.map(|url| url.origin().ascii_serialization());
        let set = handle.as_deref().or_else(|| network.endpoint(call.service));
        let endpoint = set.map_or_else(|| format!("{} in {}", call.service.prefix(), self.region), str::to_owned);
        let proxy = network.proxy_for(set.unwrap_or("https:")).map(ToString::to_string);
        let local_time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        CloudError::Asked(Box::new(Asked { call, answer, caller, endpoint, proxy, local_time }))
    }

    /// The caller's ARN, asked once; `None` where it cannot be had.
    pub async fn caller(&self) -> Option<String> {
        self.caller.get_or_init(|| async { super::caller::ask(self).await.ok() }).await.clone()
    }
}

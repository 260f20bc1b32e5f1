//! `muster signal success|failure`: tells by hand what a boot would tell by itself.

use super::print;
use crate::cloud::signal::{Delivery, Messenger, Outcome, Recipient, WaitConditionUrl};
use crate::cloud::{CloudError, Identity, Instant, Metadata, Network, RoleCredentials, Session, TAGS_OFF, Transport};
use crate::failure::{Failure, Stage};
use aws_credential_types::provider::SharedCredentialsProvider;
use clap::{Args, ValueEnum};
use std::sync::Arc;
use std::time::Duration;

/// Tell CloudFormation or Auto Scaling how this host is
#[derive(Args)]
pub(crate) struct Signal {
    /// What to tell
    outcome: Word,
    /// Why, for the channels that carry a reason
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// A stack's name or ARN; the stack of this instance's tags where no recipient is named
    #[arg(long, requires = "resource", conflicts_with_all = ["handle", "hook", "health"])]
    stack: Option<String>,
    /// The logical id of a resource in the stack
    #[arg(long, requires = "stack")]
    resource: Option<String>,
    /// The region, where it is not this instance's
    #[arg(long)]
    region: Option<String>,
    /// The URL of a wait-condition handle, plain or in base64
    #[arg(long, value_name = "URL", conflicts_with_all = ["hook", "health"])]
    handle: Option<String>,
    /// An Auto Scaling lifecycle hook that waits for this instance
    #[arg(long, value_name = "NAME", conflicts_with = "health")]
    hook: Option<String>,
    /// The hook's Auto Scaling group, where it is not this instance's
    #[arg(long, value_name = "NAME", requires = "hook")]
    group: Option<String>,
    /// This instance's health in its Auto Scaling group
    #[arg(long)]
    health: bool,
    /// In whose name, where it is not this instance
    #[arg(long, value_name = "ID")]
    instance_id: Option<String>,
    /// When to give up
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Word {
    Success,
    Failure,
}

impl Signal {
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let usage = |error| Failure::new(Stage::Usage, error);
        let handle = self.handle.as_deref().map(WaitConditionUrl::parse).transpose().map_err(usage)?;
        let order = Order {
            success: matches!(self.outcome, Word::Success),
            reason: self.reason,
            to: match (self.stack, self.resource, handle, self.hook) {
                (Some(stack), Some(resource), _, _) => Some(Recipient::Stack { stack, resource, region: None }),
                (_, _, Some(url), _) => Some(Recipient::WaitCondition { url, data: String::new() }),
                (_, _, _, Some(hook)) => Some(Recipient::Lifecycle { group: self.group, hook: Some(hook) }),
                _ if self.health => Some(Recipient::Health),
                _ => None,
            },
            instance_id: self.instance_id,
            network: Network { region: self.region, ..Network::default() },
            keys: Keys::Host,
            timeout: Duration::from_secs(self.timeout),
        };
        let (to, delivery) = order.send()?;
        match delivery {
            Delivery::Delivered => print(&format!("{to}: delivered\n")),
            Delivery::Settled { because } => print(&format!("{to}: nothing to do: {because}\n")),
            Delivery::Unsent(error) | Delivery::Refused(error) => return Err(Failure::new(Stage::Signal, error)),
        }
        Ok(0)
    }
}

/// With which credentials.
pub(super) enum Keys {
    /// The host's own: the environment's or the role's.
    Host,
    /// Those of a role by name, from the instance's metadata.
    Role(String),
    /// These.
    Fixed(aws_credential_types::Credentials),
}

/// A signal to send by hand.
pub(super) struct Order {
    pub(super) success: bool,
    pub(super) reason: String,
    /// The instance's own stack, by its tags, where none is named.
    pub(super) to: Option<Recipient>,
    pub(super) instance_id: Option<String>,
    pub(super) network: Network,
    pub(super) keys: Keys,
    pub(super) timeout: Duration,
}

/// A person waits: metadata that does not answer by then is not there.
const METADATA: Duration = Duration::from_secs(10);

impl Order {
    /// Sends it, and says to whom it went.
    pub(super) fn send(self) -> Result<(String, Delivery), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Failure::message(Stage::Internal, format!("starting a runtime: {error}")))?;
        runtime.block_on(self.deliver()).map_err(|error| {
            let stage = if matches!(error, CloudError::Addressee { .. }) { Stage::Usage } else { Stage::Identity };
            Failure::new(stage, error)
        })
    }

    async fn deliver(self) -> Result<(String, Delivery), CloudError> {
        let variable = |name: &str| std::env::var(name).ok();
        let transport = Transport::new(self.network.or_environment(&variable)?)?;
        let metadata = Arc::new(Metadata::new(&transport, METADATA)?);
        let mut identity: Option<Identity> = None;
        if self.instance_id.is_none() || transport.network().region.is_none() {
            let needed = !matches!(self.to, Some(Recipient::WaitCondition { .. })) || self.instance_id.is_none();
            identity = match metadata.identity().await {
                Err(error) if needed => return Err(error),
                found => found.ok(),
            };
        }
        let own = |value: fn(&Identity) -> &String| identity.as_ref().map(|identity| value(identity).clone());
        let region = transport.network().region.clone().or_else(|| own(|identity| &identity.region));
        let to = match self.to {
            Some(to) => to,
            None => of_tags(&metadata).await?,
        };
        let outcome = Outcome {
            success: self.success,
            reason: self.reason,
            instance_id: self.instance_id.or_else(|| own(|identity| &identity.instance_id)).unwrap_or_default(),
            to,
        };
        // A handle needs no region: its URL is all.
        let region = region.unwrap_or_else(|| "us-east-1".into());
        let fixed = |source| Session::assuming(Session::new(&transport, &region, source));
        let session = match self.keys {
            Keys::Host => Session::open(&transport, &region, &metadata, &variable),
            Keys::Role(role) => fixed(SharedCredentialsProvider::new(RoleCredentials::new(&metadata, Some(role)))),
            Keys::Fixed(keys) => fixed(SharedCredentialsProvider::new(keys)),
        };
        let messenger = Messenger::new(session, Some(metadata));
        let delivery = messenger.deliver(&outcome, false, Instant::now() + self.timeout).await;
        Ok((outcome.to.to_string(), delivery))
    }
}

/// The stack that made this instance. CloudFormation tags instances, and Auto Scaling hands its tags on to them.
async fn of_tags(metadata: &Metadata) -> Result<Recipient, CloudError> {
    let Some(tags) = metadata.tags().await? else {
        return Err(CloudError::Addressee {
            what: "no recipient is named, and the instance's tags cannot be read".into(),
            hint: TAGS_OFF,
        });
    };
    match (tags.get("aws:cloudformation:stack-id"), tags.get("aws:cloudformation:logical-id")) {
        (Some(stack), Some(resource)) => {
            Ok(Recipient::Stack { stack: stack.clone(), resource: resource.clone(), region: None })
        }
        _ => Err(CloudError::Addressee {
            what: "no recipient is named, and no stack made this instance".into(),
            hint: "name --stack and --resource, --handle, --hook or --health",
        }),
    }
}

//! A signal by hand: what a boot would tell by itself, on the way that it would take.

use super::audience::{Audience, outcome};
use super::ground::{beneath, image};
use super::instance::Instance;
use super::lifecycle;
use super::reach::{Caller, Reach, network_of};
use super::report::Reporter;
use crate::cloud::signal::{Delivery, Messenger, Recipient};
use crate::cloud::{CloudError, Identity, Instant, Network, RoleCredentials, Session, TAGS_OFF};
use crate::failure::{Failure, Stage};
use crate::host::Linux;
use crate::journal::{Entry, RunId};
use crate::roles::facts::Facts;
use crate::secret::Redactor;
use crate::settings::keys::Early;
use crate::settings::{Sources, Written};
use aws_credential_types::provider::SharedCredentialsProvider;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// With which credentials.
#[derive(Debug)]
pub enum Keys {
    /// The host's own: the environment's or the role's.
    Host,
    /// Those of a role by name, from the instance's metadata.
    Role(String),
    /// These.
    Fixed(aws_credential_types::Credentials),
}

/// A signal to send by hand.
#[derive(Debug)]
pub struct Order {
    /// What to tell.
    pub success: bool,
    /// Why, for the channels that carry a reason.
    pub reason: String,
    /// Whom; everybody whom a boot would tell where nobody is named.
    pub to: Option<Recipient>,
    /// In whose name, where it is not this instance.
    pub instance_id: Option<String>,
    /// Whether the machine's own name will do where metadata names no instance, as for cfn-signal.
    pub or_host_name: bool,
    /// What the command line says of the way. The rest is as settings and the environment have it.
    pub network: Network,
    /// The region where nobody names one and the instance's own is not asked for.
    pub region: Option<String>,
    /// Where settings come from.
    pub sources: Sources,
    /// With which credentials.
    pub keys: Keys,
    /// When to give up.
    pub timeout: Duration,
}

/// A person waits: metadata that does not answer by then is not there.
const METADATA: Duration = Duration::from_secs(10);

/// What is needed to send.
struct Ready {
    written: Written,
    early: Early,
    /// Why settings are not whole.
    fault: Option<Failure>,
    reach: Reach,
    caller: Caller,
    identity: Option<Identity>,
    deadline: Instant,
}

impl Order {
    /// Sends to the one recipient that is named, until an answer or the end, and keeps nothing.
    pub fn send(self) -> Result<(String, Delivery), Failure> {
        let ready = self.ready()?;
        let Some(to) = &self.to else { return Err(failed(nobody("no recipient is named"))) };
        let instance = self.name(&ready);
        let audience = Audience::just(to.clone(), &instance);
        // As aws-cfn-bootstrap: a denial is an answer.
        let messenger = Messenger::new(ready.caller.own.clone(), Some(Arc::clone(&ready.reach.metadata))).impatient();
        let message = audience.messages(self.success, &self.reason).pop();
        let outcome = message.map(|message| outcome(&message)).transpose().map_err(failed)?;
        let mut outcome = outcome.ok_or_else(|| failed(nobody("no recipient is named")))?;
        outcome.to = to.clone();
        Ok((to.to_string(), ready.reach.wait(messenger.deliver(&outcome, false, ready.deadline))))
    }

    /// Tells as a boot does: through the outbox where this host has settings, after what is owed to the same listeners.
    /// What is given is a line for each message.
    pub fn report(self) -> Result<Vec<String>, Failure> {
        let mut ready = self.ready()?;
        let mut lines: Vec<String> = Vec::new();
        if let Some(fault) = ready.fault.take() {
            lines.push(format!("what of the settings is sound is used: {}", fault.reason()));
        }
        let audience = match &self.to {
            Some(to) => Audience::just(to.clone(), &self.name(&ready)),
            None => self.audience(&ready, &mut lines)?,
        };
        let messages = audience.messages(self.success, &self.reason);
        let state = beneath(&self.sources.root, ready.early.state_directory.as_path());
        let reporter = Reporter::new(&state, Redactor::default());
        let own = RunId::new(jiff::Timestamp::now());
        let entries = if self.sources.are_there() {
            let put = reporter.put(&own, &messages);
            lines.extend(put.failed.iter().map(Failure::reason));
            // A boot that runs at the same time keeps the rest of the outbox.
            let (mut entries, _) = reporter.pending();
            entries.retain(|entry| messages.iter().any(|message| message.same_listener(&entry.message)));
            entries.extend(put.unkept);
            entries
        } else {
            reporter.unkept(&own, &messages)
        };
        let is_own = |entry: &Entry| entry.is_of(&own);
        let settled = reporter.deliver(entries, is_own, &ready.reach, &ready.caller.own, ready.deadline);
        lines.extend(settled.lines);
        lines.extend(settled.others.iter().map(Failure::reason));
        settled.failed.into_iter().next().map_or(Ok(lines), Err)
    }

    fn ready(&self) -> Result<Ready, Failure> {
        let (written, early, fault) = image(&self.sources);
        let settings = network_of(&early.network, &early.metadata);
        let settings = settings.map_err(|error| Failure::new(Stage::Settings, error))?;
        let last = Network { region: self.region.clone(), ..Network::default() };
        let first_contact = METADATA.min(early.metadata.timeout.get());
        let reach = Reach::over(self.network.clone().or(settings).or(last), first_contact)?;
        let region = reach.transport.network().region.clone();
        // A handle needs no region: its URL is all.
        let needed =
            self.instance_id.is_none() || region.is_none() && !matches!(self.to, Some(Recipient::WaitCondition { .. }));
        let identity = match needed.then(|| reach.wait(reach.metadata.identity())) {
            Some(Err(_)) if self.or_host_name => None,
            asked => asked.transpose().map_err(failed)?,
        };
        let region = region.or_else(|| identity.as_ref().map(|identity| identity.region.clone()));
        let region = region.unwrap_or_else(|| "us-east-1".into());
        let fixed = |source| Session::new(&reach.transport, &region, source);
        let own = match &self.keys {
            Keys::Host => reach.caller(&region).own,
            Keys::Role(role) => {
                fixed(SharedCredentialsProvider::new(RoleCredentials::new(&reach.metadata, Some(role.clone()))))
            }
            Keys::Fixed(keys) => fixed(SharedCredentialsProvider::new(keys.clone())),
        };
        let caller = Caller { session: own.clone(), own };
        Ok(Ready { written, early, fault, reach, caller, identity, deadline: Instant::now() + self.timeout })
    }

    fn name(&self, ready: &Ready) -> String {
        let own = || ready.identity.as_ref().map(|identity| identity.instance_id.clone());
        self.instance_id.clone().or_else(own).or_else(host_name).unwrap_or_default()
    }

    /// Everybody whom a boot would tell.
    fn audience(&self, ready: &Ready, lines: &mut Vec<String>) -> Result<Audience, Failure> {
        let host = Linux::new(Path::new("/")).map_err(|error| Failure::message(Stage::Internal, error.to_string()))?;
        let instance = Instance::learn(&ready.reach, &host)?;
        let launched = instance.user_data.as_deref();
        let launched = launched.and_then(|bytes| ready.written.clone().with_user_data(bytes).ok());
        let settings = launched.as_ref().unwrap_or(&ready.written).salvaged(&instance.facts());
        let (audience, whole) = Audience::of(&settings.signal, &instance);
        whole.map_err(|error| Failure::new(Stage::Settings, error))?;
        let mut audience = audience.in_the_name_of(&self.name_or(&instance));
        lines.extend(lifecycle::find(&mut audience, &ready.reach, &ready.caller, ready.deadline));
        match (audience.is_empty(), instance.tags.is_none()) {
            (false, _) => Ok(audience),
            (true, true) => Err(failed(CloudError::Addressee {
                what: "no recipient is named, and the instance's tags cannot be read".into(),
                hint: TAGS_OFF,
            })),
            (true, false) => Err(failed(nobody("no recipient is named, and no stack made this instance"))),
        }
    }

    fn name_or(&self, instance: &Instance) -> String {
        self.instance_id.clone().unwrap_or_else(|| instance.identity.instance_id.clone())
    }
}

/// The machine's name, with its domain where it has one.
fn host_name() -> Option<String> {
    let host = Linux::new(Path::new("/")).ok()?;
    Facts::new(Vec::new()).get(&host, "fqdn")?.as_str().map(str::to_owned)
}

fn nobody(what: &str) -> CloudError {
    CloudError::Addressee { what: what.into(), hint: "name --stack and --resource, --handle, --hook or --health" }
}

fn failed(error: CloudError) -> Failure {
    let stage = if matches!(error, CloudError::Addressee { .. }) { Stage::Usage } else { Stage::Identity };
    Failure::new(stage, error)
}

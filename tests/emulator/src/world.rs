//! Everything that stands in the emulated account.

use crate::account::Account;
use crate::clock::Clock;
use crate::credentials::Keys;
use crate::encoding::uuid;
use crate::fault::Faults;
use crate::imds::Machine;
use crate::log::Logged;
use crate::policy::Policy;
use crate::registry::Registry;
use crate::{autoscaling, cloudformation, ec2, kms, s3, secrets, ssm};
use jiff::{SignedDuration, Timestamp};

/// The account's state. One lock guards it all; no answer takes long enough to need more.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) clock: Clock,
    /// How far AWS's clock is ahead of this machine's, for the dates of signatures.
    pub(crate) skew: SignedDuration,
    pub(crate) keys: Keys,
    pub(crate) policy: Policy,
    pub(crate) faults: Faults,
    pub(crate) log: Vec<Logged>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) parameters: ssm::Store,
    pub(crate) secrets: secrets::Store,
    /// Roles that may be assumed, as ARN patterns.
    pub(crate) roles: Vec<String>,
    pub(crate) stacks: cloudformation::Store,
    pub(crate) groups: autoscaling::Store,
    pub(crate) objects: s3::Store,
    pub(crate) registry: Registry,
    pub(crate) images: ec2::Store,
    pub(crate) signing: kms::Store,
    /// Further regions of the account, each with its parameters.
    pub(crate) regions: Vec<(String, ssm::Store)>,
    requests: u64,
}

impl World {
    pub(crate) fn new(account: Account) -> Self {
        let clock = Clock::default();
        let now = clock.now();
        Self {
            account,
            clock,
            skew: SignedDuration::ZERO,
            keys: Keys::default(),
            policy: Policy::default(),
            faults: Faults::default(),
            log: Vec::new(),
            machines: Vec::new(),
            parameters: ssm::Store::new(now),
            secrets: secrets::Store { secrets: Vec::new(), created: now },
            roles: Vec::new(),
            stacks: cloudformation::Store { stacks: Vec::new(), started: now },
            groups: autoscaling::Store::default(),
            objects: s3::Store { objects: Vec::new(), modified: now },
            registry: Registry::default(),
            images: ec2::Store::default(),
            signing: kms::Store::default(),
            regions: Vec::new(),
            requests: 0,
        }
    }

    /// Is in another region of the account while something is done, where there is such a region: its parameters, its
    /// name in ARNs. The rest is the same in all.
    pub(crate) fn within<T>(&mut self, region: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let Some(at) = self.regions.iter().position(|(name, _)| name == region) else { return work(self) };
        std::mem::swap(&mut self.parameters, &mut self.regions[at].1);
        let home = std::mem::replace(&mut self.account.region, region.to_owned());
        let done = work(self);
        self.account.region = home;
        std::mem::swap(&mut self.parameters, &mut self.regions[at].1);
        done
    }

    /// A new request's id.
    pub(crate) fn request_id(&mut self) -> String {
        self.requests += 1;
        uuid(&format!("request {}", self.requests))
    }

    /// The time by which signatures are judged. It does not advance with the clock: what a test lets pass at once
    /// does not pass for the machine that signs.
    pub(crate) fn signing_time(&self) -> Timestamp {
        Timestamp::now() + self.skew
    }
}

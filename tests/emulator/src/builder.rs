//! What to emulate, said before it starts.

use crate::account::Account;
use crate::autoscaling::Group;
use crate::cloudformation::Stack;
use crate::credentials::Credentials;
use crate::ec2::Image;
use crate::fault::Fault;
use crate::imds::{Instance, Machine};
use crate::kms::KeyKind;
use crate::policy::Denial;
use crate::registry::Registry;
use crate::running::Running;
use crate::s3::Object;
use crate::secrets::Secret;
use crate::server::{Door, open};
use crate::ssm::{self, Parameter, Patches};
use crate::world::World;
use jiff::SignedDuration;
use std::io;
use std::sync::{Arc, Mutex};

/// The way to a [`Running`] emulator.
#[derive(Debug)]
pub struct Builder {
    world: World,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new(Account::default())
    }
}

impl Builder {
    /// An empty account.
    pub fn new(account: Account) -> Self {
        Self { world: World::new(account) }
    }

    /// An instance, with a metadata service of its own.
    pub fn instance(mut self, instance: Instance) -> Self {
        let now = self.world.clock.now();
        self.world.machines.push(Machine::new(instance, now));
        self
    }

    /// A parameter.
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.world.parameters.parameters.push(parameter);
        self
    }

    /// Many parameters.
    pub fn parameters(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.world.parameters.parameters.extend(parameters);
        self
    }

    /// How many parameter reads a second the account has; 40 unless said.
    pub fn parameter_quota(mut self, calls: usize) -> Self {
        self.world.parameters.quota = calls;
        self
    }

    /// Each page of a parameter listing is preceded by an empty page with a token.
    pub fn empty_pages(mut self) -> Self {
        self.world.parameters.empty_pages = true;
        self
    }

    /// A secret.
    pub fn secret(mut self, secret: Secret) -> Self {
        self.world.secrets.secrets.push(secret);
        self
    }

    /// An object, and its bucket with it.
    pub fn object(mut self, object: Object) -> Self {
        self.world.objects.objects.push(object);
        self
    }

    /// What a registry has, and how it serves.
    pub fn registry(mut self, work: impl FnOnce(&mut Registry)) -> Self {
        work(&mut self.world.registry);
        self
    }

    /// A stack that waits for signals.
    pub fn stack(mut self, stack: Stack) -> Self {
        self.world.stacks.stacks.push(stack);
        self
    }

    /// An Auto Scaling group, whose instances are launched now.
    pub fn group(mut self, group: Group) -> Self {
        let now = self.world.clock.now();
        self.world.groups.add(group, now);
        self
    }

    /// A further region of the account: parameters of its own, images by their region.
    pub fn region(mut self, name: &str) -> Self {
        let now = self.world.clock.now();
        self.world.regions.push((name.to_owned(), ssm::Store::new(now)));
        self
    }

    /// A machine image.
    pub fn image(mut self, image: Image) -> Self {
        self.world.images.images.push(image);
        self
    }

    /// A key of KMS that signs, ECC_NIST_P256, by its id.
    pub fn signing_key(self, id: &str) -> Self {
        self.key(id, KeyKind::P256)
    }

    /// A key of KMS of this kind.
    pub fn key(mut self, id: &str, kind: KeyKind) -> Self {
        self.world.signing.generate(id, kind);
        self
    }

    /// What Patch Manager last found on an instance of the home region.
    pub fn patches(mut self, patches: Patches) -> Self {
        self.world.parameters.patches.push(patches);
        self
    }

    /// A role that may be assumed, as an ARN or a pattern of ARNs.
    pub fn assumable(mut self, role: &str) -> Self {
        self.world.roles.push(role.to_owned());
        self
    }

    /// A user with a lasting access key.
    pub fn user(mut self, name: &str, credentials: Credentials) -> Self {
        let arn = self.world.account.global_arn("iam", &format!("user/{name}"));
        self.world.keys.user(&arn, credentials);
        self
    }

    /// Something that nobody may do.
    pub fn deny(mut self, denial: Denial) -> Self {
        self.world.policy.0.push(denial);
        self
    }

    /// Trouble on order.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.world.faults.0.push(fault);
        self
    }

    /// AWS's clock is this many seconds ahead of the machine's (behind, if negative): the machine's clock is wrong.
    pub fn clock_skew(mut self, seconds: i64) -> Self {
        self.world.skew = SignedDuration::from_secs(seconds);
        self
    }

    /// Starts on the caller's tokio runtime.
    ///
    /// # Errors
    /// When no port on loopback can be had.
    pub async fn start(self) -> io::Result<Running> {
        self.open()
    }

    /// Starts on a runtime of its own, for tests that are not async.
    ///
    /// # Errors
    /// When a runtime or a port on loopback cannot be had.
    pub fn start_blocking(self) -> io::Result<Running> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut running = {
            let _entered = runtime.enter();
            self.open()?
        };
        running.runtime = Some(runtime);
        Ok(running)
    }

    fn open(self) -> io::Result<Running> {
        let ids: Vec<String> = self.world.machines.iter().map(|machine| machine.instance.id.clone()).collect();
        let world = Arc::new(Mutex::new(self.world));
        let endpoint = open(&world, Door::Services)?;
        let mut metadata = Vec::new();
        for (index, id) in ids.into_iter().enumerate() {
            metadata.push((id, open(&world, Door::Metadata(index))?));
        }
        Ok(Running { world, endpoint, metadata, runtime: None })
    }
}

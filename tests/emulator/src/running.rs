//! A running emulator: where it listens, what it saw, and levers to change its mind midway.

use crate::autoscaling::{Hook, Lifecycle};
use crate::clock::Clock;
use crate::cloudformation::{Handles, Signal, Stack, key_of};
use crate::credentials::Credentials;
use crate::ec2::Image;
use crate::fault::Fault;
use crate::log::Logged;
use crate::policy::Denial;
use crate::registry::Registry;
use crate::s3::Object;
use crate::secrets::Secret;
use crate::ssm::{Parameter, Patches};
use crate::world::World;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Handed out by [`crate::Builder::start`]. The emulator stops with its runtime: the caller's own, or, after
/// [`crate::Builder::start_blocking`], this value's.
#[derive(Debug)]
pub struct Running {
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) endpoint: SocketAddr,
    /// Each instance's id and where its metadata is served.
    pub(crate) metadata: Vec<(String, SocketAddr)>,
    pub(crate) runtime: Option<Runtime>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // An answer that never comes must not keep a test from ending.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Running {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where all services answer.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.endpoint)
    }

    /// Where the first instance's metadata is served; empty if there is no instance.
    pub fn imds_url(&self) -> String {
        self.metadata.first().map(|(_, address)| format!("http://{address}")).unwrap_or_default()
    }

    /// Where this instance's metadata is served.
    pub fn imds_url_of(&self, instance: &str) -> Option<String> {
        let (_, address) = self.metadata.iter().find(|(id, _)| id == instance)?;
        Some(format!("http://{address}"))
    }

    /// The role credentials of an instance, as its metadata gives them.
    pub fn credentials_of(&self, instance: &str) -> Option<Credentials> {
        let world = &mut *self.world();
        let now = world.clock.now();
        let machine = world.machines.iter_mut().find(|machine| machine.instance.id == instance)?;
        Some(machine.credentials(&world.account, &mut world.keys, now)?.credentials.clone())
    }

    /// The account's time, which tests may advance.
    pub fn clock(&self) -> Clock {
        self.world().clock.clone()
    }

    /// Lets time pass at once.
    pub fn advance(&self, by: Duration) {
        self.clock().advance(by);
    }

    /// Every request so far, in order.
    pub fn requests(&self) -> Vec<Logged> {
        self.world().log.clone()
    }

    /// How many requests one action of a service saw.
    pub fn count(&self, service: &str, action: &str) -> usize {
        self.world().log.iter().filter(|entry| entry.service == service && entry.action == action).count()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.world().log.clear();
    }

    /// Orders one more fault.
    pub fn fault(&self, fault: Fault) {
        self.world().faults.0.push(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.world().faults.0.clear();
    }

    /// Denies something from now on.
    pub fn deny(&self, denial: Denial) {
        self.world().policy.0.push(denial);
    }

    /// Ends all denials.
    pub fn clear_denials(&self) {
        self.world().policy.0.clear();
    }

    /// Works on the registry: pushes to it, and changes how it serves.
    pub fn registry<T>(&self, work: impl FnOnce(&mut Registry) -> T) -> T {
        work(&mut self.world().registry)
    }

    /// The registry's host and port, as references name it.
    pub fn registry_host(&self) -> String {
        self.endpoint.to_string()
    }

    /// Puts a parameter, in place of one of the same name and owner.
    pub fn put_parameter(&self, parameter: Parameter) {
        let world = &mut *self.world();
        let all = &mut world.parameters.parameters;
        all.retain(|have| have.name != parameter.name || have.owner != parameter.owner);
        all.push(parameter);
    }

    /// A parameter of a region: its value, its data type and its version.
    pub fn parameter_in(&self, region: &str, name: &str) -> Option<(String, String, usize)> {
        self.world().within(region, |world| {
            let found = world.parameters.parameters.iter().find(|parameter| parameter.name == name)?;
            let (version, newest) = found.select(None)?;
            Some((newest.value.clone(), found.data_type.clone(), version))
        })
    }

    /// The public half of a key of KMS, as DER.
    pub fn signing_key(&self, id: &str) -> Option<Vec<u8>> {
        self.world().signing.public(id)
    }

    /// Puts an image, in place of one of the same id and region.
    pub fn put_image(&self, image: Image) {
        let world = &mut *self.world();
        world.images.images.retain(|have| have.id != image.id || have.region != image.region);
        world.images.images.push(image);
    }

    /// What Patch Manager finds on an instance from now on.
    pub fn set_patches(&self, patches: Patches) {
        let world = &mut *self.world();
        world.parameters.patches.retain(|have| have.instance != patches.instance);
        world.parameters.patches.push(patches);
    }

    /// What was put as an instance's compliance under a type: each item as it came.
    pub fn compliance(&self, instance: &str, kind: &str) -> Vec<serde_json::Value> {
        let world = self.world();
        let found = world.parameters.compliance.iter().find(|(whose, what, _)| whose == instance && what == kind);
        found.map(|(_, _, items)| items.clone()).unwrap_or_default()
    }

    /// The names of all parameters.
    pub fn parameter_names(&self) -> Vec<String> {
        self.world().parameters.parameters.iter().map(|parameter| parameter.name.clone()).collect()
    }

    /// Puts a secret, in place of one of the same name.
    pub fn put_secret(&self, secret: Secret) {
        let world = &mut *self.world();
        world.secrets.secrets.retain(|have| have.name() != secret.name());
        world.secrets.secrets.push(secret);
    }

    /// Puts an object, in place of one of the same key.
    pub fn put_object(&self, object: Object) {
        let world = &mut *self.world();
        world.objects.objects.retain(|have| have.bucket != object.bucket || have.key != object.key);
        world.objects.objects.push(object);
    }

    /// Every signal that stacks took in, by whichever way, oldest first.
    pub fn signals(&self) -> Vec<Signal> {
        self.world().stacks.signals()
    }

    /// A stack as it stands now.
    pub fn stack(&self, name: &str) -> Option<Stack> {
        let world = &mut *self.world();
        world.stacks.settle(world.clock.now());
        world.stacks.stacks.iter().find(|stack| stack.name == name).cloned()
    }

    /// The presigned URL of a stack's wait-condition handle, good for a day.
    pub fn handle_url(&self, stack: &str, logical_id: &str) -> Option<String> {
        let world = self.world();
        let stack = world.stacks.stacks.iter().find(|have| have.name == stack)?;
        let handles = Handles { account: &world.account, now: world.clock.now() };
        let key = key_of(stack, logical_id, &world.account);
        Some(format!("http://{}{}", self.endpoint, handles.presigned(&key)))
    }

    /// An instance's life in its Auto Scaling group so far.
    pub fn lifecycle(&self, instance: &str) -> Option<Lifecycle> {
        let world = &mut *self.world();
        let now = world.clock.now();
        world.groups.lifecycle(instance, now)
    }

    /// Attaches a hook, which instances on their way already do not meet.
    pub fn attach_hook(&self, group: &str, hook: Hook) {
        self.world().groups.attach(group, hook);
    }

    /// Starts an instance of the warm pool: on its way into service, through the hooks once more.
    pub fn leave_warm_pool(&self, instance: &str) {
        let world = &mut *self.world();
        let now = world.clock.now();
        world.groups.leave_pool(instance, now);
    }

    /// Scales an instance in.
    pub fn terminate(&self, instance: &str) {
        let world = &mut *self.world();
        let now = world.clock.now();
        world.groups.terminate(instance, now);
    }

    /// An instance's identity document and its signature, as its metadata serves them.
    pub fn identity_of(&self, instance: &str) -> Option<(String, String)> {
        let world = self.world();
        let machine = world.machines.iter().find(|machine| machine.instance.id == instance)?;
        machine.identity(&world.account)
    }

    /// The key that identity documents are signed with, as PKCS #1 DER.
    pub fn identity_public_key(&self) -> Option<Vec<u8>> {
        crate::imds::public_key()
    }
}

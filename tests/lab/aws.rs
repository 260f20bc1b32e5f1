//! The emulated AWS of the lab, its metadata service at the real address.

use crate::forge::Forge;
use emulator::{Account, Builder, Instance, Parameter, Running, Secret, Stack};
use std::net::{TcpListener, TcpStream};

/// The instance that boots.
pub const INSTANCE: &str = "i-0aaaaaaaaaaaaaaaa";
/// The stack that waits for it.
pub const STACK: &str = "lab";
/// The resource that waits for it.
pub const RESOURCE: &str = "Web";

/// An account with one instance, a stack that waits, and what the roles ask for.
pub fn start(forge: &Forge, instance: &str) -> Running {
    let stack = Stack::creating(STACK).awaits(RESOURCE, 1);
    let id = stack.id(&Account::default());
    let running = Builder::default()
        .instance(Instance::new(instance).in_stack(STACK, RESOURCE, &id))
        .stack(stack)
        .secret(Secret::string("platform/deploy-key", &forge.deploy_key()))
        .parameter(Parameter::string("/platform/env/name", "lab"))
        .parameter(Parameter::secure("/platform/web/token", "s3cr3t-t0ken-of-the-lab"))
        .start_blocking()
        .unwrap();
    let imds = running.imds_url().trim_start_matches("http://").to_owned();
    at_the_real_address(imds);
    running
}

/// Carries connections to 169.254.169.254, which is real in the lab's own network, to where the emulator listens.
fn at_the_real_address(to: String) {
    use std::sync::{Mutex, OnceLock, PoisonError};
    static TO: OnceLock<Mutex<String>> = OnceLock::new();
    let first = TO.get().is_none();
    *TO.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner) = to;
    if !first {
        return;
    }
    let listener = TcpListener::bind("169.254.169.254:80").unwrap();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let to = TO.get().unwrap().lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Ok(far) = TcpStream::connect(to) else { continue };
            for (mut from, mut into) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                std::thread::spawn(move || {
                    std::io::copy(&mut from, &mut into).ok();
                    into.shutdown(std::net::Shutdown::Write).ok();
                });
            }
        }
    });
}

//! Programs with a store of their own, as far as modules ask them and tell them something.

mod alternatives;
mod disks;
mod diversions;
mod firewall;
mod packages;
mod selinux;

use crate::host::Output;

/// A program, or several with one store.
pub trait Tool {
    /// What it says when it is only asked.
    fn answer(&self, words: &[&str]) -> Option<Output>;
    /// Does what it is told.
    fn run(&mut self, words: &[&str]) -> Option<Output>;
}

/// All of them.
pub struct Tools(Vec<Box<dyn Tool>>);

impl Default for Tools {
    fn default() -> Self {
        Self(vec![
            Box::new(alternatives::Alternatives::default()),
            Box::new(disks::Volumes::default()),
            Box::new(disks::Filesystems::default()),
            Box::new(diversions::Diversions::default()),
            Box::new(firewall::Firewall::default()),
            Box::new(packages::Pip::default()),
            Box::new(packages::Snaps::default()),
            Box::new(packages::Subscriptions::default()),
            Box::new(selinux::Selinux::default()),
        ])
    }
}

impl Tool for Tools {
    fn answer(&self, words: &[&str]) -> Option<Output> {
        self.0.iter().find_map(|tool| tool.answer(words))
    }

    fn run(&mut self, words: &[&str]) -> Option<Output> {
        self.0.iter_mut().find_map(|tool| tool.run(words))
    }
}

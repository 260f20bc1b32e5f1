//! `muster signal success|failure`: tells by hand what a boot would tell by itself.

use super::config::SettingsArgs;
use super::{period, print};
use crate::boot::signal::{Keys, Order};
use crate::cloud::Network;
use crate::cloud::signal::{Recipient, WaitConditionUrl};
use crate::failure::{Failure, Stage};
use crate::settings::Period;
use clap::{Args, ValueEnum};
use std::path::Path;

/// Tell CloudFormation or Auto Scaling how this host is
///
/// Proxy, endpoints and certificates are as settings have them. Where this host has settings the signal goes through the
/// outbox: what does not arrive now is sent by the next boot.
#[derive(Args)]
pub(crate) struct Signal {
    /// What to tell
    outcome: Word,
    /// Why, for the channels that carry a reason
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// A stack's name or ARN; whoever settings and this instance's tags name where no recipient is named
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
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = period)]
    timeout: Period,
    #[command(flatten)]
    settings: SettingsArgs,
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
            or_host_name: false,
            network: Network { region: self.region, ..Network::default() },
            region: None,
            sources: self.settings.sources(Path::new("/"))?,
            keys: Keys::Host,
            timeout: self.timeout.get(),
        };
        order.report()?.iter().for_each(|line| print(&format!("{line}\n")));
        Ok(0)
    }
}

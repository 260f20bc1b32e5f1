//! CloudFormation, as far as an instance that signals its stack meets it.

mod handle;
mod identity;
mod stack;

pub(crate) use handle::{Handles, key_of};
pub(crate) use identity::{SCHEME, instance_of};
pub use stack::{Resource, Route, Signal, Stack, StackEvent};

use crate::account::Account;
use crate::clock::rfc3339;
use crate::credentials::Principal;
use crate::error::{ApiError, Common};
use crate::form::Form;
use crate::imds::Instance;
use crate::policy::Policy;
use crate::xml::Xml;
use jiff::Timestamp;
use stack::Unheard;

/// The account's stacks.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) stacks: Vec<Stack>,
    pub(crate) started: Timestamp,
}

/// Who calls: a signed principal, or an instance that showed its identity document.
pub(crate) enum Who<'a> {
    Principal(&'a Principal),
    Instance(&'a Instance),
}

/// Who asks, and what stands around the store.
pub(crate) struct Caller<'a> {
    pub(crate) who: Who<'a>,
    pub(crate) account: &'a Account,
    pub(crate) policy: &'a Policy,
    pub(crate) now: Timestamp,
}

impl Caller<'_> {
    /// A principal needs the permission; an instance must belong to the stack and needs none.
    fn permit(&self, action: &str, stack: &Stack) -> Result<(), ApiError> {
        let id = stack.id(self.account);
        match &self.who {
            Who::Principal(principal) => {
                let resource = self.account.arn("cloudformation", &format!("stack/{}/*", stack.name));
                self.policy.permit(principal, &format!("cloudformation:{action}"), &resource)
            }
            Who::Instance(instance) => {
                let tag = |key: &str| instance.tags.get(key).map(String::as_str);
                let belongs = tag("aws:cloudformation:stack-name") == Some(stack.name.as_str())
                    || tag("aws:cloudformation:stack-id") == Some(id.as_str());
                // The wording of AWS's refusal is not published.
                let message = format!("Instance {} does not belong to stack {id}", instance.id);
                if belongs { Ok(()) } else { Err(ApiError::common(Common::AccessDenied, message)) }
            }
        }
    }

    fn route(&self) -> Route {
        match &self.who {
            Who::Principal(principal) => Route::Signed(principal.arn.clone()),
            Who::Instance(instance) => Route::Identity(instance.id.clone()),
        }
    }
}

impl Store {
    /// Answers one call.
    pub(crate) fn answer(&mut self, caller: &Caller, action: &str, form: &Form) -> Result<Xml, ApiError> {
        self.settle(caller.now);
        match action {
            "SignalResource" => self.signal_resource(caller, form),
            "DescribeStackResource" => self.describe_stack_resource(caller, form),
            _ => Err(unknown(action)),
        }
    }

    /// Lets deadlines pass that have passed.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        for stack in &mut self.stacks {
            stack.settle(self.started, now);
        }
    }

    /// A stack by name or ARN.
    fn find(&mut self, account: &Account, name: &str) -> Result<&mut Stack, ApiError> {
        let found = self.stacks.iter_mut().find(|stack| stack.name == name || stack.id(account) == name);
        found.ok_or_else(|| ApiError::validation(format!("Stack '{name}' does not exist")))
    }

    fn signal_resource(&mut self, caller: &Caller, form: &Form) -> Result<Xml, ApiError> {
        form.only(&["StackName", "LogicalResourceId", "UniqueId", "Status"])?;
        let name = form.required("StackName", 1, 2048)?;
        let logical_id = form.required("LogicalResourceId", 1, 255)?;
        let unique_id = form.required("UniqueId", 1, 64)?;
        let status = form.choice("Status", &["SUCCESS", "FAILURE"])?;
        let stack = self.find(caller.account, name)?;
        caller.permit("SignalResource", stack)?;
        let id = stack.id(caller.account);
        let signal = Signal {
            at: caller.now,
            stack: stack.name.clone(),
            logical_id: logical_id.to_owned(),
            unique_id: unique_id.to_owned(),
            success: status == "SUCCESS",
            reason: None,
            data: None,
            route: caller.route(),
        };
        stack.hear(signal).map_err(|unheard| {
            ApiError::validation(match unheard {
                Unheard::Stack(status) => format!("Stack {id} is in {status} state and cannot be signaled"),
                Unheard::NoResource => format!("Resource {logical_id} does not exist for stack {name}"),
                Unheard::Resource(status) => {
                    format!("Resource {logical_id} is in {status} state and cannot be signaled")
                }
            })
        })?;
        Ok(Xml::default())
    }

    fn describe_stack_resource(&mut self, caller: &Caller, form: &Form) -> Result<Xml, ApiError> {
        form.only(&["StackName", "LogicalResourceId"])?;
        let name = form.required("StackName", 1, 2048)?;
        let logical_id = form.required("LogicalResourceId", 1, 255)?;
        let started = self.started;
        let stack = self.find(caller.account, name)?;
        caller.permit("DescribeStackResource", stack)?;
        let Some(resource) = stack.resources.iter().find(|have| have.logical_id == logical_id) else {
            return Err(ApiError::validation(format!("Resource {logical_id} does not exist for stack {name}")));
        };
        let mut xml = Xml::default();
        xml.nested("StackResourceDetail", |xml| {
            xml.leaf("StackName", &stack.name);
            xml.leaf("StackId", &stack.id(caller.account));
            xml.leaf("LogicalResourceId", logical_id);
            xml.leaf("PhysicalResourceId", &format!("{}-{logical_id}", stack.name));
            xml.leaf("ResourceType", &resource.kind);
            xml.leaf("ResourceStatus", &resource.status);
            xml.leaf("LastUpdatedTimestamp", &rfc3339(started));
        });
        Ok(xml)
    }

    /// Every signal, oldest first.
    pub(crate) fn signals(&self) -> Vec<Signal> {
        let resources = self.stacks.iter().flat_map(|stack| &stack.resources);
        let mut signals: Vec<Signal> = resources.flat_map(|resource| resource.signals.clone()).collect();
        signals.sort_by_key(|signal| signal.at);
        signals
    }
}

fn unknown(action: &str) -> ApiError {
    ApiError::common(Common::UnknownAction, format!("Could not find operation {action} for version 2010-05-15"))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

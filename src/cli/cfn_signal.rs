//! muster under the name `cfn-signal`: aws-cfn-bootstrap's flags and exit codes, without Python.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-signal.html>

use super::report;
use crate::boot::signal::{Keys, Order};
use crate::cloud::signal::{Delivery, Recipient, WaitConditionUrl};
use crate::cloud::{Network, Proxy};
use crate::failure::{Failure, Stage};
use crate::settings::Sources;
use aws_credential_types::Credentials;
use clap::{CommandFactory, Parser};
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Signals CloudFormation; this is muster under the name of aws-cfn-bootstrap's cfn-signal.
// optparse takes long options shortened, and the last of a repeated one.
#[derive(Parser)]
#[command(name = "cfn-signal", version, infer_long_args = true, args_override_self = true)]
struct CfnSignal {
    /// If true, signal success to CloudFormation; if false, signal failure
    #[arg(short, long, default_value = "true", value_parser = ["true", "false"])]
    success: String,
    /// A unique ID to send with the signal; the instance's where none is given, or else the machine's name
    #[arg(short, long)]
    id: Option<String>,
    /// Derive success or failure from an exit code
    #[arg(short, long, allow_negative_numbers = true)]
    exit_code: Option<i64>,
    /// The reason for success or failure, for a wait condition
    #[arg(short, long, default_value = "", help_heading = "WaitConditionHandle signals")]
    reason: String,
    /// What to include with a wait condition's signal
    #[arg(short, long, default_value = "", help_heading = "WaitConditionHandle signals")]
    data: String,
    /// A CloudFormation stack
    #[arg(long, help_heading = "Resource signals")]
    stack: Option<String>,
    /// A CloudFormation logical resource ID
    #[arg(long, help_heading = "Resource signals")]
    resource: Option<String>,
    /// The CloudFormation service's URL
    #[arg(short, long, help_heading = "Resource signals")]
    url: Option<String>,
    /// The CloudFormation region; us-east-1 where neither this nor muster's settings name one
    #[arg(long, help_heading = "Resource signals")]
    region: Option<String>,
    /// A file, readable only by its owner, with AWSAccessKeyId and AWSSecretKey
    #[arg(short = 'f', long, value_name = "FILE", help_heading = "AWS credentials")]
    credential_file: Option<PathBuf>,
    /// A role of the instance
    #[arg(long, help_heading = "AWS credentials")]
    role: Option<String>,
    /// An AWS access key
    #[arg(long, requires = "secret_key", help_heading = "AWS credentials")]
    access_key: Option<String>,
    /// An AWS secret key
    #[arg(long, requires = "access_key", help_heading = "AWS credentials")]
    secret_key: Option<String>,
    /// A proxy for http addresses
    #[arg(long, value_name = "[SCHEME://][USER:PASSWORD@]HOST:PORT", help_heading = "Proxy")]
    http_proxy: Option<String>,
    /// A proxy for https addresses
    #[arg(long, value_name = "[SCHEME://][USER:PASSWORD@]HOST:PORT", help_heading = "Proxy")]
    https_proxy: Option<String>,
    /// The handle's URL, plain or in base64
    #[arg(value_name = "WaitConditionHandle URL")]
    handle: Option<String>,
}

/// Whether the program was called by this name.
pub(super) fn is_name(program: Option<&OsString>) -> bool {
    program.and_then(|path| Path::new(path).file_name()) == Some(OsStr::new("cfn-signal"))
}

/// Runs; 0 when signaled, 1 when not, 2 when the command line is wrong.
pub(super) fn main(args: Vec<OsString>) -> ExitCode {
    let parsed = match CfnSignal::try_parse_from(args) {
        Ok(parsed) => parsed,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match parsed.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure);
            ExitCode::FAILURE
        }
    }
}

/// Five tries with aws-cfn-bootstrap's own pauses and timeouts end within this.
const TIMEOUT: Duration = Duration::from_secs(300);

impl CfnSignal {
    fn run(self) -> Result<(), Failure> {
        let word = if self.succeeded() { "SUCCESS" } else { "FAILURE" };
        let wait_condition = self.handle().is_some();
        let (to, delivery) = self.order()?.send()?;
        match delivery {
            Delivery::Delivered if wait_condition => {
                super::print(&format!("CloudFormation signaled successfully with {word}.\n"));
            }
            Delivery::Delivered => {}
            Delivery::Settled { because } => super::print(&format!("{to}: nothing to do: {because}\n")),
            Delivery::Unsent(error) | Delivery::Refused(error) => return Err(Failure::new(Stage::Signal, error)),
        }
        Ok(())
    }

    fn succeeded(&self) -> bool {
        self.exit_code.is_none_or(|code| code == 0) && self.success == "true"
    }

    fn handle(&self) -> Option<&str> {
        self.handle.as_deref().filter(|url| !url.is_empty())
    }

    fn order(self) -> Result<Order, Failure> {
        let usage = |message: &str| {
            Failure::message(Stage::Usage, message).with_hint(CfnSignal::command().render_usage().to_string())
        };
        let wrong = |error| Failure::new(Stage::Usage, error);
        let success = self.succeeded();
        let keys = self.keys()?;
        let to = match (self.handle(), self.resource.as_ref(), self.stack.as_ref()) {
            (Some(_), Some(_), _) => {
                return Err(usage("both a WaitConditionHandle URL and a logical resource id are given"));
            }
            (Some(url), None, _) => {
                let url = WaitConditionUrl::parse(url).map_err(wrong)?;
                Recipient::WaitCondition { url, data: self.data.clone() }
            }
            (None, Some(resource), Some(stack)) => {
                Recipient::Stack { stack: stack.clone(), resource: resource.clone(), region: None }
            }
            (None, Some(_), None) => return Err(usage("a resource is signaled in a stack, and none is named")),
            (None, None, _) => {
                return Err(usage("neither a WaitConditionHandle URL nor a logical resource id is given"));
            }
        };
        let proxy = |text: Option<&String>| text.map(|text| Proxy::parse(text)).transpose().map_err(wrong);
        let mut network = Network {
            region: self.region,
            http_proxy: proxy(self.http_proxy.as_ref())?,
            https_proxy: proxy(self.https_proxy.as_ref())?,
            ..Network::default()
        };
        if let Some(url) = self.url {
            network.endpoints.insert(crate::cloud::Service::CloudFormation, url);
        }
        let reason = if self.reason.is_empty() && !success { "Configuration failed.".into() } else { self.reason };
        Ok(Order {
            success,
            reason,
            to: Some(to),
            instance_id: self.id,
            or_host_name: true,
            network,
            region: Some("us-east-1".into()),
            // What the flags leave open is as the host's settings have it, where there are any.
            sources: Sources::default(),
            keys,
            timeout: TIMEOUT,
        })
    }

    fn keys(&self) -> Result<Keys, Failure> {
        if let Some(path) = &self.credential_file {
            return from_file(path).map(Keys::Fixed);
        }
        Ok(match (&self.role, &self.access_key, &self.secret_key) {
            (Some(role), _, _) => Keys::Role(role.clone()),
            (None, Some(id), Some(key)) => Keys::Fixed(Credentials::new(id, key, None, None, "command-line")),
            _ => Keys::Host,
        })
    }
}

/// The file that aws-cfn-bootstrap reads: two lines, and nobody but the owner may.
fn from_file(path: &Path) -> Result<Credentials, Failure> {
    let refuse = |why: String| Failure::message(Stage::Usage, format!("credential file {}: {why}", path.display()));
    let stat = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
    if stat.permissions().mode() & 0o077 != 0 {
        return Err(refuse("it can be read by group or others".into()).with_hint("chmod 600"));
    }
    let text = std::fs::read_to_string(path).map(zeroize::Zeroizing::new).map_err(|error| refuse(error.to_string()))?;
    let value = |key: &str| text.lines().rev().find_map(|line| line.trim().strip_prefix(key)).filter(|v| !v.is_empty());
    match (value("AWSAccessKeyId="), value("AWSSecretKey=")) {
        (Some(id), Some(key)) => Ok(Credentials::new(id, key, None, None, "credential-file")),
        _ => Err(refuse("it must hold AWSAccessKeyId=... and AWSSecretKey=...".into())),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;

    fn order(args: &[&str]) -> Result<Order, String> {
        let line = std::iter::once("cfn-signal").chain(args.iter().copied());
        let parsed = CfnSignal::try_parse_from(line).map_err(|error| error.to_string())?;
        parsed.order().map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_name_decides() {
        assert!(is_name(Some(&"/opt/aws/bin/cfn-signal".into())));
        assert!(!is_name(Some(&"/usr/bin/muster".into())) && !is_name(None));
    }

    #[test]
    fn a_resource_is_signaled_by_exit_code() {
        let resource = ["--stack", "web", "--resource", "Group", "--region", "eu-west-1"];
        let with = |more: &[&'static str]| order(&[more, &resource[..]].concat());
        assert!(with(&["-e", "0"]).expect("order").success);
        assert!(!with(&["-e", "3"]).expect("order").success);
        assert!(!with(&["--exit-code=-1"]).expect("order").success);
        assert!(!with(&["-s", "false"]).expect("order").success);
        assert!(with(&["--succ", "true", "-s", "true"]).expect("shortened and repeated").success);
        let order = with(&["-i", "i-0abc"]).expect("order");
        assert_eq!(order.to, Some(Recipient::Stack { stack: "web".into(), resource: "Group".into(), region: None }));
        assert_eq!(
            (order.instance_id.as_deref(), order.network.region.as_deref()),
            (Some("i-0abc"), Some("eu-west-1"))
        );
    }

    #[test]
    fn a_handle_carries_reason_and_data() {
        let order = order(&["-e", "1", "-d", "more", "aHR0cHM6Ly9zMy5leGFtcGxlL2g/eA=="]).expect("order");
        assert_eq!(order.reason, "Configuration failed.");
        let Some(Recipient::WaitCondition { url, data }) = order.to else { panic!("a handle") };
        assert_eq!((url.to_string().as_str(), data.as_str()), ("https://s3.example/h", "more"));
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for (args, says) in [
            (&["--stack", "web"][..], "neither a WaitConditionHandle URL nor a logical resource id"),
            (&["--resource", "Group"], "none is named"),
            (&["--resource", "Group", "--stack", "web", "https://h"], "both a WaitConditionHandle URL"),
            (&["handle"], "no URL"),
            (&["-s", "yes", "https://h"], "invalid value"),
            (&["--wait", "https://h"], "unexpected argument"),
            (&["--access-key", "AKIA1", "https://h"], "--secret-key"),
        ] {
            let error = order(args).err().unwrap_or_default();
            assert!(error.contains(says), "{args:?}: {error}");
        }
    }

    #[test]
    fn a_credential_file_must_be_the_owners_alone() {
        let scratch = tempfile::tempdir().expect("scratch");
        let path = scratch.path().join("keys");
        std::fs::write(&path, "AWSAccessKeyId=AKIA1\nAWSSecretKey=hunter2\n").expect("write");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("mode");
        assert!(from_file(&path).expect_err("refused").to_string().contains("group or others"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
        assert_eq!(from_file(&path).expect("keys").access_key_id(), "AKIA1");
    }
}

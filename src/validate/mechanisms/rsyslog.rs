//! `rsyslog`, `logrotate`: where logs go, and that they do not grow without end.

use super::Mechanism;
use crate::fnmatch::fits;
use crate::validate::machine::Machine;
use crate::validate::readers::rsyslog::{MAIN, Rsyslog as Told, parameter};
use crate::validate::readers::units::{Standing, Units};
use crate::validate::text::At;
use crate::validate::verdict::{Aspect, Finding, Unseen};
use serde::Deserialize;

/// A question to rsyslog.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rsyslog {
    /// Which.
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum What {
    /// New files have a mode of 0640 or less.
    CreateMode,
    /// There are rules; they are shown.
    Rules,
    /// Logs go to another machine.
    Forwards,
    /// Nothing is taken from other machines.
    NoInputs,
}

impl Mechanism for Rsyslog {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        match machine.reader::<Told>() {
            Ok(told) => self.judged(&told.0),
            Err(unseen) => Finding::unseen(Aspect::Stored, &unseen),
        }
    }

    fn reads(&self) -> Vec<String> {
        vec![format!("{MAIN}, and what it includes")]
    }

    fn expects(&self) -> String {
        match self.what {
            What::CreateMode => "files are made with a mode of 0640 or less",
            What::Rules => "rules that say where each kind of log goes",
            What::Forwards => "logs are sent to another machine",
            What::NoInputs => "no input from other machines",
        }
        .into()
    }
}

impl Rsyslog {
    fn judged(&self, statements: &[(At, String)]) -> Finding {
        let mut finding = Finding::new();
        let of =
            |wanted: fn(&str) -> bool| statements.iter().filter(move |(_, text)| wanted(&text.to_ascii_lowercase()));
        let whole = At::file(MAIN);
        let mut say = |holds, at: &At, found: String| finding.fact(Aspect::Stored, holds, at, found, self.expects());
        match self.what {
            What::CreateMode => {
                let mode = |text: &str| match text.to_ascii_lowercase().strip_prefix("$filecreatemode") {
                    Some(rest) => Some(rest.trim().to_owned()),
                    None => parameter(text, "fileCreateMode"),
                };
                let mut global = false;
                for (at, text) in statements {
                    let Some(mode) = mode(text) else { continue };
                    global |= !text.to_ascii_lowercase().contains("action(");
                    let strict = u32::from_str_radix(&mode, 8).is_ok_and(|mode| mode & !0o640 == 0);
                    say(strict, at, text.clone());
                }
                if !global {
                    say(false, &whole, "0644 by default".into());
                }
            }
            What::Rules => {
                let mut any = false;
                for (at, text) in of(rule) {
                    say(true, at, text.clone());
                    any = true;
                }
                if !any {
                    say(false, &whole, "no rules".into());
                }
            }
            What::Forwards => match of(forwards).next() {
                Some((at, text)) => say(true, at, text.clone()),
                None => say(false, &whole, "nothing is sent".into()),
            },
            What::NoInputs => {
                let mut any = false;
                for (at, text) in of(takes) {
                    say(false, at, text.clone());
                    any = true;
                }
                if !any {
                    say(true, &whole, "no input from other machines".into());
                }
            }
        }
        finding
    }
}

/// `auth,authpriv.* /var/log/auth.log`, or an action that writes.
fn rule(text: &str) -> bool {
    let selector = text.split_whitespace().next().is_some_and(|word| word.contains('.') && !word.contains('('));
    let action =
        text.split_whitespace().nth(1).is_some_and(|word| word.starts_with(['/', '-', '@', ':', '?', '~', '|', 'a']));
    selector && action || text.contains("omfile") && text.contains("action(")
}

fn forwards(text: &str) -> bool {
    let old = text.split_whitespace().nth(1).is_some_and(|action| action.starts_with('@'));
    old || text.contains("action(")
        && (text.contains("\"omfwd\"") || text.contains("\"omrelp\""))
        && text.contains("target")
}

fn takes(text: &str) -> bool {
    const MODULES: [&str; 6] = ["imtcp", "imudp", "imrelp", "imptcp", "imgssapi", "imhttp"];
    let loads = text.starts_with("$modload") || text.starts_with("module(") || text.starts_with("input(");
    let old = ["$inputtcpserverrun", "$udpserverrun", "$inputrelpserverrun", "$inputptcpserverrun"];
    loads && MODULES.iter().any(|module| text.contains(module)) || old.iter().any(|word| text.starts_with(word))
}

/// Every file that rsyslog writes is rotated, each day anew.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logrotate {}

const ROTATE: &str = "/etc/logrotate.conf";
/// Names that logrotate passes over where it includes a directory (its taboo list).
const TABOO: &[&str] = &[
    ".bak",
    ".cfsaved",
    ".disabled",
    ".dpkg-bak",
    ".dpkg-del",
    ".dpkg-dist",
    ".dpkg-new",
    ".dpkg-old",
    ".dpkg-tmp",
    ".new",
    ".old",
    ".orig",
    ".rpmnew",
    ".rpmorig",
    ".rpmsave",
    ".swp",
    ".ucf-dist",
    ".ucf-new",
    ".ucf-old",
    ",v",
    "~",
];

impl Mechanism for Logrotate {
    fn judge(&self, machine: &Machine<'_>) -> Finding {
        self.look(machine).unwrap_or_else(|unseen| Finding::unseen(Aspect::Stored, &unseen))
    }

    fn reads(&self) -> Vec<String> {
        [ROTATE, "/etc/logrotate.d", "logrotate.timer, or /etc/cron.daily/logrotate", MAIN].map(str::to_owned).to_vec()
    }

    fn expects(&self) -> String {
        "every log that rsyslog writes is rotated, and logrotate is started daily".into()
    }
}

impl Logrotate {
    fn look(&self, machine: &Machine<'_>) -> Result<Finding, Unseen> {
        let mut finding = Finding::new();
        let mut files = vec![ROTATE.to_owned()];
        let mut patterns: Vec<(At, String)> = Vec::new();
        while let Some(file) = files.pop() {
            let mut within = false;
            for (at, line) in machine.text(&file)?.iter().flat_map(|text| text.lines()) {
                let line = line.trim();
                if let Some(place) = line.strip_prefix("include ").map(str::trim).filter(|_| file == ROTATE) {
                    let names =
                        machine.names(place)?.into_iter().filter(|name| !TABOO.iter().any(|end| name.ends_with(end)));
                    let below: Vec<String> = names.map(|name| format!("{place}/{name}")).collect();
                    files.extend(if below.is_empty() { vec![place.to_owned()] } else { below });
                }
                let head = line.split('{').next().unwrap_or_default();
                if !within && !line.starts_with('#') {
                    let named = head.split_whitespace().filter(|word| word.starts_with(['/', '"']));
                    patterns.extend(named.map(|word| (at.clone(), word.trim_matches('"').to_owned())));
                }
                within = (within || line.contains('{')) && !line.contains('}');
            }
        }
        let told = machine.reader::<Told>()?;
        for (at, text) in told.0.iter().filter(|(_, text)| rule(&text.to_ascii_lowercase())) {
            let target = parameter(text, "file").or_else(|| text.split_whitespace().nth(1).map(str::to_owned));
            let target =
                target.unwrap_or_default().trim_start_matches('-').split(';').next().unwrap_or_default().to_owned();
            if target.starts_with("/var/log/") {
                let rule = patterns.iter().find(|(_, pattern)| fits(pattern, &target));
                let found = format!("{target} is {}rotated", if rule.is_some() { "" } else { "not " });
                finding.fact(Aspect::Stored, rule.is_some(), rule.map_or(at, |(at, _)| at), found, self.expects());
            }
        }
        let cron = "/etc/cron.daily/logrotate";
        let daily = machine.stat(cron, true)?.is_some_and(|stat| stat.mode & 0o111 != 0);
        let timer = matches!(machine.reader::<Units>()?.standing("logrotate.timer"), Standing::Started(_));
        let found = if daily || timer { "logrotate is started daily" } else { "nothing starts logrotate" };
        let at = At::file(if daily { cron } else { "logrotate.timer" });
        finding.fact(Aspect::Stored, (daily || timer) && !patterns.is_empty(), &at, found, self.expects());
        Ok(finding)
    }
}

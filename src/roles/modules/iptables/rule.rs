//! A rule's words, in the order in which the module has them.

use crate::roles::modules::{Args, Param, ParamKind};
use crate::roles::value::Value;

const fn text(name: &'static str, summary: &'static str) -> Param {
    Param::new(name, ParamKind::Str, summary)
}

/// Every argument.
pub const PARAMS: &[Param] = &[
    text("table", "The table.").default("filter").choices(&["filter", "nat", "mangle", "raw", "security"]),
    text("state", "Whether it is there.").default("present").choices(&["absent", "present"]),
    text("action", "Where a new rule goes.").default("append").choices(&["append", "insert"]),
    text("ip_version", "Of which protocol.").default("ipv4").choices(&["ipv4", "ipv6", "both"]),
    text("chain", "The chain."),
    text("rule_num", "Before which rule a new one is inserted."),
    text("protocol", "The protocol."),
    text("wait", "Seconds to wait for the lock of xtables."),
    text("source", "The source's address."),
    text("to_source", "The new source's address, for SNAT."),
    text("destination", "The destination's address."),
    text("to_destination", "The new destination's address, for DNAT."),
    Param::new("match", ParamKind::StrList, "Extensions that match.").default(""),
    Param::new("tcp_flags", ParamKind::Dict, "TCP flags: `flags` that are looked at, `flags_set` that are set."),
    text("jump", "The target."),
    text("gateway", "The gateway, for TEE."),
    text("log_prefix", "What log lines begin with."),
    text("log_level", "The level of log lines.").choices(&[
        "0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug",
    ]),
    text("goto", "The chain to go on in."),
    text("in_interface", "The interface that packets come in by."),
    text("out_interface", "The interface that packets go out by."),
    text("fragment", "Whether it is about fragments."),
    text("set_counters", "The rule's counters."),
    text("source_port", "The source's port."),
    text("destination_port", "The destination's port."),
    Param::new("destination_ports", ParamKind::StrList, "The destination's ports."),
    text("to_ports", "The new destination's ports."),
    text("set_dscp_mark", "The DSCP mark."),
    text("set_dscp_mark_class", "The DSCP class."),
    text("comment", "The rule's comment."),
    Param::new("ctstate", ParamKind::StrList, "States of connections."),
    text("src_range", "A range of sources."),
    text("dst_range", "A range of destinations."),
    text("match_set", "An ipset."),
    text("match_set_flags", "What of a packet is looked up in it.")
        .choices(&["src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"]),
    text("limit", "How often it matches."),
    text("limit_burst", "How often it matches at once."),
    text("uid_owner", "The user whose packets it is about."),
    text("gid_owner", "The group whose packets it is about."),
    text("reject_with", "What a refused sender is told."),
    text("icmp_type", "The type of ICMP."),
    text("syn", "Whether it is about new TCP connections.").default("ignore").choices(&["ignore", "match", "negate"]),
    Param::new("flush", ParamKind::Bool, "Remove all rules.").default("false"),
    text("policy", "The chain's policy.").choices(&["ACCEPT", "DROP", "QUEUE", "RETURN"]),
    Param::new("chain_management", ParamKind::Bool, "Make and remove the chain.").default("false"),
    Param::new("numeric", ParamKind::Bool, "Look up no names when listing.").default("false"),
];

struct Words<'a> {
    args: &'a Args,
    out: Vec<String>,
}

impl Words<'_> {
    fn push(&mut self, words: &[&str]) {
        self.out.extend(words.iter().map(|word| (*word).to_owned()));
    }

    fn value(&mut self, flag: &str, value: &str) {
        match value.strip_prefix('!') {
            Some(rest) => self.push(&["!", flag, rest]),
            None => self.push(&[flag, value]),
        }
    }

    /// An argument's value after a flag; `!` before it negates.
    fn param(&mut self, name: &str, flag: &str) {
        if let Some(value) = self.given(name) {
            self.value(flag, &value);
        }
    }

    fn given(&self, name: &str) -> Option<String> {
        self.args.text(name).filter(|text| !text.is_empty())
    }

    fn csv(&mut self, name: &str, flag: &str) {
        let items = self.args.texts(name);
        if !items.is_empty() {
            self.push(&[flag, &items.join(",")]);
        }
    }

    fn extension(&mut self, needed: bool, name: &str) {
        if needed {
            self.push(&["-m", name]);
        }
    }
}

/// The extensions that the task names.
fn extensions(args: &Args) -> Vec<String> {
    args.texts("match").into_iter().filter(|name| !name.is_empty()).collect()
}

/// The words of a rule that jumps there.
pub fn words(args: &Args, jump: Option<&str>) -> Vec<String> {
    let mut words = Words { args, out: Vec::new() };
    addresses(&mut words, jump);
    for (name, flag) in [
        ("to_source", "--to-source"),
        ("goto", "-g"),
        ("in_interface", "-i"),
        ("out_interface", "-o"),
        ("fragment", "-f"),
        ("set_counters", "-c"),
        ("source_port", "--source-port"),
        ("destination_port", "--destination-port"),
        ("to_ports", "--to-ports"),
    ] {
        words.param(name, flag);
    }
    for (name, flag) in [("set_dscp_mark", "--set-dscp"), ("set_dscp_mark_class", "--set-dscp-class")] {
        words.param(name, flag);
        if words.given(name).is_some() && !jump.is_some_and(|jump| jump.eq_ignore_ascii_case("dscp")) {
            words.push(&["-j", "DSCP"]);
        }
    }
    match args.text("syn").as_deref() {
        Some("match") => words.push(&["--syn"]),
        Some("negate") => words.push(&["!", "--syn"]),
        _ => {}
    }
    matches(&mut words);
    if jump.is_none() && words.given("reject_with").is_some() {
        words.push(&["-j", "REJECT"]);
    }
    words.param("reject_with", "--reject-with");
    let icmp = match args.text("ip_version").as_deref() {
        Some("ipv6") => "--icmpv6-type",
        Some("both") => "--icmp-type --icmpv6-type",
        _ => "--icmp-type",
    };
    words.param("icmp_type", icmp);
    words.extension(words.given("comment").is_some(), "comment");
    words.param("comment", "--comment");
    words.out
}

fn addresses(words: &mut Words<'_>, jump: Option<&str>) {
    for (name, flag) in [("protocol", "-p"), ("source", "-s"), ("destination", "-d")] {
        words.param(name, flag);
    }
    for name in extensions(words.args) {
        words.value("-m", &name);
    }
    if let Some(flags) = words.args.value("tcp_flags") {
        let list = |name: &str| {
            let value = flags.get(name)?;
            let items =
                value.as_list().map(|items| items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","));
            items.or_else(|| value.as_str().map(str::to_owned))
        };
        if let (Some(flags), Some(set)) = (list("flags"), list("flags_set")) {
            words.push(&["--tcp-flags", &flags, &set]);
        }
    }
    if let Some(jump) = jump {
        words.value("-j", jump);
        if jump.eq_ignore_ascii_case("tee") {
            words.param("gateway", "--gateway");
        }
    }
    words.param("log_prefix", "--log-prefix");
    words.param("log_level", "--log-level");
    words.param("to_destination", "--to-destination");
    words.extension(!words.args.texts("destination_ports").is_empty(), "multiport");
    words.csv("destination_ports", "--dports");
}

fn matches(words: &mut Words<'_>) {
    let named = extensions(words.args);
    let has = |name: &str| named.iter().any(|have| have == name);
    if has("conntrack") {
        words.csv("ctstate", "--ctstate");
    } else if has("state") {
        words.csv("ctstate", "--state");
    } else if !words.args.texts("ctstate").is_empty() {
        words.extension(true, "conntrack");
        words.csv("ctstate", "--ctstate");
    }
    let ranges = words.given("src_range").is_some() || words.given("dst_range").is_some();
    words.extension(ranges && !has("iprange"), "iprange");
    words.param("src_range", "--src-range");
    words.param("dst_range", "--dst-range");
    if has("set") || words.given("match_set").is_some() {
        words.extension(!has("set"), "set");
        words.param("match_set", "--match-set");
        if let Some(flags) = words.given("match_set_flags") {
            words.push(&[&flags]);
        }
    }
    words.extension(words.given("limit").is_some() || words.given("limit_burst").is_some(), "limit");
    words.param("limit", "--limit");
    words.param("limit_burst", "--limit-burst");
    for (name, flag) in [("uid_owner", "--uid-owner"), ("gid_owner", "--gid-owner")] {
        words.extension(words.given(name).is_some(), "owner");
        words.param(name, flag);
    }
}

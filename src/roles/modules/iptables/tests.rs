//! What iptables is asked, over a scripted machine.

use crate::roles::modules::fake::{Fake, changes, follow, plan};
use crate::roles::value::{Key, Value};
use serde_json::{Value as Json, json};

fn machine() -> Fake {
    Fake::default().file("/usr/bin/iptables", "").file("/usr/bin/ip6tables", "")
}

fn rule(arguments: Json) -> String {
    let mut arguments = arguments;
    arguments["chain"] = json!("C");
    let row = crate::roles::modules::find("iptables").expect("a module");
    let value = Value::from_json(&arguments);
    let args = row.spec.accept(value.as_map().expect("a mapping")).expect("accepted");
    super::rule::words(&args, args.text("jump").as_deref()).join(" ")
}

#[test]
fn rules_have_the_words_of_the_oracle() {
    // Expected values are the `rule` that ansible-core 2.19's module returns.
    let cases = [
        (json!({"source": "8.8.8.8", "jump": "DROP"}), "-s 8.8.8.8 -j DROP"),
        (
            json!({"protocol": "tcp", "destination_port": 22, "ctstate": ["NEW", "ESTABLISHED"], "syn": "match", "jump": "ACCEPT",
                "comment": "ssh in", "in_interface": "!lo"}),
            "-p tcp -j ACCEPT ! -i lo --destination-port 22 --syn -m conntrack --ctstate NEW,ESTABLISHED -m comment \
             --comment ssh in",
        ),
        (
            json!({"match": ["state", "limit"], "ctstate": "NEW", "limit": "2/second", "limit_burst": 20, "jump": "ACCEPT"}),
            "-m state -m limit -j ACCEPT --state NEW -m limit --limit 2/second --limit-burst 20",
        ),
        (
            json!({"tcp_flags": {"flags": ["SYN", "RST"], "flags_set": ["SYN"]}, "protocol": "tcp", "jump": "DROP"}),
            "-p tcp --tcp-flags SYN,RST SYN -j DROP",
        ),
        (
            json!({"protocol": "tcp", "destination_ports": ["80", "443", "8081:8083"], "jump": "ACCEPT"}),
            "-p tcp -j ACCEPT -m multiport --dports 80,443,8081:8083",
        ),
        (
            json!({"protocol": "tcp", "reject_with": "tcp-reset", "ip_version": "ipv4"}),
            "-p tcp -j REJECT --reject-with tcp-reset",
        ),
        (
            json!({"match_set": "admin", "match_set_flags": "src", "jump": "ALLOW"}),
            "-j ALLOW -m set --match-set admin src",
        ),
        (
            json!({"src_range": "10.0.0.1-10.0.0.50", "protocol": "icmp", "icmp_type": "8", "jump": "ACCEPT"}),
            "-p icmp -j ACCEPT -m iprange --src-range 10.0.0.1-10.0.0.50 --icmp-type 8",
        ),
        (
            json!({"jump": "TEE", "gateway": "1.1.1.1", "uid_owner": "app"}),
            "-j TEE --gateway 1.1.1.1 -m owner --uid-owner app",
        ),
        (json!({"set_dscp_mark": "8", "jump": "DSCP"}), "-j DSCP --set-dscp 8"),
    ];
    for (arguments, expected) in cases {
        assert_eq!(rule(arguments.clone()), expected, "{arguments}");
    }
}

#[test]
fn a_rule_is_added_once() {
    let check = "/usr/bin/iptables -t filter -C INPUT -s 1.2.3.4 -j DROP";
    let ask = |code: i32, state: &str| {
        let arguments = json!({"chain": "INPUT", "source": "1.2.3.4", "jump": "DROP", "state": state, "action": "insert", "rule_num": 5});
        plan(&machine().answer(check, code, ""), "iptables", arguments).expect("plan")
    };
    assert!(ask(0, "present").changes.is_empty() && ask(1, "absent").changes.is_empty());
    assert_eq!(ask(0, "present").changed, Some(false));
    assert_eq!(changes(&ask(0, "absent")), ["/usr/bin/iptables -t filter -D INPUT -s 1.2.3.4 -j DROP"]);
    let insert = ask(1, "present");
    assert_eq!(changes(&insert), ["/usr/bin/iptables -t filter -I INPUT 5 -s 1.2.3.4 -j DROP"]);
    let done = follow(insert, &machine(), &[(0, "", "")]).expect("done");
    assert_eq!((done.changed, done.result[&Key::from("rule")].to_json()), (Some(true), json!("-s 1.2.3.4 -j DROP")));
    let failed = follow(ask(1, "present"), &machine(), &[(4, "", "no chain")]).err().expect("failed");
    assert!(failed.message.ends_with("no chain") && failed.result[&Key::from("rc")] == Value::Int(4));
}

#[test]
fn policies_chains_and_logs() {
    let list = "/usr/bin/iptables -t filter -L INPUT";
    let machine =
        machine().answer(list, 0, "Chain INPUT (policy ACCEPT)\n").answer("/usr/bin/ip6tables -t filter -L NEW", 1, "");
    let ask = |arguments: Json| changes(&plan(&machine, "iptables", arguments).expect("plan")).join(", ");
    assert_eq!(ask(json!({"chain": "INPUT", "policy": "ACCEPT"})), "");
    assert_eq!(ask(json!({"chain": "INPUT", "policy": "DROP"})), "/usr/bin/iptables -t filter -P INPUT DROP");
    assert_eq!(ask(json!({"flush": true, "table": "nat"})), "/usr/bin/iptables -t nat -F");
    let chain = json!({"chain": "NEW", "chain_management": true, "ip_version": "ipv6"});
    assert_eq!(ask(chain), "/usr/bin/ip6tables -t filter -N NEW");
    let unmanaged = plan(&machine, "iptables", json!({"chain": "NEW", "ip_version": "ipv6"})).expect("plan");
    assert!(unmanaged.changes.is_empty() && unmanaged.changed == Some(true));
    let log = machine.answer("/usr/bin/iptables -t filter -C INPUT -j LOG --log-prefix x", 1, "");
    let log = plan(&log, "iptables", json!({"chain": "INPUT", "log_prefix": "x"})).expect("plan");
    assert_eq!(changes(&log), ["/usr/bin/iptables -t filter -A INPUT -j LOG --log-prefix x"]);
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let refused = |arguments| plan(&machine(), "iptables", arguments).err().expect("refused").message;
    assert!(refused(json!({"jump": "DROP"})).contains("missing: chain"));
    assert!(refused(json!({"chain": "A", "jump": "DROP", "log_level": "3"})).contains("LOG jump target"));
    assert!(refused(json!({"chain": "A", "jump": "tee"})).contains("missing: gateway"));
    assert!(refused(json!({"chain": "A", "flush": true, "policy": "DROP"})).contains("mutually exclusive"));
    let none = plan(&Fake::default(), "iptables", json!({"chain": "A", "jump": "DROP"})).err().expect("failed");
    assert!(none.message.contains("executable \"iptables\""));
}

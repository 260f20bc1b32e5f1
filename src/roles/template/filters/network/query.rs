//! `ipaddr` and its kin: whether a value is an address or network, and what it says when asked.

use super::address::Net;
use crate::roles::template::python;
use crate::roles::value::Value;

type Outcome = Result<Value, String>;

/// A value that was recognised.
pub(super) struct Seen {
    pub(super) net: Net,
    /// Whether it was written with a prefix length.
    network: bool,
    /// As text.
    text: String,
}

const FALSE: Value = Value::Bool(false);

/// `ipaddr`, `ipv4` (`version` 4), `ipv6` (6): of a list what answers with something.
pub(super) fn ipaddr(value: &Value, query: &Value, version: Option<u8>) -> Outcome {
    if let Value::List(items) = value {
        let mut out = Vec::new();
        for item in items.iter() {
            let answer = ipaddr(item, query, version)?;
            if python::truth(&answer) {
                out.push(answer);
            }
        }
        return Ok(Value::list(out));
    }
    let Some(seen) = see(value, version) else { return Ok(FALSE) };
    let query = python::text(query);
    if version.is_some_and(|version| (version == 6) != seen.net.v6) {
        return Ok(FALSE);
    }
    if let Some(answer) = ask(&seen, &query) {
        return answer;
    }
    if !query.bytes().all(|b| b.is_ascii_digit())
        && let Some(net) = Net::parse(&query)
    {
        return Ok(if net.contains(seen.net) { Value::str(seen.text) } else { Value::Null });
    }
    nth(&seen, &query)
}

/// The address at a position of a network.
fn nth(seen: &Seen, query: &str) -> Outcome {
    let at: f64 = query.trim().parse().map_err(|_| format!("ipaddr: unknown filter type: {query}"))?;
    let net = seen.net;
    if net.size() == 1 {
        return Ok(Value::str(if seen.network { net.cidr() } else { net.address(net.ip) }));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a position in a network that a person writes")]
    let at = at as i64;
    let offset = u128::from(at.unsigned_abs());
    let number = if at >= 0 { net.first().checked_add(offset) } else { (net.last() + 1).checked_sub(offset) };
    Ok(match number.filter(|number| (net.first()..=net.last()).contains(number)) {
        Some(number) => Value::str(format!("{}/{}", net.address(number), net.prefix)),
        None => FALSE,
    })
}

/// Recognises an address, a network, or a number that is one.
pub(super) fn see(value: &Value, version: Option<u8>) -> Option<Seen> {
    let text = match value {
        Value::Null | Value::Bool(_) | Value::Map(_) | Value::Int(0) => return None,
        other => python::text(other),
    };
    if text.is_empty() {
        return None;
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        let net = Net::number(text.parse().ok()?, None, version == Some(6))?;
        return Some(Seen { net, network: false, text: net.cidr() });
    }
    if let Some(net) = Net::parse(&text) {
        return Some(Seen { net, network: text.contains('/'), text });
    }
    let (number, prefix) = text.split_once('/')?;
    let net = Net::number(number.parse().ok()?, Some(prefix.parse().ok()?), false)?;
    Some(Seen { net, network: true, text: net.cidr() })
}

/// The answer to a query by name; `None` where there is no such query.
fn ask(seen: &Seen, query: &str) -> Option<Outcome> {
    let net = seen.net;
    let own = net.address(net.ip);
    let text = |text: String| Some(Ok(Value::str(text)));
    let when = |truth: bool| Some(Ok(if truth { Value::str(seen.text.as_str()) } else { Value::Null }));
    let some = |found: Option<String>| Some(Ok(found.map_or(Value::Null, Value::str)));
    let inside = net.size() > 1 && (net.ip != net.first() || net.broadcast().is_none());
    match query {
        "" => text(if seen.network { net.cidr() } else { own }),
        "address" | "ip" => some((net.size() == 1 || inside || net.v6 && net.ip == net.first()).then_some(own)),
        "address/prefix" | "gateway" | "gw" | "host/prefix" | "hostnet" | "router" => {
            let edge = net.size() > 2 && (net.ip == net.first() || Some(net.ip) == net.broadcast());
            Some(Ok(if edge { FALSE } else { Value::str(net.cidr()) }))
        }
        "bool" => Some(Ok(Value::Bool(true))),
        "broadcast" => some(net.broadcast().map(|number| net.address(number))),
        "cidr" => text(net.cidr()),
        "host" => some((net.size() == 1 || inside).then(|| net.cidr())),
        "hostmask" | "wildcard" => text(net.address(net.hostmask())),
        "netmask" => text(net.address(net.netmask())),
        "int" if seen.network => text(format!("{}/{}", net.ip, net.prefix)),
        "int" => Some(Ok(whole(net.ip))),
        "ip/prefix" | "ip_netmask" => {
            let fits = net.size() == 2 || net.size() > 1 && net.ip != net.first();
            let shown = if query == "ip/prefix" { net.cidr() } else { format!("{own} {}", net.address(net.netmask())) };
            some(fits.then_some(shown))
        }
        "net" => some((net.size() > 1 && net.ip == net.first()).then(|| net.cidr())),
        "network" | "network_id" => text(net.address(net.first())),
        "network/prefix" | "subnet" => text(net.subnet()),
        "network_netmask" => text(format!("{} {}", net.address(net.first()), net.address(net.netmask()))),
        "network_wildcard" => text(format!("{} {}", net.address(net.first()), net.address(net.hostmask()))),
        "prefix" => Some(Ok(Value::Int(net.prefix.into()))),
        "size" => Some(Ok(whole(net.size()))),
        "size_usable" => Some(Ok(whole(match net.size() {
            1 => 0,
            2 => 2,
            size => size - 2,
        }))),
        "type" => text(if net.size() == 1 || net.ip != net.first() { "address" } else { "network" }.into()),
        "version" => Some(Ok(Value::Int(if net.v6 { 6 } else { 4 }))),
        "link-local" => when(net.within(&["169.254.0.0/16", "fe80::/10"])),
        "lo" | "loopback" => when(net.is_loopback()),
        "multicast" => when(net.is_multicast()),
        "unicast" => when(!net.is_multicast()),
        "private" => when(!net.is_global()),
        "public" => when(!net.is_multicast() && net.is_global() && !net.is_loopback() && !net.is_mask()),
        "revdns" => text(reversed(net)),
        "wrap" if net.v6 => text(if seen.network { format!("[{own}]/{}", net.prefix) } else { format!("[{own}]") }),
        "wrap" => text(seen.text.clone()),
        "ipv4" | "v4" | "ipv6" | "v6" | "6to4" => Some(Ok(converted(seen, query))),
        "first_usable" | "last_usable" | "next_usable" | "previous_usable" | "range_usable" | "peer" => {
            Some(placed(seen, query))
        }
        _ => None,
    }
}

/// Answers that need a network.
fn placed(seen: &Seen, query: &str) -> Outcome {
    let net = seen.net;
    if !seen.network {
        return Err("Not a network address".into());
    }
    if query == "peer" {
        return match (net.size(), net.ip % 4) {
            (2, _) => Ok(Value::str(net.address(net.ip ^ 1))),
            (4, 0) => Err("Network address of /30 has no peer".into()),
            (4, 3) => Err("Broadcast address of /30 has no peer".into()),
            (4, _) => Ok(Value::str(net.address(net.ip ^ 3))),
            _ => Err("Not a point-to-point network".into()),
        };
    }
    if net.size() < 2 {
        return Ok(Value::Null);
    }
    let (first, last) = net.usable();
    let beside = |number: Option<u128>| {
        let fits = number.filter(|number| (first..=last).contains(number));
        Ok(fits.map_or(Value::Null, |number| Value::str(net.address(number))))
    };
    match query {
        "first_usable" => Ok(Value::str(net.address(first))),
        "last_usable" => Ok(Value::str(net.address(last))),
        "next_usable" => beside(net.ip.checked_add(1)),
        "previous_usable" => beside(net.ip.checked_sub(1)),
        _ => Ok(Value::str(format!("{}-{}", net.address(first), net.address(last)))),
    }
}

/// To the other version.
fn converted(seen: &Seen, query: &str) -> Value {
    let net = seen.net;
    const MAPPED: u128 = 0xffff_0000_0000;
    match query {
        "ipv4" | "v4" if !net.v6 => Value::str(seen.text.as_str()),
        "ipv6" | "v6" if net.v6 => Value::str(seen.text.as_str()),
        "ipv6" | "v6" => {
            let mapped = Net { v6: true, ip: MAPPED | net.ip, prefix: net.prefix + 96 };
            Value::str(mapped.cidr())
        }
        "ipv4" | "v4" => {
            let low = net.ip & u128::from(u32::MAX);
            let compatible = net.ip == low || net.ip == MAPPED | low;
            if !compatible || net.prefix < 96 {
                return FALSE;
            }
            Value::str(Net { v6: false, ip: low, prefix: net.prefix - 96 }.cidr())
        }
        _ if net.v6 => {
            let six = net.within(&["2002::/16"]) && (!seen.network || net.ip != net.first());
            if six { Value::str(seen.text.as_str()) } else { FALSE }
        }
        _ if net.size() > 1 && net.ip == net.first() => FALSE,
        _ => Value::str(format!("2002:{:04x}:{:04x}::1/48", net.ip >> 16, net.ip & 0xffff)),
    }
}

/// A number, as text where it is past 64 bits.
pub(super) fn whole(number: u128) -> Value {
    i64::try_from(number).map_or_else(|_| Value::str(number.to_string()), Value::Int)
}

fn reversed(net: Net) -> String {
    if !net.v6 {
        let [a, b, c, d] = u32::try_from(net.ip).unwrap_or(0).to_be_bytes();
        return format!("{d}.{c}.{b}.{a}.in-addr.arpa.");
    }
    let digits: Vec<String> = format!("{:032x}", net.ip).chars().rev().map(String::from).collect();
    format!("{}.ip6.arpa.", digits.join("."))
}

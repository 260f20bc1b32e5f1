//! Interfaces, their addresses, and which one leads out.

use super::sight::{Sight, facts};
use crate::host::Observe;
use crate::roles::value::{Key, Map, Value};
use nix::net::if_::InterfaceFlags;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

pub(super) const NAMES: &[&str] =
    &["interfaces", "all_ipv4_addresses", "all_ipv6_addresses", "default_ipv4", "default_ipv6"];

/// An IPv4 address of an interface.
struct Address4 {
    device: String,
    address: Ipv4Addr,
    mask: Ipv4Addr,
    broadcast: Option<Ipv4Addr>,
}

/// An IPv6 address of an interface.
struct Address6 {
    device: String,
    address: Ipv6Addr,
    prefix: u8,
    scope: &'static str,
}

/// A fact's name cannot have a hyphen.
fn fact_name(device: &str) -> String {
    device.replace(['-', ':'], "_")
}

/// Whether a fact of that name would be an interface's.
pub(super) fn is_interface(host: &dyn Observe, name: &str) -> bool {
    let names = host.list(Path::new("/sys/class/net")).ok().flatten().unwrap_or_default();
    names.iter().any(|have| fact_name(&have.to_string_lossy()) == name)
}

pub(super) fn gather(sight: &Sight<'_>) -> Map {
    let devices: Vec<String> = sight
        .list("/sys/class/net")
        .into_iter()
        .filter(|device| sight.exists(&format!("/sys/class/net/{device}/mtu")))
        .collect();
    let (fours, sixes) = (addresses4(&devices), addresses6(sight));
    let mut out = Map::new();
    for device in &devices {
        let own4: Vec<&Address4> = fours.iter().filter(|a| a.device == *device).collect();
        let own6 = sixes.iter().filter(|a| a.device == *device);
        let mut interface = card(sight, device);
        if let Some((first, more)) = own4.split_first() {
            interface.insert(Key::from("ipv4"), four(first));
            if !more.is_empty() {
                interface.insert(Key::from("ipv4_secondaries"), Value::list(more.iter().map(|a| four(a))));
            }
        }
        let six: Vec<Value> = own6.map(six).collect();
        if !six.is_empty() {
            interface.insert(Key::from("ipv6"), Value::list(six));
        }
        out.insert(Key::from(fact_name(device).as_str()), Value::Map(interface.into()));
    }
    let public4 = fours.iter().filter(|a| !a.address.is_loopback()).map(|a| a.address.to_string().into());
    let public6 = sixes.iter().filter(|a| a.address != Ipv6Addr::LOCALHOST).map(|a| a.address.to_string().into());
    let all = facts([
        ("interfaces", Value::list(devices.iter().map(|device| Value::from(device.as_str())))),
        ("all_ipv4_addresses", Value::list(public4.collect::<Vec<Value>>())),
        ("all_ipv6_addresses", Value::list(public6.collect::<Vec<Value>>())),
        ("default_ipv4", default4(sight, &fours)),
        ("default_ipv6", default6(sight, &sixes)),
    ]);
    out.extend(all);
    out
}

fn card(sight: &Sight<'_>, device: &str) -> Map {
    let base = format!("/sys/class/net/{device}");
    let read = |file: &str| sight.text(&format!("{base}/{file}"));
    let mut out = facts([("device", device.into())]);
    let mut put = |name: &str, value: Option<Value>| out.extend(value.map(|value| (Key::from(name), value)));
    put("macaddress", read("address").filter(|mac| mac != "00:00:00:00:00:00" && mac.contains(':')).map(Value::from));
    put("mtu", read("mtu").and_then(|text| text.parse().ok()).map(Value::Int));
    put("active", read("operstate").map(|state| Value::Bool(state != "down")));
    put("speed", read("speed").and_then(|text| text.parse().ok()).map(Value::Int));
    put("type", Some(kind(sight, device).into()));
    let driver = sight.link(&format!("{base}/device/driver/module"));
    put("module", driver.and_then(|path| path.rsplit('/').next().map(Value::from)));
    put("pciid", sight.link(&format!("{base}/device")).and_then(|path| path.rsplit('/').next().map(Value::from)));
    let flags = read("flags").and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok());
    put("promisc", flags.map(|flags| Value::Bool(flags & 0x100 != 0)));
    if sight.exists(&format!("{base}/bridge")) {
        put("interfaces", Some(Value::list(sight.list(&format!("{base}/brif")).into_iter().map(Value::from))));
        put("stp", read("bridge/stp_state").map(|state| Value::Bool(state == "1")));
    }
    if sight.exists(&format!("{base}/bonding")) {
        let slaves = read("bonding/slaves").unwrap_or_default();
        put("slaves", Some(Value::list(slaves.split_whitespace().map(Value::from))));
        put("mode", read("bonding/mode").and_then(|mode| mode.split_whitespace().next().map(Value::from)));
    }
    out
}

fn kind(sight: &Sight<'_>, device: &str) -> &'static str {
    let base = format!("/sys/class/net/{device}");
    if sight.exists(&format!("{base}/bridge")) {
        return "bridge";
    }
    if sight.exists(&format!("{base}/bonding")) {
        return "bonding";
    }
    match sight.text(&format!("{base}/type")).as_deref() {
        Some("1") => "ether",
        Some("32") => "infiniband",
        Some("512") => "ppp",
        Some("772") => "loopback",
        Some("65534") => "tunnel",
        _ => "unknown",
    }
}

fn addresses4(devices: &[String]) -> Vec<Address4> {
    let all = nix::ifaddrs::getifaddrs().map(|all| all.collect::<Vec<_>>()).unwrap_or_default();
    all.into_iter()
        .filter(|entry| devices.contains(&entry.interface_name))
        .filter_map(|entry| {
            let address = entry.address.as_ref()?.as_sockaddr_in()?.ip();
            let mask = entry.netmask.as_ref().and_then(|m| Some(m.as_sockaddr_in()?.ip()));
            let broadcast = entry.broadcast.as_ref().filter(|_| entry.flags.contains(InterfaceFlags::IFF_BROADCAST));
            Some(Address4 {
                device: entry.interface_name.clone(),
                address,
                mask: mask.unwrap_or(Ipv4Addr::BROADCAST),
                broadcast: broadcast.and_then(|b| Some(b.as_sockaddr_in()?.ip())),
            })
        })
        .collect()
}

/// `/proc/net/if_inet6`: address, index, prefix, scope, flags, device.
fn addresses6(sight: &Sight<'_>) -> Vec<Address6> {
    let lines = sight.lines("/proc/net/if_inet6");
    let mut all: Vec<Address6> = lines
        .iter()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [address, _, prefix, scope, _, device] = words.as_slice() else { return None };
            Some(Address6 {
                device: (*device).to_owned(),
                address: Ipv6Addr::from(u128::from_str_radix(address, 16).ok()?),
                prefix: u8::from_str_radix(prefix, 16).ok()?,
                scope: match *scope {
                    "10" => "host",
                    "20" => "link",
                    "40" => "site",
                    _ => "global",
                },
            })
        })
        .collect();
    // `ip` lists the widest scope first.
    all.sort_by_key(|a| a.scope == "link");
    all
}

fn four(it: &Address4) -> Value {
    let network = Ipv4Addr::from(u32::from(it.address) & u32::from(it.mask));
    Value::map([
        ("address", Value::from(it.address.to_string())),
        ("broadcast", it.broadcast.map(|b| b.to_string()).unwrap_or_default().into()),
        ("netmask", it.mask.to_string().into()),
        ("network", network.to_string().into()),
        ("prefix", u32::from(it.mask).count_ones().to_string().into()),
    ])
}

fn six(it: &Address6) -> Value {
    Value::map([
        ("address", Value::from(it.address.to_string())),
        ("prefix", it.prefix.to_string().into()),
        ("scope", it.scope.into()),
    ])
}

/// What the interface adds to the default address's facts.
fn with_card(sight: &Sight<'_>, device: &str, mut members: Map) -> Value {
    let card = card(sight, device);
    for name in ["macaddress", "mtu", "type"] {
        let key = Key::from(name);
        members.extend(card.get(&key).map(|value| (key.clone(), value.clone())));
    }
    Value::Map(members.into())
}

/// The route of `/proc/net/route` to everywhere with the lowest metric; its numbers are in the machine's byte order.
fn default4(sight: &Sight<'_>, all: &[Address4]) -> Value {
    let lines = sight.lines("/proc/net/route");
    let route = lines
        .iter()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let everywhere = words.get(1) == Some(&"00000000") && words.get(7) == Some(&"00000000");
            let gateway = u32::from_str_radix(words.get(2)?, 16).ok()?;
            let metric = words.get(6)?.parse::<u64>().ok()?;
            everywhere.then(|| (metric, (*words[0]).to_owned(), Ipv4Addr::from(gateway.to_le_bytes())))
        })
        .min();
    let Some((_, device, gateway)) = route else { return Value::Map(Map::new().into()) };
    let mut out = facts([("gateway", gateway.to_string().into()), ("interface", device.as_str().into())]);
    if let Some(own) = all.iter().find(|a| a.device == device) {
        if let Value::Map(members) = four(own) {
            out.extend(members.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        out.insert(Key::from("alias"), device.as_str().into());
    }
    with_card(sight, &device, out)
}

/// The same of `/proc/net/ipv6_route`.
fn default6(sight: &Sight<'_>, all: &[Address6]) -> Value {
    const GATEWAY: u32 = 0x2;
    let lines = sight.lines("/proc/net/ipv6_route");
    let route = lines
        .iter()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let flags = u32::from_str_radix(words.get(8)?, 16).ok()?;
            let metric = u32::from_str_radix(words.get(5)?, 16).ok()?;
            let gateway = Ipv6Addr::from(u128::from_str_radix(words.get(4)?, 16).ok()?);
            let everywhere = words[0].bytes().all(|b| b == b'0') && words[1] == "00" && flags & GATEWAY != 0;
            everywhere.then_some((metric, (*words.get(9)?).to_owned(), gateway))
        })
        .min();
    let Some((_, device, gateway)) = route else { return Value::Map(Map::new().into()) };
    let mut out = facts([("gateway", gateway.to_string().into()), ("interface", device.as_str().into())]);
    let own = all.iter().find(|a| a.device == device && a.scope == "global").map(six);
    out.extend(own.iter().filter_map(Value::as_map).flatten().map(|(k, v)| (k.clone(), v.clone())));
    with_card(sight, &device, out)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests set the stage")]

    use super::*;
    use crate::host::Linux;

    #[test]
    fn a_route_without_its_device_is_none() {
        let root = tempfile::tempdir().expect("a root");
        std::fs::create_dir_all(root.path().join("proc/net")).expect("made");
        let zero = "0".repeat(32);
        let line = format!("{zero} 00 {zero} 00 fe800000000000000000000000000001 00000064 00000001 00000000 00000003");
        let host = Linux::new(root.path()).expect("a host");
        let sight = Sight { host: &host, environment: &[], directory: "" };
        for (text, interface) in [(format!("{line}\n"), None), (format!("{line} eth0\n"), Some("eth0"))] {
            std::fs::write(root.path().join("proc/net/ipv6_route"), text).expect("written");
            let found = default6(&sight, &[]);
            assert_eq!(found.get("interface").and_then(Value::as_str), interface);
        }
    }

    #[test]
    fn a_fact_is_named_like_its_interface() {
        assert_eq!(fact_name("br-lan"), "br_lan");
    }
}

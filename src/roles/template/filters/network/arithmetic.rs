//! Networks cut, counted and merged.

use super::address::Net;
use super::query::{see, whole};
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::Value;

type Outcome = Result<Value, String>;

/// The network of a value, from its first address.
fn cidr(value: &Value) -> Option<Net> {
    see(value, None).map(|seen| Net { ip: seen.net.first(), ..seen.net })
}

/// `ipsubnet`: how many subnets, one of them, or the rank of one within another.
pub(super) fn ipsubnet(value: &Value, args: &Args) -> Outcome {
    let Some(net) = cidr(value) else { return Ok(Value::Bool(false)) };
    let query = args.text_or(0, "");
    if query.is_empty() {
        return Ok(Value::str(net.cidr()));
    }
    if !query.bytes().all(|b| b.is_ascii_digit()) {
        return rank(net, &query);
    }
    let Some(size) = query.parse().ok().filter(|size| *size <= net.bits()) else { return Ok(Value::Bool(false)) };
    let address = net.size() == 1;
    let Some(index) = args.int(1)? else {
        if address {
            return Ok(Value::str(Net { prefix: size, ..net }.subnet()));
        }
        let more = size.checked_sub(net.prefix).ok_or_else(|| format!("Requested subnet size of {size} is invalid"))?;
        return Ok(Value::str(1u128.checked_shl(more).unwrap_or(0).to_string()));
    };
    if address {
        // The networks around an address, the widest first.
        let count = i64::from(net.bits() - size);
        let at = if index < 0 { count + index } else { index };
        if !(0..count).contains(&at) {
            return Ok(Value::Bool(false));
        }
        let prefix = size + u32::try_from(at).unwrap_or(0);
        return Ok(Value::str(Net { prefix, ..net }.subnet()));
    }
    let Some(more) = size.checked_sub(net.prefix) else { return Ok(Value::Bool(false)) };
    let count = i128::try_from(1u128.checked_shl(more).unwrap_or(u128::MAX)).unwrap_or(i128::MAX);
    let at = if index < 0 { count + i128::from(index) } else { index.into() };
    if !(0..count).contains(&at) {
        return Ok(Value::Bool(false));
    }
    let step = u128::try_from(at).unwrap_or(0).checked_shl(net.bits() - size).unwrap_or(0);
    Ok(Value::str(Net { ip: net.first() + step, prefix: size, v6: net.v6 }.cidr()))
}

fn rank(net: Net, query: &str) -> Outcome {
    let invalid = || format!("You must pass a valid subnet or IP address; {query} is invalid");
    let around = cidr(&Value::str(query)).ok_or_else(invalid)?;
    if around.v6 != net.v6 || net.prefix < around.prefix || !around.contains(net) {
        return Err(format!("{} is not in the subnet {}", net.cidr(), around.cidr()));
    }
    let below = net.first() - around.first();
    let rank = below.checked_shr(net.bits() - net.prefix).unwrap_or(0) + 1;
    Ok(Value::str(rank.to_string()))
}

/// `ipmath`: the address so many further on.
pub(super) fn ipmath(value: &Value, args: &Args) -> Outcome {
    let text = python::text(value);
    let net = Net::parse(&text).ok_or_else(|| format!("You must pass a valid IP address; {text} is invalid"))?;
    let Some(Value::Int(amount)) = args.get(0) else {
        return Err("You must pass an integer for arithmetic".into());
    };
    let number = net.ip.checked_add_signed((*amount).into()).filter(|number| net.fits(*number));
    number.map(|number| Value::str(net.address(number))).ok_or_else(|| "the result is no address".into())
}

/// `nthhost`: the address at a position of a network, the network's own being 0.
pub(super) fn nthhost(value: &Value, args: &Args) -> Outcome {
    let (Some(net), Some(at)) = (cidr(value), args.get(0).and_then(|at| python::to_int(at, 10))) else {
        return Ok(Value::Bool(false));
    };
    let offset = u128::from(at.unsigned_abs());
    let number = if at >= 0 { net.first() + offset } else { (net.last() + 1).saturating_sub(offset) };
    let fits = at != 0 && (net.first()..=net.last()).contains(&number);
    Ok(if fits { Value::str(net.address(number)) } else { Value::Bool(false) })
}

/// `next_nth_usable` and `previous_nth_usable`.
pub(super) fn nth_usable(value: &Value, args: &Args, forward: bool) -> Outcome {
    let Some(net) = see(value, None).map(|seen| seen.net) else { return Ok(Value::Bool(false)) };
    let Some(Value::Int(offset)) = args.get(0) else { return Err("Must pass in an integer".into()) };
    if net.size() < 2 {
        return Ok(Value::Null);
    }
    let (first, last) = net.usable();
    let offset = i128::from(if forward { *offset } else { -*offset });
    let number = net.ip.checked_add_signed(offset).filter(|number| (first..=last).contains(number));
    Ok(number.map_or(Value::Null, |number| Value::str(net.address(number))))
}

/// `network_in_network` and `network_in_usable`.
pub(super) fn within(value: &Value, args: &Args, usable: bool) -> Outcome {
    let (Some(outer), Some(inner)) = (cidr(value), cidr(args.need(0)?)) else {
        return Err("takes addresses or networks".into());
    };
    let (first, last) = if usable && outer.size() > 1 { outer.usable() } else { (outer.first(), outer.last()) };
    Ok(Value::Bool(outer.v6 == inner.v6 && first <= inner.first() && inner.last() <= last))
}

/// `reduce_on_network`: of a list what lies within a network.
pub(super) fn reduce(value: &Value, args: &Args) -> Outcome {
    let network = cidr(args.need(0)?).ok_or("takes a network")?;
    let items = python::items(value).ok_or("takes a list")?;
    Ok(Value::list(items.into_iter().filter(|item| cidr(item).is_some_and(|net| network.contains(net)))))
}

/// `usable_range`: every address of a network.
pub(super) fn usable_range(value: &Value, _: &Args) -> Outcome {
    let net = Net::parse(&python::text(value)).ok_or("takes an address or network")?;
    if net.size() > 1 << 16 {
        return Err("the network is too large".into());
    }
    let all = net.first()..=net.last();
    let shown = all.map(|number| Value::str(net.address(number)));
    Ok(Value::map([("usable_ips", Value::list(shown)), ("number_of_ips", whole(net.size()))]))
}

/// `cidr_merge`: the fewest networks that are the same addresses, or the one that spans all.
pub(super) fn cidr_merge(value: &Value, args: &Args) -> Outcome {
    let wrong = |item: &Value| format!("cidr_merge: `{}` is no address", python::text(item));
    let items = python::items(value).ok_or("cidr_merge: expected iterable")?;
    let mut nets = items
        .iter()
        .map(|item| {
            Net::parse(&python::text(item)).map(|net| Net { ip: net.first(), ..net }).ok_or_else(|| wrong(item))
        })
        .collect::<Result<Vec<_>, _>>()?;
    match args.text_or(0, "merge").as_str() {
        "merge" => {
            nets.sort_by_key(|net| (net.v6, net.first(), net.prefix));
            let mut merged: Vec<Net> = Vec::new();
            for net in nets {
                if merged.last().is_some_and(|have| have.contains(net)) {
                    continue;
                }
                merged.push(net);
                join(&mut merged);
            }
            Ok(Value::list(merged.into_iter().map(|net| Value::str(net.cidr()))))
        }
        "span" => {
            let Some(first) = nets.first().copied() else { return Ok(Value::Null) };
            if nets.iter().any(|net| net.v6 != first.v6) {
                return Err("cidr_merge: addresses of both versions have no span".into());
            }
            let mut span = first;
            while !nets.iter().all(|net| span.contains(*net)) {
                span.prefix -= 1;
                span.ip = span.first();
            }
            Ok(Value::str(span.cidr()))
        }
        other => Err(format!("cidr_merge: invalid action '{other}'")),
    }
}

/// Two halves of a network at the end become it, as often as that holds.
fn join(merged: &mut Vec<Net>) {
    while let [.., a, b] = merged.as_slice() {
        let whole = Net { prefix: a.prefix.saturating_sub(1), ..*a };
        if a.prefix == 0 || a.prefix != b.prefix || a.v6 != b.v6 || whole.first() != a.ip || whole.last() != b.last() {
            return;
        }
        merged.truncate(merged.len() - 2);
        merged.push(whole);
    }
}

/// `ip4_hex`.
pub(super) fn hex(value: &Value, args: &Args) -> Outcome {
    let text = python::text(value);
    let address: std::net::Ipv4Addr =
        text.parse().map_err(|_| format!("You must pass a valid IP address; {text} is invalid"))?;
    let parts: Vec<String> = address.octets().iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(Value::str(parts.join(&args.text_or(0, ""))))
}

/// `hwaddr` and `macaddr`: whether it is a hardware address, and another notation for it.
pub(super) fn hwaddr(value: &Value, args: &Args) -> Outcome {
    let query = args.text_or(0, "");
    let text = python::text(value);
    let groups: Vec<&str> = text.split([':', '-', '.']).collect();
    let width = match groups.len() {
        1 => 12,
        3 => 4,
        6 => 2,
        _ => 0,
    };
    let good = |group: &&str| !group.is_empty() && group.len() <= width && group.bytes().all(|b| b.is_ascii_hexdigit());
    if !groups.iter().all(good) || groups.len() == 1 && text.len() != 12 {
        return match query.as_str() {
            "" => Ok(Value::Null),
            "bool" => Ok(Value::Null),
            _ => Err(format!("hwaddr: not a hardware address: {text}")),
        };
    }
    let digits: String = groups.iter().map(|group| format!("{group:0>width$}").to_lowercase()).collect();
    let by = |size: usize, separator: &str| {
        digits.as_bytes().chunks(size).map(String::from_utf8_lossy).collect::<Vec<_>>().join(separator)
    };
    let short =
        || by(2, ":").split(':').map(|g| format!("{:x}", u8::from_str_radix(g, 16).unwrap_or(0))).collect::<Vec<_>>();
    Ok(match query.as_str() {
        "" => value.clone(),
        "bool" => Value::Bool(true),
        "bare" => Value::str(digits.to_uppercase()),
        "int" => whole(u128::from_str_radix(&digits, 16).unwrap_or(0)),
        "cisco" => Value::str(by(4, ".")),
        "eui48" | "win" => Value::str(by(2, "-").to_uppercase()),
        "linux" => Value::str(by(2, ":")),
        "pgsql" | "postgresql" | "psql" => Value::str(by(6, ":")),
        "unix" => Value::str(short().join(":")),
        other => return Err(format!("hwaddr: unknown filter type: {other}")),
    })
}

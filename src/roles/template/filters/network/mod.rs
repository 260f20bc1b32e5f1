//! Filters on addresses: those of the collection `ansible.utils`.

mod address;
mod arithmetic;
mod query;
mod tests;

pub(in crate::roles::template) use tests::TESTS;

use super::Filter;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::value::Value;

pub(super) static FILTERS: &[Filter] = &[
    Filter::values("ansible.utils.ipaddr", &["query", "version", "alias"], |v, args| {
        query::ipaddr(v, &asked(args), args.int(1)?.and_then(|version| u8::try_from(version).ok()))
    }),
    Filter::values("ansible.utils.ipv4", &["query"], |v, args| query::ipaddr(v, &asked(args), Some(4))),
    Filter::values("ansible.utils.ipv6", &["query"], |v, args| query::ipaddr(v, &asked(args), Some(6))),
    Filter::values("ansible.utils.ipwrap", &["query"], wrap),
    Filter::values("ansible.utils.ipsubnet", &["query", "index"], arithmetic::ipsubnet),
    Filter::values("ansible.utils.ipmath", &["amount"], arithmetic::ipmath),
    Filter::values("ansible.utils.nthhost", &["query"], arithmetic::nthhost),
    Filter::values("ansible.utils.next_nth_usable", &["offset"], |v, args| arithmetic::nth_usable(v, args, true)),
    Filter::values("ansible.utils.previous_nth_usable", &["offset"], |v, args| arithmetic::nth_usable(v, args, false)),
    Filter::values("ansible.utils.network_in_network", &["test"], |v, args| arithmetic::within(v, args, false)),
    Filter::values("ansible.utils.network_in_usable", &["test"], |v, args| arithmetic::within(v, args, true)),
    Filter::values("ansible.utils.reduce_on_network", &["network"], arithmetic::reduce),
    Filter::values("ansible.utils.usable_range", &[], arithmetic::usable_range),
    Filter::values("ansible.utils.cidr_merge", &["action"], arithmetic::cidr_merge),
    Filter::values("ansible.utils.ip4_hex", &["delimiter"], arithmetic::hex),
    Filter::values("ansible.utils.hwaddr", &["query"], arithmetic::hwaddr),
    Filter::values("ansible.utils.macaddr", &["query"], arithmetic::hwaddr),
];

fn asked(args: &Args) -> Value {
    args.get(0).cloned().unwrap_or_else(|| Value::str(""))
}

/// `ipwrap`: IPv6 addresses in brackets, all else as it is.
fn wrap(value: &Value, args: &Args) -> Result<Value, String> {
    let one = |item: &Value| -> Value {
        match query::ipaddr(item, &asked(args), None) {
            Ok(found) if python::truth(&found) => query::ipaddr(&found, &Value::str("wrap"), None).unwrap_or(found),
            _ => item.clone(),
        }
    };
    Ok(match value {
        Value::List(items) => Value::list(items.iter().map(one)),
        other => one(other),
    })
}

//! Tests on addresses: those of the collection `ansible.utils`.

use super::address::Net;
use crate::roles::template::args::Args;
use crate::roles::template::python;
use crate::roles::template::tests::Test;
use crate::roles::value::Value;

pub(in crate::roles::template) static TESTS: &[Test] = &[
    Test::values("ansible.utils.ip", &[], |v, _| Ok(net(v).is_some())),
    Test::values("ansible.utils.ip_address", &[], |v, _| Ok(address(v).is_some())),
    Test::values("ansible.utils.ipv4", &[], |v, _| Ok(net(v).is_some_and(|net| !net.v6))),
    Test::values("ansible.utils.ipv4_address", &[], |v, _| Ok(address(v).is_some_and(|net| !net.v6))),
    Test::values("ansible.utils.ipv6", &[], |v, _| Ok(net(v).is_some_and(|net| net.v6))),
    Test::values("ansible.utils.ipv6_address", &[], |v, _| Ok(address(v).is_some_and(|net| net.v6))),
    Test::values("ansible.utils.loopback", &[], |v, _| Ok(address(v).is_some_and(Net::is_loopback))),
    Test::values("ansible.utils.multicast", &[], |v, _| Ok(address(v).is_some_and(Net::is_multicast))),
    Test::values("ansible.utils.unspecified", &[], |v, _| Ok(address(v).is_some_and(|net| net.ip == 0))),
    Test::values("ansible.utils.in_network", &["network"], |v, args| Ok(inside(v, args.need(0)?))),
    Test::values("ansible.utils.subnet_of", &["network"], |v, args| Ok(inside(v, args.need(0)?))),
    Test::values("ansible.utils.supernet_of", &["network"], |v, args| Ok(inside(args.need(0)?, v))),
    Test::values("ansible.utils.in_any_network", &["networks"], any),
    Test::values("ansible.utils.in_one_network", &["networks"], any),
];

fn net(value: &Value) -> Option<Net> {
    Net::parse(&python::text(value))
}

fn address(value: &Value) -> Option<Net> {
    let text = python::text(value);
    if text.contains('/') { None } else { Net::parse(&text) }
}

fn inside(inner: &Value, outer: &Value) -> bool {
    matches!((net(inner), net(outer)), (Some(inner), Some(outer)) if outer.contains(inner))
}

fn any(value: &Value, args: &Args) -> Result<bool, String> {
    let networks = python::items(args.need(0)?).ok_or("takes a list of networks")?;
    Ok(networks.iter().any(|network| inside(value, network)))
}

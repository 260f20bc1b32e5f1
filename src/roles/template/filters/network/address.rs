//! An address with its network, as a number and a prefix length.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address and the network around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Net {
    pub(super) v6: bool,
    pub(super) ip: u128,
    pub(super) prefix: u32,
}

impl Net {
    /// `ADDRESS`, `ADDRESS/LENGTH`, `ADDRESS/NETMASK` or `ADDRESS/HOSTMASK`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let mut net = Self::of(address.parse().ok()?);
        let Some(length) = length else { return Some(net) };
        net.prefix = if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) {
            length.parse().ok().filter(|n| *n <= net.bits())?
        } else {
            let mask = Self::of(length.parse().ok()?);
            if mask.v6 != net.v6 {
                return None;
            }
            let all = net.all();
            // A run of ones, then of zeros; or the reverse, which is a hostmask.
            let ones = |mask: u128| (mask | (mask.wrapping_sub(1) & all)) == all;
            if ones(mask.ip) {
                mask.ip.count_ones()
            } else if ones(all ^ mask.ip) {
                (all ^ mask.ip).count_ones()
            } else {
                return None;
            }
        };
        Some(net)
    }

    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self { v6: false, ip: u32::from(v4).into(), prefix: 32 },
            IpAddr::V6(v6) => Self { v6: true, ip: v6.into(), prefix: 128 },
        }
    }

    /// A number as an address: IPv4 where it fits, unless that is not wanted.
    pub(super) fn number(number: u128, prefix: Option<u32>, v6: bool) -> Option<Self> {
        let v6 = v6 || u32::try_from(number).is_err() || prefix.is_some_and(|prefix| prefix > 32);
        let net = Self { v6, ip: number, prefix: prefix.unwrap_or(if v6 { 128 } else { 32 }) };
        (net.prefix <= net.bits()).then_some(net)
    }

    pub(super) fn bits(self) -> u32 {
        if self.v6 { 128 } else { 32 }
    }

    fn all(self) -> u128 {
        if self.v6 { u128::MAX } else { u32::MAX.into() }
    }

    pub(super) fn hostmask(self) -> u128 {
        let host = self.bits() - self.prefix;
        if host == 128 { u128::MAX } else { (1u128 << host) - 1 }
    }

    pub(super) fn netmask(self) -> u128 {
        self.all() ^ self.hostmask()
    }

    pub(super) fn first(self) -> u128 {
        self.ip & self.netmask()
    }

    pub(super) fn last(self) -> u128 {
        self.first() | self.hostmask()
    }

    /// How many addresses; the whole of IPv6 is one too few.
    pub(super) fn size(self) -> u128 {
        self.hostmask().saturating_add(1)
    }

    /// Networks of one or two addresses have no broadcast address.
    pub(super) fn broadcast(self) -> Option<u128> {
        (self.size() > 2).then(|| self.last())
    }

    pub(super) fn usable(self) -> (u128, u128) {
        if self.size() == 2 { (self.first(), self.last()) } else { (self.first() + 1, self.last() - 1) }
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.v6 == other.v6 && self.first() <= other.first() && other.last() <= self.last()
    }

    /// A number as an address of this version.
    pub(super) fn address(self, number: u128) -> String {
        match u32::try_from(number) {
            Ok(number) if !self.v6 => Ipv4Addr::from(number).to_string(),
            _ => Ipv6Addr::from(number).to_string(),
        }
    }

    /// Whether a number is an address of this version.
    pub(super) fn fits(self, number: u128) -> bool {
        number <= self.all()
    }

    /// `ADDRESS/LENGTH`.
    pub(super) fn cidr(self) -> String {
        format!("{}/{}", self.address(self.ip), self.prefix)
    }

    /// `NETWORK/LENGTH`.
    pub(super) fn subnet(self) -> String {
        format!("{}/{}", self.address(self.first()), self.prefix)
    }

    pub(super) fn within(self, nets: &[&str]) -> bool {
        nets.iter().filter_map(|net| Self::parse(net)).any(|net| net.contains(Self { prefix: self.bits(), ..self }))
    }

    pub(super) fn is_loopback(self) -> bool {
        self.within(&["127.0.0.0/8", "::1"])
    }

    pub(super) fn is_multicast(self) -> bool {
        self.within(&["224.0.0.0/4", "ff00::/8"])
    }

    /// By IANA's special-purpose address registries.
    pub(super) fn is_global(self) -> bool {
        !self.within(NOT_GLOBAL) || self.within(GLOBAL)
    }

    /// Whether it looks like a netmask or hostmask.
    pub(super) fn is_mask(self) -> bool {
        let all = self.all();
        let netmask = |mask: u128| (mask | (mask.wrapping_sub(1) & all)) == all && mask != 0;
        netmask(self.ip) || self.ip == 0 || (self.ip & (self.ip + 1).min(all)) == 0
    }
}

const NOT_GLOBAL: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "::1",
    "::",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
];

const GLOBAL: &[&str] = &[
    "192.0.0.9",
    "192.0.0.10",
    "2001:1::1",
    "2001:1::2",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:20::/28",
    "2001:30::/28",
];

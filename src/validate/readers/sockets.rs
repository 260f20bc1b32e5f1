//! Ports that the running system listens on, as the kernel lists them in /proc/net.

use crate::validate::machine::Machine;
use crate::validate::text::At;
use crate::validate::verdict::Unseen;

/// A socket that waits for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// Its port.
    pub port: u16,
    /// Whether only the machine itself reaches it.
    pub loopback: bool,
    /// Where it is listed.
    pub at: At,
}

impl Listener {
    /// As a site lists ports: `22/tcp`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.port, self.protocol)
    }
}

/// Every socket that listens. A kernel without IPv6 has no lists of it.
pub fn listeners(machine: &Machine<'_>) -> Result<Vec<Listener>, Unseen> {
    // In a TCP list 0A is listening; a UDP socket without a peer is 07.
    const LISTS: [(&str, &str, &str, bool); 4] = [
        ("/proc/net/tcp", "tcp", "0A", true),
        ("/proc/net/tcp6", "tcp", "0A", false),
        ("/proc/net/udp", "udp", "07", true),
        ("/proc/net/udp6", "udp", "07", false),
    ];
    if !machine.running() {
        return Err(Unseen::new("/proc/net", crate::validate::machine::NO_SYSTEM));
    }
    let mut all = Vec::new();
    for (file, protocol, state, always) in LISTS {
        let Some(text) = machine.text(file)? else {
            if always {
                return Err(Unseen::new(file, "is not there"));
            }
            continue;
        };
        for (at, line) in text.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, has, ..] = words[..] else { continue };
            let Some((address, port)) = local.split_once(':') else { continue };
            if let Some(port) = u16::from_str_radix(port, 16).ok().filter(|_| has == state) {
                all.push(Listener { protocol, port, loopback: loopback(address), at });
            }
        }
    }
    Ok(all)
}

/// Addresses are words in the machine's order of bytes, which is the little one: 127.0.0.1 is `0100007F`.
fn loopback(address: &str) -> bool {
    match address.len() {
        8 => address.ends_with("7F"),
        _ => {
            address == "00000000000000000000000001000000"
                || address.starts_with("0000000000000000FFFF0000") && address.ends_with("7F")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_in_either_family() {
        for (address, is) in [
            ("0100007F", true),
            ("00000000", false),
            ("00000000000000000000000001000000", true),
            ("00000000000000000000000000000000", false),
            ("0000000000000000FFFF00000100007F", true),
        ] {
            assert_eq!(loopback(address), is, "{address}");
        }
    }
}

//! TCP: who listens, and which connections there are.

use crate::roles::modules::{ArgError, Args, Eyes, Failed};
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// A connection to a port; `None` where nobody listens.
pub fn contact(eyes: &Eyes<'_>, host: &str, port: u16, patience: Duration) -> Result<Option<Box<dyn Read>>, Failed> {
    for address in addresses(eyes, host)? {
        match eyes.host.connect(SocketAddr::new(address, port), patience) {
            Ok(stream) => return Ok(Some(stream)),
            Err(error) if error.kind() == ErrorKind::Unsupported => return Err(Failed::new(error.to_string())),
            Err(_) => {}
        }
    }
    Ok(None)
}

/// A name's addresses: literal, from the machine's own files, or from the network; none where it has none.
fn addresses(eyes: &Eyes<'_>, host: &str) -> Result<Vec<IpAddr>, Failed> {
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse() {
        return Ok(vec![address]);
    }
    let lines = eyes.text("/etc/hosts")?;
    let named = lines.lines().filter_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
    });
    let named: Vec<IpAddr> = named.collect();
    if !named.is_empty() {
        return Ok(named);
    }
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]);
    }
    match eyes.remote.addresses(host) {
        Ok(found) => Ok(found),
        // A name may come with what is waited for.
        Err(error) if error.missing => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Which connections count.
#[derive(Clone)]
pub struct Connections {
    states: Vec<&'static str>,
    exclude: Vec<String>,
}

/// The kernel's numbers (`include/net/tcp_states.h`).
const STATES: [(&str, &str); 6] = [
    ("ESTABLISHED", "01"),
    ("SYN_SENT", "02"),
    ("SYN_RECV", "03"),
    ("FIN_WAIT1", "04"),
    ("FIN_WAIT2", "05"),
    ("TIME_WAIT", "06"),
];

impl Connections {
    /// Reads the arguments.
    pub fn read(args: &Args) -> Result<Self, ArgError> {
        let number = |name: String| {
            let known = STATES.iter().find(|(state, _)| *state == name);
            known.map(|(_, number)| *number).ok_or_else(|| {
                args.wrong("active_connection_states", format!("unknown active_connection_state ({name}) defined"))
            })
        };
        let states = args.texts("active_connection_states").into_iter().map(number).collect::<Result<_, _>>()?;
        Ok(Self { states, exclude: args.texts("exclude_hosts") })
    }

    /// How many there are to the port of that address.
    pub fn count(&self, eyes: &Eyes<'_>, host: &str, port: u16) -> Result<usize, Failed> {
        let all = |hosts: &[String]| -> Result<Vec<String>, Failed> {
            let mut found = Vec::new();
            for host in hosts {
                found.extend(addresses(eyes, host)?.into_iter().flat_map(written));
            }
            Ok(found)
        };
        let (ours, excluded) = (all(&[host.to_owned()])?, all(&self.exclude)?);
        let ours_has = |ip: &str| ours.iter().any(|have| have == ip);
        let mut count = 0;
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            for line in eyes.text(table)?.lines() {
                let words: Vec<&str> = line.split_whitespace().collect();
                let [_, local, remote, state, ..] = words[..] else { continue };
                let (Some((ip, at)), Some((from, _))) = (local.split_once(':'), remote.split_once(':')) else {
                    continue;
                };
                if !self.states.contains(&state) || at != format!("{port:04X}") || excluded.iter().any(|ip| ip == from)
                {
                    continue;
                }
                let any = "0".repeat(ip.len());
                let mapped = ip.starts_with(MAPPED) && ours_has(&format!("{MAPPED}00000000"));
                count += usize::from(ours_has(ip) || ours_has(&any) || mapped);
            }
        }
        Ok(count)
    }
}

/// How `::ffff:a.b.c.d` begins in the kernel's table.
const MAPPED: &str = "0000000000000000FFFF0000";

/// An address as `/proc/net/tcp` and `/proc/net/tcp6` write it; an IPv4 address in both.
fn written(address: IpAddr) -> Vec<String> {
    let words = |bytes: &[u8]| -> String {
        let each = bytes.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        each.map(|word| format!("{word:08X}")).collect()
    };
    match address {
        IpAddr::V4(address) => vec![words(&address.octets()), words(&address.to_ipv6_mapped().octets())],
        IpAddr::V6(address) => vec![words(&address.octets())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_are_written_as_the_kernel_writes_them() {
        let v4 = written(Ipv4Addr::new(127, 0, 0, 1).into());
        assert_eq!(v4, ["0100007F", "0000000000000000FFFF00000100007F"]);
        assert_eq!(written(Ipv6Addr::LOCALHOST.into()), ["00000000000000000000000001000000"]);
        assert!(v4[1].starts_with(MAPPED));
    }
}

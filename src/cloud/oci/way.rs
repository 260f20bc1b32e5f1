//! Where a registry may send its clients on to: with TLS, and not into this host or its metadata.

use reqwest::Url;
use std::net::IpAddr;

/// How often one request may be sent on.
pub(super) const HOPS: usize = 3;

/// Whether an address is this host itself, as in tests and beside a registry that runs on the host.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
        Some("localhost") => true,
        Some(host) => host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

/// An address that another one sends on to, where it may be followed.
pub(super) fn onward(from: &Url, to: &str) -> Result<Url, String> {
    let to = from.join(to).map_err(|_| "it sends on to an address that cannot be read".to_owned())?;
    let origin = to.origin().ascii_serialization();
    let inward = match to.host_str().map(|host| host.trim_matches(['[', ']']).parse::<IpAddr>()) {
        Some(Ok(IpAddr::V4(ip))) => ip.is_link_local() || ip.is_unspecified() || ip.is_loopback(),
        // fd00:ec2::/32 is where EC2 has its metadata and the like.
        Some(Ok(IpAddr::V6(ip))) => {
            ip.is_unicast_link_local() || ip.is_loopback() || ip.segments()[..2] == [0xfd00, 0x0ec2]
        }
        _ => is_loopback(&to),
    };
    match () {
        () if inward && !(is_loopback(from) && is_loopback(&to)) => {
            Err(format!("it sends on to {origin}, which is this host's own"))
        }
        () if to.scheme() == "https" || (to.scheme() == "http" && is_loopback(&to)) => Ok(to),
        () => Err(format!("it sends on to {origin}, without TLS")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_sends_on_with_tls_and_not_inward() {
        let url = |text: &str| Url::parse(text).expect("an address");
        let registry = url("https://registry.example.com/v2/a/blobs/x");
        for good in ["https://storage.example.net/b?sig=1", "/v2/other", "https://registry.example.com/y"] {
            assert!(onward(&registry, good).is_ok(), "{good}");
        }
        for bad in [
            "http://storage.example.net/b",
            "http://169.254.169.254/latest/meta-data",
            "https://169.254.169.254/",
            "https://127.0.0.1/",
            "http://localhost:8080/",
            "https://[fd00:ec2::254]/",
            "https://[::1]/",
            "file:///etc/shadow",
            "ftp://storage.example.net/b",
        ] {
            assert!(onward(&registry, bad).is_err(), "{bad}");
        }
        assert!(onward(&url("http://127.0.0.1:5000/v2"), "http://127.0.0.1:5001/b").is_ok());
        assert!(onward(&url("http://127.0.0.1:5000/v2"), "http://169.254.169.254/").is_err());
    }
}

//! Name lookups in Rust, for every connection: glibc's crash a static binary.

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::parse_resolv_conf;
use hickory_resolver::{Hosts, Resolver, TokioResolver};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Amazon's resolver, which answers in every VPC that has not switched it off.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html>
const AMAZON: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(169, 254, 169, 253)), IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253))];

/// A name that could not be looked up.
#[derive(Debug, thiserror::Error)]
#[error("name {name} could not be resolved by {servers}: {why}")]
pub struct DnsError {
    name: String,
    servers: String,
    why: String,
}

/// Looks names up through `resolv.conf` and `hosts`, read again when they change; clones share one cache.
#[derive(Clone)]
pub struct Dns(Arc<State>);

struct State {
    directory: PathBuf,
    current: Mutex<Option<(Stamp, Sources)>>,
}

/// Where answers come from: the hosts file, and name servers with their addresses.
#[derive(Clone)]
struct Sources {
    hosts: Arc<Hosts>,
    resolver: TokioResolver,
    servers: String,
}

/// When the two files changed last: in early boot DHCP may not have written them yet.
type Stamp = [Option<SystemTime>; 2];

impl Default for Dns {
    fn default() -> Self {
        Self::beneath(Path::new("/etc"))
    }
}

impl Dns {
    /// With the files of another directory than `/etc`.
    pub fn beneath(directory: &Path) -> Self {
        Self(Arc::new(State { directory: directory.to_owned(), current: Mutex::new(None) }))
    }

    /// The addresses of a name. Literal addresses and `localhost` need no resolver.
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, DnsError> {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(vec![address]);
        }
        let plain = bare.trim_end_matches('.').to_ascii_lowercase();
        if plain == "localhost" || plain.ends_with(".localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let failed = |servers: String, why: String| DnsError { name: name.to_owned(), servers, why };
        let Sources { hosts, resolver, servers } =
            self.sources().map_err(|why| failed(self.0.directory.display().to_string(), why))?;
        let stated = stated(&hosts, &plain);
        if !stated.is_empty() {
            return Ok(stated);
        }
        let found = resolver.lookup_ip(bare).await.map_err(|error| failed(servers.clone(), error.to_string()))?;
        let addresses: Vec<IpAddr> = found.iter().collect();
        if addresses.is_empty() { Err(failed(servers, "it has no address".into())) } else { Ok(addresses) }
    }

    fn sources(&self) -> Result<Sources, String> {
        let files = [self.0.directory.join("resolv.conf"), self.0.directory.join("hosts")];
        let stamp = [modified(&files[0]), modified(&files[1])];
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, sources)) = &*current
            && *known == stamp
        {
            return Ok(sources.clone());
        }
        let (config, mut options) = configuration(&files[0]);
        let servers = config.name_servers().iter().map(|server| server.ip.to_string()).collect::<Vec<_>>().join(", ");
        // The hosts file is read here, so that another directory's is possible and its absence is no error.
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()
            .map_err(|error| error.to_string())?;
        let sources = Sources { hosts: Arc::new(hosts(&files[1])), resolver, servers };
        *current = Some((stamp, sources.clone()));
        Ok(sources)
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|stat| stat.modified()).ok()
}

fn configuration(path: &Path) -> (ResolverConfig, ResolverOpts) {
    let parsed = std::fs::read(path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| parse_resolv_conf(bytes).map_err(|error| error.to_string()));
    parsed.unwrap_or_else(|why| {
        tracing::debug!("{}: {why}; asking Amazon's resolver", path.display());
        let servers = AMAZON.iter().map(|address| NameServerConfig::udp_and_tcp(*address)).collect();
        (ResolverConfig::from_parts(None, vec![], servers), ResolverOpts::default())
    })
}

/// What the hosts file says of a name. No name server is asked about a name that stands there, not even for a family
/// of addresses that it lacks: glibc does not either, and the server may be the one that does not answer.
fn stated(hosts: &Hosts, name: &str) -> Vec<IpAddr> {
    let Ok(name) = Name::from_utf8(name) else { return Vec::new() };
    let kinds = [RecordType::A, RecordType::AAAA];
    let found = kinds.into_iter().filter_map(|kind| hosts.lookup_static_host(&Query::query(name.clone(), kind)));
    found
        .flat_map(|lookup| lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>())
        .collect()
}

fn hosts(path: &Path) -> Hosts {
    let mut hosts = Hosts::default();
    if let Ok(bytes) = std::fs::read(path)
        && let Err(error) = hosts.read_hosts_conf(bytes.as_slice())
    {
        tracing::warn!("{}: {error}; its names are not used", path.display());
    }
    hosts
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dns({})", self.0.directory.display())
    }
}

impl ResolveDns for Dns {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move { self.addresses(name).await.map_err(ResolveDnsError::new) })
    }
}

impl reqwest::dns::Resolve for Dns {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let dns = self.clone();
        Box::pin(async move {
            let addresses = dns.addresses(name.as_str()).await?;
            let sockets = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as reqwest::dns::Addrs)
        })
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn literal_addresses_and_localhost_need_no_files() {
        let empty = tempfile::tempdir().expect("scratch");
        let dns = Dns::beneath(empty.path());
        assert_eq!(dns.addresses("10.1.2.3").await.expect("literal"), [IpAddr::from([10, 1, 2, 3])]);
        assert_eq!(dns.addresses("[::1]").await.expect("literal"), [IpAddr::V6(Ipv6Addr::LOCALHOST)]);
        assert_eq!(dns.addresses("localhost").await.expect("localhost").len(), 2);
    }

    #[tokio::test]
    async fn the_hosts_file_is_read_and_read_again_when_it_changes() {
        let etc = tempfile::tempdir().expect("scratch");
        // Port 53 of this address answers nothing: only the hosts file can.
        std::fs::write(etc.path().join("resolv.conf"), "nameserver 127.0.0.99\noptions timeout:1 attempts:1\n")
            .expect("resolv.conf");
        let dns = Dns::beneath(etc.path());
        let error = dns.addresses("a.internal").await.expect_err("unknown").to_string();
        assert!(error.contains("a.internal") && error.contains("127.0.0.99"), "{error}");
        std::fs::write(etc.path().join("hosts"), "10.0.0.7 a.internal\n").expect("hosts");
        assert_eq!(dns.addresses("A.internal.").await.expect("known"), [IpAddr::from([10, 0, 0, 7])]);
    }

    #[tokio::test]
    async fn a_name_server_that_does_not_answer_is_not_asked_about_a_name_of_the_hosts_file() {
        let etc = tempfile::tempdir().expect("scratch");
        std::fs::write(etc.path().join("resolv.conf"), "nameserver 192.0.2.1\noptions timeout:30\n")
            .expect("resolv.conf");
        std::fs::write(etc.path().join("hosts"), "10.0.0.7 a.internal\nfd00::7 a.internal\n10.0.0.8 b\n")
            .expect("hosts");
        let dns = Dns::beneath(etc.path());
        let both = [IpAddr::from([10, 0, 0, 7]), "fd00::7".parse().expect("an address")];
        let limit = std::time::Duration::from_secs(5);
        assert_eq!(
            tokio::time::timeout(limit, dns.addresses("a.internal")).await.expect("at once").expect("known"),
            both
        );
        let one = tokio::time::timeout(limit, dns.addresses("b")).await.expect("at once").expect("known");
        assert_eq!(one, [IpAddr::from([10, 0, 0, 8])]);
    }

    #[test]
    fn without_resolv_conf_amazon_is_asked() {
        let (config, _) = configuration(Path::new("/nonexistent/resolv.conf"));
        assert_eq!(config.name_servers().iter().map(|server| server.ip).collect::<Vec<_>>(), AMAZON);
    }
}

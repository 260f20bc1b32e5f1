//! A TCP connection to a git host, through the proxy if any.

use super::FetchError;
use super::limits::Clock;
use super::proxy::Proxy;
use crate::dns::Dns;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpStream;

/// Connects within the clock's limits.
pub(super) async fn connect(
    clock: &Clock,
    host: &str,
    port: u16,
    proxy: Option<&Proxy>,
) -> Result<TcpStream, FetchError> {
    let limit = clock.limits.connect;
    let (next, next_port) = proxy.map_or((host, port), |proxy| (proxy.host(), proxy.port()));
    let addresses = clock.wait("resolving", next, limit, Dns::default().addresses(next)).await??;
    let name = format!("{next}:{next_port}");
    let mut stream = clock.wait("connecting to", &name, limit, first(&addresses, next_port, &name)).await??;
    let _ = stream.set_nodelay(true);
    if let Some(proxy) = proxy {
        clock.wait("waiting for the proxy", &name, limit, proxy.tunnel(&mut stream, host, port)).await??;
    }
    Ok(stream)
}

/// The first address that answers.
async fn first(addresses: &[IpAddr], port: u16, name: &str) -> Result<TcpStream, FetchError> {
    let mut problem = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect(SocketAddr::new(*address, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => problem = format!("{address}: {error}"),
        }
    }
    Err(FetchError::Connect { host: name.to_owned(), problem })
}

//! git's smart HTTP on loopback, with TLS or without: two paths, each answered by a real `git upload-pack --stateless-rpc`.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Serves a repository; every request must carry this `Authorization`. Gives the port.
pub fn serve(repository: &Path, authorization: &'static str, tls: Option<Arc<rustls::ServerConfig>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let repository = repository.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (repository, tls) = (repository.clone(), tls.clone());
            std::thread::spawn(move || match tls {
                None => converse(stream, &repository, authorization),
                Some(tls) => {
                    let connection = rustls::ServerConnection::new(tls).unwrap();
                    converse(rustls::StreamOwned::new(connection, stream), &repository, authorization);
                }
            });
        }
    });
    port
}

/// A server's certificate and key, as PEM files hold them.
pub fn tls(certificate: &Path, key: &Path) -> Arc<rustls::ServerConfig> {
    let certificate = CertificateDer::from_pem_file(certificate).unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

fn converse(stream: impl Read + Write, repository: &Path, authorization: &str) {
    let mut reader = BufReader::new(stream);
    while answer(&mut reader, repository, authorization).is_some() {}
}

fn answer<S: Read + Write>(reader: &mut BufReader<S>, repository: &Path, authorization: &str) -> Option<()> {
    let mut request = String::new();
    reader.read_line(&mut request).ok().filter(|length| *length > 0)?;
    let (mut length, mut authorized) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ")?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => authorized = value == authorization,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = request.split(' ').nth(1)?;
    if path.starts_with("/moved") {
        return send(reader.get_mut(), "301 Moved Permanently\r\nLocation: /config.git", "text/plain", b"");
    }
    if !path.starts_with("/config.git/") {
        return send(reader.get_mut(), "404 Not Found", "text/plain", b"");
    }
    if !authorized {
        return send(reader.get_mut(), "401 Unauthorized", "text/plain", b"");
    }
    if path.contains("/info/refs") {
        let mut refs = b"001e# service=git-upload-pack\n0000".to_vec();
        refs.extend(git(repository, &["--http-backend-info-refs"], b""));
        return send(reader.get_mut(), "200 OK", "application/x-git-upload-pack-advertisement", &refs);
    }
    send(reader.get_mut(), "200 OK", "application/x-git-upload-pack-result", &git(repository, &[], &body))
}

fn git(repository: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut git = Command::new("git");
    git.args(["upload-pack", "--stateless-rpc"]).args(arguments).arg(repository);
    let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().stdout
}

fn send(stream: &mut impl Write, status: &str, kind: &str, body: &[u8]) -> Option<()> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).and_then(|()| stream.flush()).ok()
}

//! SSH through a proxy: HTTP CONNECT and SOCKS5, each with and without the right login.

use crate::forge::{Forge, installed};
use crate::{PARTS, fetch};
use muster::fetch::{FetchError, Origin, Proxy};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Carries bytes both ways until one side ends.
fn splice(mut client: TcpStream, target: &str) {
    let mut server = TcpStream::connect(target).unwrap();
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    let _ = std::io::copy(&mut server, &mut client);
}

fn serve(speak: impl Fn(TcpStream) -> Option<()> + Send + Copy + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || speak(stream));
        }
    });
    port
}

/// RFC 9110, 9.3.6, for `user:hunter2`.
fn connect(mut stream: TcpStream) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let target = lines.next()?.split(' ').nth(1)?.to_owned();
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    if !head.iter().any(|line| line == "Proxy-Authorization: Basic dXNlcjpodW50ZXIy") {
        return stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").ok();
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nVia: test\r\n\r\n").ok()?;
    splice(stream, &target);
    Some(())
}

/// RFC 1928 with RFC 1929, for `user:hunter2`.
fn socks(mut stream: TcpStream) -> Option<()> {
    let mut part = |length: usize| {
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).ok().map(|()| bytes)
    };
    let offered = part(2)?;
    let login = part(usize::from(offered[1]))?.contains(&2);
    let mut answer = stream.try_clone().ok()?;
    if !login {
        return answer.write_all(&[5, 0xff]).ok();
    }
    answer.write_all(&[5, 2]).ok()?;
    let mut part = |length: usize| {
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).ok().map(|()| bytes)
    };
    let length = usize::from(part(2)?[1]);
    let user = part(length)?;
    let length = usize::from(part(1)?[0]);
    let right = user == b"user" && part(length)? == b"hunter2";
    answer.write_all(&[1, u8::from(!right)]).ok()?;
    let length = usize::from(part(5)?[4]);
    let host = String::from_utf8(part(length)?).ok()?;
    let port = part(2)?;
    answer.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    splice(stream, &format!("{host}:{}", u16::from_be_bytes([port[0], port[1]])));
    Some(())
}

#[test]
fn through_proxies() {
    if !installed("proxies", PARTS) {
        return;
    }
    let forge = Forge::serving("");
    let through = |proxy: String| {
        let origin = Origin { proxy: Some(Proxy::parse(&proxy).unwrap()), ..forge.origin() };
        fetch(&forge, &origin, &forge.realm())
    };
    for (scheme, port) in [("http", serve(connect)), ("socks5", serve(socks)), ("socks5h", serve(socks))] {
        through(format!("{scheme}://user:hunter2@127.0.0.1:{port}"))
            .unwrap_or_else(|error| panic!("{scheme}: {error}"));
        for login in ["", "user:wrong@"] {
            let error = through(format!("{scheme}://{login}127.0.0.1:{port}")).unwrap_err();
            assert!(matches!(error, FetchError::Connect { .. }), "{scheme}: {error:?}");
            assert!(error.to_string().contains("through proxy"), "{error}");
        }
    }
}

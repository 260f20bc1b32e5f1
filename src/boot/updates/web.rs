//! A TUF repository on a web server.

use super::place::METADATA;
use crate::boot::reach::Reach;
use crate::cloud::{self, CloudError, Instant, WebRequest};
use crate::failure::Explain;
use crate::host::durable;
use crate::trust::Untrusted;
use crate::trust::tuf::{Refusal, Remote};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Metadata below one address, targets below another.
pub(in crate::boot) struct Web {
    pub(in crate::boot) reach: Arc<Reach>,
    pub(in crate::boot) metadata: String,
    pub(in crate::boot) targets: String,
    pub(in crate::boot) staging: PathBuf,
    pub(in crate::boot) deadline: Instant,
}

/// What to do where a server denies what it may lack.
const DENIED: &str = "let hosts read the repository, and answer 404 for what is not there: a server before a bucket that it \
                      may not list (s3:ListBucket) answers 403 for both";

/// What the cloud room says, as TUF hears it.
pub(super) fn refused(error: CloudError) -> Refusal {
    match error {
        CloudError::TooLarge { .. } => Refusal::TooLarge,
        error => Refusal::Failed { message: error.to_string(), hint: error.hint() },
    }
}

/// A file without a name, for bytes from outside.
pub(super) fn staged(directory: &Path) -> Result<File, Refusal> {
    durable::staging(directory).map_err(|error| Refusal::new(format!("staging in {}: {error}", directory.display())))
}

/// The whole of a staged file that is known to be small.
pub(super) fn whole(mut file: File) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| Refusal::new(format!("reading what was fetched: {error}")))?;
    Ok(bytes)
}

impl Web {
    fn get(&self, url: String, limit: u64, until: Instant) -> Result<Option<File>, Refusal> {
        let request = WebRequest::get(url);
        let file = staged(&self.staging)?;
        let asked = cloud::web(&self.reach.transport, &request, file, limit, until);
        let answer = self.reach.ask(asked).map_err(refused)?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 | 410 => Ok(None),
            status => Err(Refusal::Failed {
                message: format!("GET {} answered {status}", answer.url),
                hint: matches!(status, 401 | 403).then(|| DENIED.into()),
            }),
        }
    }
}

/// A path as a URL has it: everything but letters, digits and `-._~/` is written `%XX`.
fn encoded(path: &str) -> String {
    let mut text = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

impl Remote for Web {
    fn metadata(&self, name: &str, limit: u64) -> Result<Option<Untrusted<Vec<u8>>>, Refusal> {
        let until = self.deadline.min(Instant::now() + METADATA);
        // Names of metadata come encoded: a role may be called anything.
        let file = self.get(format!("{}{name}", self.metadata), limit, until)?;
        Ok(file.map(whole).transpose()?.map(Untrusted::new))
    }

    fn target(&self, path: &str, limit: u64) -> Result<Option<Untrusted<File>>, Refusal> {
        if path.split('/').any(|part| part == ".." || part == ".") {
            return Err(Refusal::new("its path leads out of the repository"));
        }
        let path = encoded(path.trim_start_matches('/'));
        Ok(self.get(format!("{}{path}", self.targets), limit, self.deadline)?.map(Untrusted::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Network;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::time::Duration;

    /// A server that gives each path its answer, and a repository below it.
    fn web(answer: fn(&str, &mut std::net::TcpStream), patience: Duration) -> (Web, tempfile::TempDir) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}/", listener.local_addr().expect("its address"));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut stream = stream;
                    let mut lines = BufReader::new(stream.try_clone().expect("a clone")).lines();
                    let first = lines.next().and_then(Result::ok).unwrap_or_default();
                    lines.take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty())).for_each(drop);
                    answer(first.split(' ').nth(1).unwrap_or_default(), &mut stream);
                });
            }
        });
        let scratch = tempfile::tempdir().expect("scratch");
        let reach = Arc::new(Reach::over(Network::default(), Duration::from_secs(1)).expect("a way out"));
        let (staging, deadline) = (scratch.path().to_owned(), Instant::now() + patience);
        (Web { reach, metadata: base.clone(), targets: base, staging, deadline }, scratch)
    }

    fn say(stream: &mut std::net::TcpStream, head: &str, body: &[u8]) {
        let _ = stream.write_all(format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").as_bytes());
        let _ = stream.write_all(body);
    }

    #[test]
    fn only_what_is_missing_is_missing() {
        let answer = |path: &str, stream: &mut std::net::TcpStream| match path {
            "/1.root.json" => say(stream, "200 OK", b"{}"),
            "/a%20b/%3F" => say(stream, "200 OK", b"bytes"),
            "/2.root.json" => say(stream, "404 Not Found", b""),
            "/3.root.json" => say(stream, "403 Forbidden", b""),
            _ => say(stream, "503 Service Unavailable", b""),
        };
        let (web, _scratch) = web(answer, Duration::from_secs(20));
        assert!(web.metadata("1.root.json", 10).expect("asked").is_some());
        assert!(web.metadata("2.root.json", 10).expect("asked").is_none());
        for (name, hinted) in [("3.root.json", true), ("4.root.json", false)] {
            let refused = web.metadata(name, 10).expect_err("no absence");
            let Refusal::Failed { hint, .. } = &refused else { panic!("{refused:?}") };
            assert_eq!(hint.as_ref().is_some_and(|hint| hint.contains("answer 404")), hinted, "{name}");
        }
        assert!(web.target("a b/?", 10).expect("there").is_some());
        assert!(matches!(web.target("../secret", 10), Err(Refusal::Failed { .. })));
    }

    #[test]
    fn a_body_without_end_and_one_byte_at_a_time_are_ended() {
        let answer = |path: &str, stream: &mut std::net::TcpStream| {
            say(stream, "200 OK", b"");
            loop {
                let (bytes, pause): (&[u8], u64) = if path == "/endless" { (&[b' '; 4096], 0) } else { (b" ", 50) };
                if stream.write_all(bytes).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(pause));
            }
        };
        let (web, _scratch) = web(answer, Duration::from_secs(1));
        assert!(matches!(web.metadata("endless", 100_000), Err(Refusal::TooLarge)));
        let begun = std::time::Instant::now();
        let refused = web.metadata("trickle", 100_000).expect_err("slow");
        assert!(matches!(&refused, Refusal::Failed { message, .. } if message.contains("deadline")), "{refused:?}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

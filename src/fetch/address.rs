//! Where a repository is, in the forms that git takes (git-fetch(1), GIT URLS).

use super::FetchError;
use reqwest::Url;
use std::fmt;
use std::path::PathBuf;

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `git@host:path` or `ssh://user@host:port/path`.
    Ssh {
        /// `git` where none is written.
        user: String,
        /// A name or an address.
        host: String,
        /// 22 where none is written.
        port: u16,
        /// As the server sees it.
        path: String,
    },
    /// `https://host/path`; plain `http://` only to a loopback address.
    Https(Url),
    /// A path on this machine, or `file://`.
    Local(PathBuf),
}

impl Address {
    /// Reads an address. Credentials in it are refused: they would end up in logs.
    pub fn parse(text: &str) -> Result<Self, FetchError> {
        let shown = || text.split_once('@').filter(|(user, _)| user.matches(':').count() > 1);
        let fail = |problem: &str| {
            let address = shown().map_or(text.to_owned(), |(_, rest)| format!("...@{rest}"));
            FetchError::Address { address: address.escape_default().to_string(), problem: problem.to_owned() }
        };
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(fail("it is empty or holds control characters"));
        }
        if text.starts_with('/') {
            return Ok(Self::Local(text.into()));
        }
        if !text.contains("://") {
            return scp_like(text).ok_or_else(|| fail("it is none of the known forms"));
        }
        let url = Url::parse(text).map_err(|error| fail(&error.to_string()))?;
        if url.password().is_some() {
            return Err(fail("it holds a password; name the secret in settings"));
        }
        match url.scheme() {
            "ssh" | "git+ssh" | "ssh+git" => ssh(&url).ok_or_else(|| fail("it names no host or no path")),
            "https" | "http" if !url.username().is_empty() => Err(fail("it holds a user; name the secret in settings")),
            "https" => Ok(Self::Https(url)),
            "http" if loopback(&url) => Ok(Self::Https(url)),
            "http" => Err(fail("plain HTTP is refused: anybody on the way could read the credentials")),
            "file" => url.to_file_path().map(Self::Local).map_err(|()| fail("it names no path of this machine")),
            scheme => Err(fail(&format!("`{scheme}://` is not supported"))),
        }
    }

    /// Whom to name in messages: the host, with the port where it is not the usual one.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Ssh { host, port: 22, .. } => host.clone(),
            Self::Ssh { host, port, .. } => format!("{host}:{port}"),
            Self::Https(url) => match url.port() {
                Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
                None => url.host_str().unwrap_or_default().to_owned(),
            },
            Self::Local(path) => path.display().to_string(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ssh { user, host, port, path } => {
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                write!(f, "ssh://{user}@{host}:{port}/{}", path.trim_start_matches('/'))
            }
            Self::Https(url) => write!(f, "{url}"),
            Self::Local(path) => write!(f, "{}", path.display()),
        }
    }
}

fn loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn ssh(url: &Url) -> Option<Address> {
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let path = percent_decoded(url.path())?;
    // git's own: `/~user/x` is below a home directory, so its slash is not the root's.
    let path = path.strip_prefix('/').filter(|rest| rest.starts_with('~')).unwrap_or(&path).to_owned();
    let user = if url.username().is_empty() { "git".to_owned() } else { percent_decoded(url.username())? };
    let named = !host.is_empty() && path.len() > 1;
    named.then(|| Address::Ssh { user, host, port: url.port().unwrap_or(22), path })
}

/// `[user@]host:path`; the host may be an IPv6 address in brackets.
fn scp_like(text: &str) -> Option<Address> {
    let (user, rest) = match text.split_once('@') {
        Some((user, rest)) if !user.contains([':', '/']) => (user, rest),
        _ => ("git", text),
    };
    let (host, path) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once("]:")?,
        None => rest.split_once(':')?,
    };
    let named = !user.is_empty() && !host.is_empty() && !host.contains('/') && !path.is_empty();
    named.then(|| Address::Ssh { user: user.to_owned(), host: host.to_owned(), port: 22, path: path.to_owned() })
}

/// A part of a URL as it was meant; none with control characters.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let (digits, after) = rest.split_first_chunk::<2>()?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh(user: &str, host: &str, port: u16, path: &str) -> Address {
        Address::Ssh { user: user.into(), host: host.into(), port, path: path.into() }
    }

    #[test]
    fn the_forms_of_git() {
        for (text, address) in [
            ("git@github.com:org/repo.git", ssh("git", "github.com", 22, "org/repo.git")),
            ("github.com:org/repo", ssh("git", "github.com", 22, "org/repo")),
            ("me@[::1]:/srv/repo", ssh("me", "::1", 22, "/srv/repo")),
            ("ssh://me@host:2222/srv/repo", ssh("me", "host", 2222, "/srv/repo")),
            ("ssh://host/~me/repo", ssh("git", "host", 22, "~me/repo")),
            ("ssh://git@[::1]:22/a%20b", ssh("git", "::1", 22, "/a b")),
            ("/srv/repo", Address::Local("/srv/repo".into())),
            ("file:///srv/repo", Address::Local("/srv/repo".into())),
        ] {
            assert_eq!(Address::parse(text).expect(text), address);
        }
        assert!(matches!(Address::parse("https://h/r.git"), Ok(Address::Https(_))));
        assert!(matches!(Address::parse("http://127.0.0.1:8080/r"), Ok(Address::Https(_))));
    }

    #[test]
    fn what_is_refused_says_why_and_shows_no_password() {
        for (text, problem) in [
            ("", "empty"),
            ("repo", "none of the known forms"),
            ("http://github.com/r", "plain HTTP"),
            ("git://github.com/r", "`git://` is not supported"),
            ("https://user@h/r", "holds a user"),
            ("https://user:hunter2@h/r", "password"),
            ("ssh://user:hunter2@h/r", "password"),
            ("ssh://host", "no path"),
            ("git@host:a\nb", "control"),
            ("ssh://host/%00", "no path"),
        ] {
            let error = Address::parse(text).expect_err(text).to_string();
            assert!(error.contains(problem), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}

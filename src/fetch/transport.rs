//! libgit2's way to the network: one URL scheme of muster's own, whose transport is chosen by the fetch in progress.
#![expect(
    unsafe_code,
    reason = "libgit2's transport table and search paths are global; both are set once, before any use"
)]

use super::address::Address;
use super::deploy_key::DeployKey;
use super::limits::{Clock, Limits};
use super::proxy::Proxy;
use super::{FetchError, https, ssh};
use crate::secret::Secret;
use crate::trust::Realm;
use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The scheme that libgit2 sees; the rest of the URL says nothing.
pub(super) const URL: &str = "muster://origin";

/// How to reach a repository.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Where it is.
    pub address: Address,
    /// As whom.
    pub credentials: Credentials,
    /// Through what.
    pub proxy: Option<Proxy>,
    /// Certificates to believe in place of the system's, as PEM; for HTTPS.
    pub ca_bundle: Option<Vec<u8>>,
    /// How long and how much.
    pub limits: Limits,
}

/// As whom to fetch.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// As nobody.
    None,
    /// SSH: a deploy key.
    Key(DeployKey),
    /// HTTPS: a user and a password or token.
    Basic {
        /// The user's name; git hosts often take any.
        user: String,
        /// The password or token.
        password: Secret<String>,
    },
    /// HTTPS: a bearer token.
    Bearer(Secret<String>),
}

/// A fetch in progress: what its transport needs, and where that leaves its own error, which libgit2 would flatten.
pub(super) struct Dial {
    pub(super) origin: Origin,
    pub(super) realm: Realm,
    pub(super) host: String,
    pub(super) clock: Clock,
    received: AtomicU64,
    failure: Mutex<Option<FetchError>>,
}

impl Dial {
    pub(super) fn new(origin: &Origin, realm: &Realm) -> Arc<Self> {
        Arc::new(Self {
            origin: origin.clone(),
            realm: realm.clone(),
            host: origin.address.host(),
            clock: Clock::start(origin.limits.clone()),
            received: AtomicU64::new(0),
            failure: Mutex::new(None),
        })
    }

    /// Keeps the first error, and gives libgit2 a token for it. (Its own text would pass through a C string.)
    pub(super) fn fail(&self, error: FetchError) -> std::io::Error {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        std::io::Error::other("the transport failed")
    }

    /// The error that a transport left.
    pub(super) fn take_failure(&self) -> Option<FetchError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Counts what came, against the limit.
    pub(super) fn count(&self, bytes: usize) -> Result<(), FetchError> {
        let before = self.received.fetch_add(bytes as u64, Ordering::Relaxed);
        let limit = self.clock.limits.bytes;
        match before.saturating_add(bytes as u64) > limit {
            true => Err(FetchError::TooMuch { host: self.host.clone(), limit }),
            false => Ok(()),
        }
    }

    /// Runs libgit2 calls on this thread; a remote with [`URL`] then reaches this origin.
    pub(super) fn during<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        struct Reset;
        impl Drop for Reset {
            fn drop(&mut self) {
                CURRENT.with_borrow_mut(Option::take);
            }
        }
        CURRENT.with_borrow_mut(|current| *current = Some(self.clone()));
        let _reset = Reset;
        work()
    }
}

thread_local! {
    // libgit2 calls a transport's factory on the thread that fetches, and gives it nothing but the URL.
    static CURRENT: RefCell<Option<Arc<Dial>>> = const { RefCell::new(None) };
}

/// Sets libgit2 up, once: the transport, no configuration files of the host's, every object's hash verified on reading.
pub(super) fn set_up() -> Result<(), FetchError> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    let done = DONE.get_or_init(|| {
        let show = |error: git2::Error| error.message().to_owned();
        git2::opts::strict_hash_verification(true);
        git2::opts::strict_object_creation(true);
        use git2::ConfigLevel::{Global, ProgramData, System, XDG};
        for level in [System, Global, XDG, ProgramData] {
            // SAFETY: no other thread uses libgit2 yet; all of muster's uses of repositories come through here first.
            unsafe { git2::opts::set_search_path(level, "/dev/null") }.map_err(show)?;
        }
        // SAFETY: as above. A boot must stay below 64 MiB, and libgit2's own limits are far above that.
        unsafe {
            git2::opts::set_cache_max_size(8 << 20).map_err(show)?;
            git2::opts::set_mwindow_size(4 << 20).map_err(show)?;
            git2::opts::set_mwindow_mapped_limit(16 << 20).map_err(show)?;
        }
        // SAFETY: as above; the OnceLock lets one thread register, before any transport is made.
        unsafe { git2::transport::register("muster", factory) }.map_err(show)
    });
    done.clone().map_err(|problem| FetchError::Git { attempt: "setting up", what: "libgit2".into(), problem })
}

fn factory(remote: &git2::Remote<'_>) -> Result<Transport, git2::Error> {
    let dial = CURRENT.with_borrow(Clone::clone).ok_or_else(|| git2::Error::from_str("no fetch is in progress"))?;
    let stateless = matches!(dial.origin.address, Address::Https(_));
    Transport::smart(remote, stateless, Subtransport { dial, client: Mutex::new(None) })
}

struct Subtransport {
    dial: Arc<Dial>,
    /// HTTPS: one client for all requests of a fetch, so that they share a connection.
    client: Mutex<Option<Arc<https::Client>>>,
}

impl Subtransport {
    fn open(&self, service: Service) -> Result<Box<dyn SmartSubtransportStream>, FetchError> {
        if !matches!(service, Service::UploadPackLs | Service::UploadPack) {
            let problem = "pushing is not supported".to_owned();
            return Err(FetchError::Git { attempt: "fetching from", what: self.dial.host.clone(), problem });
        }
        if !matches!(self.dial.origin.address, Address::Https(_)) {
            return Ok(Box::new(ssh::Stream::open(&self.dial)?));
        }
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let client = match &*client {
            Some(client) => client.clone(),
            None => client.insert(Arc::new(https::Client::new(&self.dial)?)).clone(),
        };
        Ok(match service {
            Service::UploadPackLs => Box::new(https::Stream::advertisement(client)?),
            _ => Box::new(https::Stream::request(client)),
        })
    }
}

impl SmartSubtransport for Subtransport {
    fn action(&self, _url: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        self.open(service).map_err(|error| git2::Error::from_str(&self.dial.fail(error).to_string()))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

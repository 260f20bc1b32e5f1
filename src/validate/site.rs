//! What a site decides for itself: which firewall, which ports, which lists. Profiles set it; mechanisms read it.

use serde::Deserialize;

/// The site's own choices and lists.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// Which firewall front-end the machine has: controls of the others do not apply.
    pub firewall: Option<Firewall>,
    /// Where logs go: controls of the other do not apply.
    pub logging: Option<Logging>,
    /// Ports that may listen on more than loopback, as `22/tcp`.
    pub ports: Option<Vec<String>>,
    /// Addresses of package repositories that are approved, as patterns.
    pub repositories: Option<Vec<String>>,
    /// Names of files with keys that sign packages, as patterns.
    pub package_keys: Option<Vec<String>>,
    /// Programs that may be setuid or setgid, as patterns.
    pub setuid_files: Option<Vec<String>>,
    /// Time servers that are approved, as patterns.
    pub time_servers: Option<Vec<String>>,
}

impl Site {
    /// The same, with what `other` sets over it.
    #[must_use]
    pub fn under(self, other: &Self) -> Self {
        Self {
            firewall: other.firewall.or(self.firewall),
            logging: other.logging.or(self.logging),
            ports: other.ports.clone().or(self.ports),
            repositories: other.repositories.clone().or(self.repositories),
            package_keys: other.package_keys.clone().or(self.package_keys),
            setuid_files: other.setuid_files.clone().or(self.setuid_files),
            time_servers: other.time_servers.clone().or(self.time_servers),
        }
    }
}

/// A firewall front-end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Firewall {
    /// Ubuntu's.
    Ufw,
    /// RHEL's.
    Firewalld,
    /// Rules of nftables alone.
    Nftables,
    /// Rules of iptables and ip6tables alone.
    Iptables,
}

/// Who keeps the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Logging {
    /// systemd's journal.
    Journald,
    /// rsyslog, which the journal forwards to.
    Rsyslog,
}

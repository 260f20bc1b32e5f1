//! What sshd takes where its configuration says nothing: OpenSSH 8.7 to 9.9, which differ in none of these.

/// Options by their lower-case name, and what sshd_config(5) documents.
const DEFAULTS: &[(&str, &str)] = &[
    ("allowagentforwarding", "yes"),
    ("allowstreamlocalforwarding", "yes"),
    ("allowtcpforwarding", "yes"),
    ("authenticationmethods", "any"),
    ("authorizedkeysfile", ".ssh/authorized_keys .ssh/authorized_keys2"),
    ("banner", "none"),
    ("ciphers", CIPHERS),
    ("clientalivecountmax", "3"),
    ("clientaliveinterval", "0"),
    ("compression", "yes"),
    ("disableforwarding", "no"),
    ("exposeauthinfo", "no"),
    ("gatewayports", "no"),
    ("gssapiauthentication", "no"),
    ("hostbasedauthentication", "no"),
    ("ignorerhosts", "yes"),
    ("ignoreuserknownhosts", "no"),
    ("kbdinteractiveauthentication", "yes"),
    ("kerberosauthentication", "no"),
    ("kexalgorithms", KEY_EXCHANGES),
    ("logingracetime", "120"),
    ("loglevel", "INFO"),
    ("macs", MACS),
    ("maxauthtries", "6"),
    ("maxsessions", "10"),
    ("maxstartups", "10:30:100"),
    ("passwordauthentication", "yes"),
    ("permitemptypasswords", "no"),
    ("permitrootlogin", "prohibit-password"),
    ("permittunnel", "no"),
    ("permituserenvironment", "no"),
    ("permituserrc", "yes"),
    ("port", "22"),
    ("pubkeyauthentication", "yes"),
    ("strictmodes", "yes"),
    ("syslogfacility", "AUTH"),
    ("tcpkeepalive", "yes"),
    ("usedns", "no"),
    ("usepam", "no"),
    ("x11forwarding", "no"),
];

const CIPHERS: &str = "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,\
    aes256-gcm@openssh.com";

const MACS: &str = "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,\
    hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,hmac-sha2-256,\
    hmac-sha2-512,hmac-sha1";

const KEY_EXCHANGES: &str = "sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org,\
    ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,\
    diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256";

/// What sshd takes by itself; `None` for an option that is not set unless it is written.
pub fn default(option: &str) -> Option<&'static str> {
    DEFAULTS.iter().find(|row| row.0 == option).map(|row| row.1)
}

/// Other names that sshd knows an option by.
pub fn canonical(option: &str) -> String {
    match option.to_ascii_lowercase().as_str() {
        "challengeresponseauthentication" | "skeyauthentication" => "kbdinteractiveauthentication".into(),
        "dsaauthentication" => "pubkeyauthentication".into(),
        "keepalive" => "tcpkeepalive".into(),
        other => other.to_owned(),
    }
}

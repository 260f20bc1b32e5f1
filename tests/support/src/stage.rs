//! The sample's whole stage: an account, a signed repository, the server that serves it, and settings that name them.

use crate::{Error, GitServer, Key, Repository, Tree};
use emulator::{Builder, Group, Hook, Instance, Parameter, Running, Secret, Stack};
use std::collections::BTreeMap;

/// Everything that one sample boot meets. Its fields are there to be looked at, and to be changed midway.
#[derive(Debug)]
pub struct Stage {
    /// The emulated account.
    pub aws: Running,
    /// The server of the config repository.
    pub git: GitServer,
    /// The config repository.
    pub repository: Repository,
    /// Who signs its commits.
    pub signer: Key,
    /// What opens it.
    pub deploy_key: Key,
}

impl Stage {
    /// The instance that boots.
    pub const INSTANCE: &str = "i-0123456789abcdef0";
    /// The stack that waits for it, and the stack's resource.
    pub const STACK: (&str, &str) = ("sample", "WebGroup");
    /// The Auto Scaling group and its launch hook.
    pub const GROUP: (&str, &str) = ("sample-web", "boot");
    /// The realm of the trust root.
    pub const REALM: &str = "sample";
    /// The secret that holds the deploy key.
    pub const DEPLOY_KEY: &str = "platform/deploy-key";

    /// The sample as it should be.
    ///
    /// # Errors
    /// When the stage cannot be set.
    pub fn new() -> Result<Self, Error> {
        Self::with(Self::account(), &Self::tree()?, true)
    }

    /// The sample with another account or tree, its commit signed or not.
    ///
    /// # Errors
    /// When the stage cannot be set.
    pub fn with(account: Builder, tree: &Tree, signed: bool) -> Result<Self, Error> {
        let (signer, deploy_key) = (Key::generate("config@example.com")?, Key::generate("deploy")?);
        let repository = Repository::new()?;
        repository.commit(tree, "The web node", Some(&signer).filter(|_| signed))?;
        let git = GitServer::start(&repository, &deploy_key)?;
        let secret = Secret::string(Self::DEPLOY_KEY, &deploy_key.private_openssh()?);
        let aws = account.secret(secret).start_blocking()?;
        Ok(Self { aws, git, repository, signer, deploy_key })
    }

    /// The sample's roles: `tests/first_boot/tree`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn tree() -> Result<Tree, Error> {
        Tree::from_directory(&crate::source().join("tests/first_boot/tree"))
    }

    /// The files that the sample's roles make, by their path without the first slash, as ansible-core 2.19 made them
    /// with the same parameters. Beside them stand a link, `srv/web/web.conf`, and empty directories.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn expected() -> Result<Tree, Error> {
        Tree::from_directory(&crate::source().join("tests/first_boot/expected"))
    }

    /// The modes of what is not for everyone to read.
    pub const MODES: &[(&str, u32)] =
        &[("etc/web/secrets.env", 0o600), ("srv/web/releases", 0o750), ("var/lib/web", 0o750)];

    /// The sample's account, without the deploy key: one instance in a group and a stack, and what its roles look up.
    pub fn account() -> Builder {
        let (stack, resource) = Self::STACK;
        let waiting = Stack::creating(stack).awaits(resource, 1);
        let id = waiting.id(&emulator::Account::default());
        let (group, hook) = Self::GROUP;
        let instance = Instance::new(Self::INSTANCE).tag("role", "web").in_group(group).in_stack(stack, resource, &id);
        Builder::default()
            .instance(instance)
            .stack(waiting)
            .group(Group::new(group).hook(Hook::launching(hook).heartbeat(300)).launching(Self::INSTANCE))
            .parameters(Self::parameters())
    }

    /// The seventeen parameters that the sample's roles look up, fifty-three times.
    pub fn parameters() -> Vec<Parameter> {
        let open = [
            ("/platform/env/name", "stage"),
            ("/platform/env/owner", "platform@example.com"),
            ("/platform/dns/zone", "example.internal"),
            ("/platform/dns/resolver", "10.0.0.2"),
            ("/platform/log/endpoint", "logs.example.internal"),
            ("/platform/log/level", "notice"),
            ("/platform/metrics/endpoint", "https://metrics.example.internal/write"),
            ("/web/listen/address", "0.0.0.0"),
            ("/web/listen/port", "8443"),
            ("/web/upstream/url", "http://127.0.0.1:9000/"),
            ("/web/upstream/timeout", "30"),
            ("/web/tls/profile", "modern"),
            ("/web/release/channel", "stable"),
        ];
        let lists = [
            ("/platform/ntp/servers", "169.254.169.123,time.example.internal"),
            ("/web/feature/flags", "search,dark-mode,metrics"),
        ];
        let secret =
            [("/web/session/secret", "correct-horse-battery-staple"), ("/web/database/password", "p@ssw0rd+of=db")];
        let open = open.map(|(name, value)| Parameter::string(name, value));
        let lists = lists.map(|(name, value)| Parameter::list(name, value));
        let secret = secret.map(|(name, value)| Parameter::secure(name, value));
        open.into_iter().chain(lists).chain(secret).collect()
    }

    /// The files of a trust directory that believes this stage, by their path in it.
    ///
    /// # Errors
    /// When a key cannot be encoded.
    pub fn trust(&self) -> Result<BTreeMap<String, String>, Error> {
        let realm = Self::REALM;
        Ok(BTreeMap::from([
            (format!("{realm}/allowed_signers"), self.signer.allowed_signer("config@example.com")?),
            (format!("{realm}/known_hosts"), self.git.known_hosts()),
        ]))
    }

    /// muster.yaml for this stage.
    pub fn settings(&self) -> String {
        let (group, hook) = Self::GROUP;
        format!(
            "roles: [\"{{{{ tags.role }}}}\"]\n\
             repository:\n  url: {}\n  ref: main\n  deploy_key: {{secret: {}}}\n\
             trust: {{realm: {}}}\n\
             metadata: {{endpoint: \"{}\"}}\n\
             network: {{region: us-east-1, endpoint_url: \"{}\"}}\n\
             signal: {{autoscaling: {{group: {group}, hook: {hook}}}}}\n",
            self.git.url(),
            Self::DEPLOY_KEY,
            Self::REALM,
            self.aws.imds_url(),
            self.aws.endpoint_url(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roles_look_up_what_the_account_has() {
        let tree = Stage::tree().expect("the tree");
        let text: String = tree.0.values().map(|content| String::from_utf8_lossy(content)).collect();
        let names: Vec<&str> = text
            .match_indices("lookup('amazon.aws.aws_ssm', '")
            .filter_map(|(at, start)| text[at + start.len()..].split('\'').next())
            .collect();
        assert_eq!(names.len(), 53);
        let distinct: std::collections::BTreeSet<&str> = names.into_iter().collect();
        let aws = Stage::account().start_blocking().expect("started");
        let there = aws.parameter_names();
        assert_eq!(distinct.len(), 17);
        assert!(distinct.iter().all(|name| there.iter().any(|have| have == name)), "{there:?}");
    }

    #[test]
    fn what_ansible_made_is_there_to_compare_with() {
        let expected = Stage::expected().expect("files");
        assert_eq!(expected.0.len(), 13);
        assert_eq!(expected.content("etc/motd"), Some(&b"STAGE web node of platform@example.com\n"[..]));
    }

    #[test]
    fn the_settings_name_the_stage() {
        let stage = Stage::new().expect("a stage");
        let settings = stage.settings();
        assert!(settings.contains(&stage.git.url()) && settings.contains(&stage.aws.endpoint_url()));
        assert!(stage.trust().expect("files")["sample/known_hosts"].starts_with("[127.0.0.1]:"));
        assert_eq!(stage.aws.lifecycle(Stage::INSTANCE).expect("a member").state, "Pending:Wait");
    }
}

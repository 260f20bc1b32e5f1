//! Action groups of `module_defaults` (`group/aws`): a collection's modules that share arguments.

/// The groups that collections declare under a short name (`meta/runtime.yml`), and the collections of each.
const GROUPS: &[(&str, &[&str])] = &[
    ("acme", &["community.crypto.acme_"]),
    ("aws", &["amazon.aws.", "community.aws."]),
    ("azure", &["azure.azcollection."]),
    ("cpm", &["wti.remote."]),
    ("docker", &["community.docker."]),
    ("gcp", &["google.cloud."]),
    ("k8s", &["kubernetes.core.", "community.kubernetes.", "community.okd."]),
    ("os", &["openstack.cloud."]),
    ("ovirt", &["ovirt.ovirt."]),
    ("vmware", &["community.vmware."]),
];

/// The part of a group's name that is short: `amazon.aws.aws` is `aws`.
fn short(group: &str) -> &str {
    group.rsplit('.').next().unwrap_or(group)
}

/// Whether there is such a group.
pub(super) fn is_known(group: &str) -> bool {
    GROUPS.iter().any(|(name, _)| *name == short(group))
}

/// Whether a module, by its full name, is in a group.
pub(in crate::roles) fn has(group: &str, module: &str) -> bool {
    // Instance metadata takes none of the arguments that the group's modules share.
    let apart = module == "amazon.aws.ec2_metadata_facts";
    let prefixes = GROUPS.iter().find(|(name, _)| *name == short(group)).map_or(&[][..], |(_, prefixes)| prefixes);
    !apart && prefixes.iter().any(|prefix| module.starts_with(prefix))
}

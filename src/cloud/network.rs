//! How AWS and the web are reached: region, endpoints, proxies, trust and the role to assume, as plain values.

use super::{CloudError, Proxy, Service};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A role to assume with the credentials that the host has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssumeRole {
    /// Its ARN.
    pub arn: String,
    /// The external ID its trust policy asks for.
    pub external_id: Option<String>,
    /// The session's name, as CloudTrail shows it; `muster` where none is given.
    pub session_name: Option<String>,
}

/// Everything that decides how a request travels. What is `None` is left to AWS's own defaults.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The region asked; the instance's own where none is given.
    pub region: Option<String>,
    /// The proxy for `https://` addresses.
    pub https_proxy: Option<Proxy>,
    /// The proxy for `http://` addresses.
    pub http_proxy: Option<Proxy>,
    /// Where no proxy is used, as curl and the AWS SDKs write it.
    pub no_proxy: Option<String>,
    /// An endpoint for every service.
    pub endpoint_url: Option<String>,
    /// Endpoints for single services.
    pub endpoints: BTreeMap<Service, String>,
    /// Where instance metadata answers.
    pub metadata_endpoint: Option<String>,
    /// Certificates in PEM form, trusted beside the host's own.
    pub ca_bundle: Option<PathBuf>,
    /// A role to assume.
    pub assume_role: Option<AssumeRole>,
    /// FIPS endpoints.
    pub fips: bool,
    /// Endpoints with IPv6 addresses.
    pub dual_stack: bool,
}

/// Neither instance metadata nor this very host is asked through a proxy, whoever asks.
const NEVER_PROXIED: &str = "169.254.169.254,fd00:ec2::254,169.254.170.2,localhost,127.0.0.0/8,::1";

impl Network {
    /// The same, with what it leaves open as another has it.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        for (service, url) in other.endpoints {
            self.endpoints.entry(service).or_insert(url);
        }
        Self {
            region: self.region.or(other.region),
            https_proxy: self.https_proxy.or(other.https_proxy),
            http_proxy: self.http_proxy.or(other.http_proxy),
            no_proxy: self.no_proxy.or(other.no_proxy),
            endpoint_url: self.endpoint_url.or(other.endpoint_url),
            endpoints: self.endpoints,
            metadata_endpoint: self.metadata_endpoint.or(other.metadata_endpoint),
            ca_bundle: self.ca_bundle.or(other.ca_bundle),
            assume_role: self.assume_role.or(other.assume_role),
            fips: self.fips || other.fips,
            dual_stack: self.dual_stack || other.dual_stack,
        }
    }

    /// Fills what is not set from the variables that curl and the AWS SDKs know.
    pub fn or_environment(mut self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, CloudError> {
        let get = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let either = |name: &str| get(&name.to_ascii_lowercase()).or_else(|| get(name));
        let proxy = |name: &str| either(name).or_else(|| either("ALL_PROXY")).map(|url| Proxy::parse(&url)).transpose();
        if self.https_proxy.is_none() {
            self.https_proxy = proxy("HTTPS_PROXY")?;
        }
        if self.http_proxy.is_none() {
            self.http_proxy = proxy("HTTP_PROXY")?;
        }
        self.no_proxy = self.no_proxy.or_else(|| either("NO_PROXY"));
        self.region = self.region.or_else(|| get("AWS_REGION")).or_else(|| get("AWS_DEFAULT_REGION"));
        self.ca_bundle = self.ca_bundle.or_else(|| get("AWS_CA_BUNDLE").map(PathBuf::from));
        self.metadata_endpoint = self.metadata_endpoint.or_else(|| get("AWS_EC2_METADATA_SERVICE_ENDPOINT"));
        self.fips |= get("AWS_USE_FIPS_ENDPOINT").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        self.dual_stack |= get("AWS_USE_DUALSTACK_ENDPOINT").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if !get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            self.endpoint_url = self.endpoint_url.or_else(|| get("AWS_ENDPOINT_URL"));
            for service in Service::ALL {
                if let Some(url) = get(&format!("AWS_ENDPOINT_URL_{}", service.variable())) {
                    self.endpoints.entry(service).or_insert(url);
                }
            }
        }
        for url in self.endpoint_url.iter().chain(self.endpoints.values()).chain(&self.metadata_endpoint) {
            judge_endpoint(url)?;
        }
        Ok(self)
    }

    /// The endpoint that is set for a service.
    pub fn endpoint(&self, service: Service) -> Option<&str> {
        self.endpoints.get(&service).or(self.endpoint_url.as_ref()).map(String::as_str)
    }

    /// The proxy that an address is reached through, before `no_proxy` is asked.
    pub fn proxy_for(&self, url: &str) -> Option<&Proxy> {
        if url.starts_with("https:") { self.https_proxy.as_ref() } else { self.http_proxy.as_ref() }
    }

    /// `no_proxy` with the addresses that never go through one.
    pub(super) fn unproxied(&self) -> String {
        match &self.no_proxy {
            Some(rules) => format!("{NEVER_PROXIED},{rules}"),
            None => NEVER_PROXIED.to_owned(),
        }
    }
}

fn judge_endpoint(url: &str) -> Result<(), CloudError> {
    let parsed = reqwest::Url::parse(url)
        .map_err(|error| CloudError::Endpoint { url: url.to_owned(), why: error.to_string() })?;
    if matches!(parsed.scheme(), "http" | "https") && parsed.host_str().is_some() {
        Ok(())
    } else {
        Err(CloudError::Endpoint { url: url.to_owned(), why: "it is not an http or https address".into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Result<Network, CloudError> {
        let pairs: Vec<(String, String)> = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Network::default().or_environment(&|name| pairs.iter().find(|(key, _)| key == name).map(|(_, v)| v.clone()))
    }

    #[test]
    fn the_usual_variables_are_honoured() {
        let network = from(&[
            ("HTTPS_PROXY", "http://proxy:3128"),
            ("no_proxy", ".internal"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:2"),
            ("AWS_REGION", "eu-west-1"),
        ])
        .expect("network");
        assert_eq!(network.endpoint(Service::Ssm), Some("http://127.0.0.1:2"));
        assert_eq!(network.endpoint(Service::S3), Some("http://127.0.0.1:1"));
        assert_eq!(network.region.as_deref(), Some("eu-west-1"));
        assert_eq!(network.proxy_for("https://a").map(ToString::to_string).as_deref(), Some("http://proxy:3128"));
        assert!(network.proxy_for("http://a").is_none());
        assert!(network.unproxied().starts_with("169.254.169.254,") && network.unproxied().ends_with(".internal"));
    }

    #[test]
    fn a_command_line_wins_over_settings_and_leaves_the_rest_to_them() {
        let proxy = |text| Proxy::parse(text).expect("proxy");
        let line = Network { https_proxy: Some(proxy("http://line:1")), ..Network::default() };
        let line = Network { endpoints: BTreeMap::from([(Service::CloudFormation, "http://line".into())]), ..line };
        let settings = Network {
            https_proxy: Some(proxy("http://settings:1")),
            ca_bundle: Some("/etc/ca.pem".into()),
            endpoints: BTreeMap::from([
                (Service::CloudFormation, "http://settings".into()),
                (Service::Ssm, "http://ssm".into()),
            ]),
            ..Network::default()
        };
        let network = line.or(settings);
        assert_eq!(network.proxy_for("https://a").map(ToString::to_string).as_deref(), Some("http://line:1"));
        assert_eq!(network.endpoint(Service::CloudFormation), Some("http://line"));
        assert_eq!(network.endpoint(Service::Ssm), Some("http://ssm"));
        assert_eq!(network.ca_bundle, Some("/etc/ca.pem".into()));
    }

    #[test]
    fn what_is_set_wins_over_the_environment() {
        let set = Network { region: Some("us-east-2".into()), ..Network::default() };
        let network = set.or_environment(&|name| (name == "AWS_REGION").then(|| "eu-west-1".into())).expect("network");
        assert_eq!(network.region.as_deref(), Some("us-east-2"));
    }

    #[test]
    fn an_endpoint_that_is_no_address_is_refused() {
        let error = from(&[("AWS_ENDPOINT_URL_S3", "s3.internal")]).expect_err("refused");
        assert!(error.to_string().contains("s3.internal"), "{error}");
    }
}

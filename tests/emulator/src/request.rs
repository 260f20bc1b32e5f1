//! A request as it came over the wire, whole.

use crate::encoding::pairs;

/// Method, path and query as sent, headers with lower-case names, and the body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A header's first value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// One parameter of the query string.
    pub(crate) fn query_parameter(&self, name: &str) -> Option<String> {
        pairs(&self.query, false).into_iter().find(|(have, _)| have == name).map(|(_, value)| value)
    }

    /// Parameters of the query protocol: the form body, or the query string of a GET.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        match self.method.as_str() {
            "POST" => pairs(&String::from_utf8_lossy(&self.body), true),
            _ => pairs(&self.query, true),
        }
    }
}

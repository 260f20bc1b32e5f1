//! GetParametersByPath: pages of a subtree.

use super::{Caller, Kind, Parameter, Store};
use crate::encoding::{base64, from_base64};
use crate::error::ApiError;
use crate::members::Members;
use serde_json::{Value, json};

/// Where the next page starts, and whether an empty page came before it.
struct Cursor {
    at: usize,
    rested: bool,
}

impl Cursor {
    fn parse(token: Option<&str>) -> Result<Self, ApiError> {
        let Some(token) = token else { return Ok(Self { at: 0, rested: false }) };
        let parse = || {
            let text = String::from_utf8(from_base64(token)?).ok()?;
            let (at, rested) = text.strip_prefix("page ")?.split_once(' ')?;
            Some(Self { at: at.parse().ok()?, rested: rested == "rested" })
        };
        parse().ok_or_else(|| ApiError::own("InvalidNextToken", "The specified token is not valid."))
    }

    fn token(&self) -> String {
        base64(format!("page {} {}", self.at, if self.rested { "rested" } else { "on" }))
    }
}

impl Store {
    pub(super) fn by_path(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let known = ["Path", "Recursive", "ParameterFilters", "WithDecryption", "MaxResults", "NextToken"];
        let members = Members::of(input, &known)?;
        let path = members.text("Path", 1, 2048)?.ok_or_else(|| ApiError::required("path"))?;
        let most = members.number("MaxResults", 1, 10)?.unwrap_or(10);
        let recursive = members.flag("Recursive")?.unwrap_or(false);
        let decrypt = members.flag("WithDecryption")?.unwrap_or(false);
        let filters = Filters::parse(&input["ParameterFilters"])?;
        if !path.starts_with('/') {
            return Err(ApiError::validation(
                "The parameter path must begin with a forward slash (/). It can consist of sub-paths divided by \
                 slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_",
            ));
        }
        let resource = format!("parameter/{}", path.trim_matches('/'));
        let arn = caller.account.arn("ssm", resource.trim_end_matches('/'));
        caller.policy.permit(caller.principal, "ssm:GetParametersByPath", &arn)?;
        let cursor = Cursor::parse(members.text("NextToken", 1, 2048)?.as_deref())?;
        let all = self.below(&path, recursive, &filters);
        if self.empty_pages && !cursor.rested {
            let next = Cursor { at: cursor.at, rested: true };
            return Ok(json!({ "NextToken": next.token(), "Parameters": [] }));
        }
        let page = all.get(cursor.at..).unwrap_or_default();
        let page = &page[..page.len().min(most)];
        if decrypt && page.iter().any(|parameter| parameter.kind == Kind::SecureString) {
            let key = caller.account.arn("kms", "alias/aws/ssm");
            caller.policy.permit(caller.principal, "kms:Decrypt", &key)?;
        }
        let shown = page.iter().filter_map(|parameter| {
            let chosen = parameter.select(filters.label_of(parameter))?;
            Some(parameter.shown(chosen, None, decrypt, caller.account, self.changed))
        });
        let mut answer = json!({ "Parameters": shown.collect::<Vec<_>>() });
        let next = Cursor { at: cursor.at + page.len(), rested: false };
        if next.at < all.len() {
            answer["NextToken"] = json!(next.token());
        }
        Ok(answer)
    }

    /// The parameters below a path, by name: its children, or all levels.
    fn below(&self, path: &str, recursive: bool, filters: &Filters) -> Vec<&Parameter> {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let inside = |parameter: &&Parameter| {
            let rest = parameter.name.strip_prefix(&prefix);
            parameter.owner.is_none()
                && rest.is_some_and(|rest| recursive || !rest.contains('/'))
                && filters.admit(parameter)
        };
        let mut all: Vec<&Parameter> = self.parameters.iter().filter(inside).collect();
        all.sort_by(|left, right| left.name.cmp(&right.name));
        all
    }
}

/// The filters that are known here: `Type` and `Label` (not `KeyId`: there is one key).
#[derive(Default)]
struct Filters {
    kinds: Option<Vec<String>>,
    labels: Option<Vec<String>>,
}

impl Filters {
    fn parse(written: &Value) -> Result<Self, ApiError> {
        let mut filters = Self::default();
        for filter in written.as_array().into_iter().flatten() {
            let members = Members::of(filter, &["Key", "Option", "Values"])?;
            let key = members.text("Key", 1, 132)?.ok_or_else(|| ApiError::required("parameterFilters.key"))?;
            let values = members.texts("Values", 1, 50)?.unwrap_or_default();
            if let Some(option) = members.text("Option", 1, 10)?.filter(|option| option != "Equals") {
                let message = format!("The following filter option is not valid: {option}. Valid options: [Equals]");
                return Err(ApiError::own("InvalidFilterOption", message));
            }
            match key.as_str() {
                "Type" => filters.kinds = Some(values),
                "Label" => filters.labels = Some(values),
                _ => {
                    let message = format!(
                        "The following filter key is not valid: {key}. Valid filter keys include: [Type, Label]"
                    );
                    return Err(ApiError::own("InvalidFilterKey", message));
                }
            }
        }
        Ok(filters)
    }

    fn admit(&self, parameter: &Parameter) -> bool {
        let of_kind = self.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind == parameter.kind.name()));
        of_kind && (self.labels.is_none() || self.label_of(parameter).is_some())
    }

    /// The asked label that sits on one of the parameter's versions.
    fn label_of<'a>(&'a self, parameter: &Parameter) -> Option<&'a str> {
        let labels = self.labels.iter().flatten().map(String::as_str);
        labels.into_iter().find(|label| parameter.select(Some(label)).is_some())
    }
}

//! `PutParameter`, and the check of values that name an image, which happens after the answer.
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html>

use super::parameter::Version;
use super::{Caller, Kind, Parameter, Store};
use crate::error::ApiError;
use crate::members::Members;
use crate::ssm::name::Name;
use serde_json::{Value, json};

const IMAGE: &str = "aws:ec2:image";
/// Levels of a name.
const LEVELS: usize = 15;

impl Store {
    pub(super) fn put_parameter(&mut self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let known = ["Name", "Description", "Value", "Type", "Overwrite", "DataType", "Tier"];
        let members = Members::of(input, &known)?;
        let text = members.text("Name", 1, 2048)?.ok_or_else(|| ApiError::required("name"))?;
        let name = Name::parse(&text, caller.account)?;
        caller.policy.permit(caller.principal, "ssm:PutParameter", &name.arn)?;
        let lower = text.trim_start_matches('/').to_ascii_lowercase();
        if lower.starts_with("aws") || lower.starts_with("ssm") {
            let message = "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).";
            return Err(ApiError::validation(message));
        }
        if name.selector.is_some() || text.trim_start_matches('/').split('/').count() > LEVELS {
            let message = "A parameter name has at most fifteen levels and no version or label.";
            return Err(ApiError::own("HierarchyLevelLimitExceededException", message));
        }
        members.text("Description", 0, 1024)?;
        let value = members.text("Value", 1, 4096)?.ok_or_else(|| ApiError::required("value"))?;
        let data_type = members.text("DataType", 0, 128)?.unwrap_or_else(|| "text".to_owned());
        let kind = members.text("Type", 1, 64)?;
        let found = self.parameters.iter().position(|have| have.name == name.path && have.owner.is_none());
        let kind = match (kind.as_deref(), found) {
            (Some("String"), _) => Kind::String,
            (Some("StringList"), _) => Kind::StringList,
            (Some("SecureString"), _) => Kind::SecureString,
            (None, Some(at)) => self.parameters[at].kind,
            (None, None) => {
                return Err(ApiError::validation("A parameter type is required when you create a parameter."));
            }
            (Some(_), _) => {
                return Err(ApiError::own("UnsupportedParameterType", "The parameter type is not supported."));
            }
        };
        if !["text", IMAGE, "aws:ssm:integration"].contains(&data_type.as_str()) {
            return Err(ApiError::validation(format!("The following data type is not supported: {data_type}")));
        }
        let image = data_type == IMAGE;
        if image && (kind != Kind::String || !value.starts_with("ami-")) {
            return Err(ApiError::validation(
                "Parameters of type aws:ec2:image are of type String and hold an AMI's id.",
            ));
        }
        if found.is_some() && members.flag("Overwrite")? != Some(true) {
            let message = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
            return Err(ApiError::own("ParameterAlreadyExists", message));
        }
        let version = found.map_or(1, |at| self.parameters[at].versions.len() + 1);
        // What is no image of this region is answered alike, and never appears.
        if image && !caller.images.has(&value, &caller.account.region) {
            return Ok(json!({ "Version": version, "Tier": "Standard" }));
        }
        match found {
            Some(at) => self.parameters[at].versions.push(Version { value, labels: Vec::new() }),
            None => self.parameters.push(Parameter { data_type, ..Parameter::new(&name.path, kind, &value) }),
        }
        Ok(json!({ "Version": version, "Tier": "Standard" }))
    }
}

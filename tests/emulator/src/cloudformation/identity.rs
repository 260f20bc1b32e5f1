//! The `CFN_V1` scheme: an instance's signed identity document in place of a signature (cfn-signal's way).

use crate::account::Account;
use crate::encoding::from_base64;
use crate::error::{ApiError, Common};
use crate::imds::{self, Instance, Machine};
use serde_json::Value;

/// The scheme's name in an `Authorization` header.
pub(crate) const SCHEME: &str = "CFN_V1 ";

/// The instance whose document, signed by the region, the header shows.
pub(crate) fn instance_of<'m>(
    header: &str,
    machines: &'m [Machine],
    account: &Account,
) -> Result<&'m Instance, ApiError> {
    let refused = |message: &str| ApiError::common(Common::BadSignature, message);
    let credential = header.strip_prefix(SCHEME).unwrap_or_default();
    let (document, signature) = credential.split_once(':').ok_or_else(|| refused("CFN_V1 needs document:signature"))?;
    let (Some(document), Some(signature)) = (from_base64(document), from_base64(signature)) else {
        return Err(refused("CFN_V1 document and signature must be base64 on one line"));
    };
    if !imds::verify(&document, &signature) {
        return Err(refused("The instance identity signature does not fit the document"));
    }
    let document: Value = serde_json::from_slice(&document).map_err(|_| refused("The document is not JSON"))?;
    if document["accountId"] != account.id.as_str() || document["region"] != account.region.as_str() {
        return Err(refused("The document is another account's or region's"));
    }
    let found =
        machines.iter().map(|machine| &machine.instance).find(|have| document["instanceId"] == have.id.as_str());
    found.ok_or_else(|| refused("The document's instance is not running"))
}

//! What a service answered, and the wrapping that its protocol puts around it.

use crate::reply::Reply;
use crate::service::Service;
use crate::xml::Xml;
use serde_json::{Value, json};

/// What a service answered, before its protocol's envelope.
pub(crate) enum Answer {
    Json(Value),
    Query(Xml),
    Ec2(Xml),
    Whole(Reply),
}

/// Actions whose output is modelled, though it has no members.
const RESULTS_WITHOUT_MEMBERS: [&str; 2] = ["CompleteLifecycleAction", "RecordLifecycleActionHeartbeat"];

/// Wraps an answer as its protocol does.
pub(crate) fn enveloped(service: Service, action: &str, answer: Answer, request_id: &str, as_json: bool) -> Reply {
    match answer {
        Answer::Whole(reply) => reply,
        Answer::Json(value) => Reply::new(200, "application/x-amz-json-1.1", value.to_string()),
        Answer::Ec2(inner) => {
            let mut xml = Xml::declared();
            xml.nested(&format!("{action}Response xmlns=\"{}\"", service.namespace()), |xml| {
                xml.leaf("requestId", request_id);
                xml.append(&inner);
            });
            Reply::new(200, "text/xml;charset=UTF-8", xml.finish())
        }
        Answer::Query(xml) if as_json && xml.is_empty() => {
            let metadata = json!({ "ResponseMetadata": { "RequestId": request_id } });
            let body = json!({ format!("{action}Response"): metadata });
            Reply::new(200, "application/json", body.to_string())
        }
        Answer::Query(inner) => {
            let mut xml = Xml::default();
            xml.nested(&format!("{action}Response xmlns=\"{}\"", service.namespace()), |xml| {
                // An action without output members has no result element at all in CloudFormation's model.
                if !inner.is_empty() || RESULTS_WITHOUT_MEMBERS.contains(&action) {
                    xml.nested(&format!("{action}Result"), |xml| xml.append(&inner));
                }
                xml.nested("ResponseMetadata", |xml| xml.leaf("RequestId", request_id));
            });
            Reply::new(200, "text/xml", xml.finish())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_answer_is_xml_unless_json_is_asked_for() {
        let reply = |action: &str, as_json| {
            let answer = Answer::Query(Xml::default());
            String::from_utf8(enveloped(Service::CloudFormation, action, answer, "id", as_json).body).expect("text")
        };
        let xml = reply("SignalResource", false);
        assert!(xml.starts_with("<SignalResourceResponse xmlns=") && !xml.contains("Result>"), "{xml}");
        assert!(reply("CompleteLifecycleAction", false).contains("<CompleteLifecycleActionResult>"));
        let json = r#"{"SignalResourceResponse":{"ResponseMetadata":{"RequestId":"id"}}}"#;
        assert_eq!(reply("SignalResource", true), json);
    }
}

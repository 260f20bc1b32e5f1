//! Whether an answer is AWS's own: where something in between answers 200 with a page, nobody has heard anything.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Takes for accepted only what names the operation, as every answer of AWS's query protocol does. Of an operation that
/// gives nothing back the SDK reads no answer at all: any text would do.
#[derive(Debug)]
pub(super) struct Answering(pub(super) &'static str);

impl Intercept for Answering {
    fn name(&self) -> &'static str {
        "Answering"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let body = response.body().bytes().unwrap_or_default();
        if response.status().is_success() && !names(&String::from_utf8_lossy(body), self.0) {
            return Err(strange(self.0).into());
        }
        Ok(())
    }
}

/// Whether a text is the answer of an operation: its element in XML, its member in JSON.
pub(super) fn names(text: &str, operation: &str) -> bool {
    text.contains(&format!("{operation}Response"))
}

/// What is wrong with another.
pub(super) fn strange(operation: &str) -> String {
    format!("what came is no {operation}Response")
}

/// Whether a body is a page for people. What S3 answers to a PUT is empty.
pub(super) fn is_page(content_type: &str, text: &str) -> bool {
    let text = text.trim_start().to_ascii_lowercase();
    !text.is_empty()
        && (content_type.starts_with("text/html") || text.starts_with("<!doctype") || text.starts_with("<html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_its_operation_in_both_forms() {
        let xml = r#"<SignalResourceResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">"#;
        assert!(names(xml, "SignalResource") && !names(xml, "SetInstanceHealth"));
        assert!(names(r#"{"SignalResourceResponse":{}}"#, "SignalResource"));
        assert!(!names("<html>please log in</html>", "SignalResource") && !names("", "SignalResource"));
    }

    #[test]
    fn a_page_is_told_from_what_a_store_says() {
        assert!(is_page("text/html; charset=utf-8", "hello") && is_page("", " <!DOCTYPE html><p>"));
        assert!(!is_page("text/html", "") && !is_page("application/xml", "<?xml version=\"1.0\"?><Ok/>"));
    }
}

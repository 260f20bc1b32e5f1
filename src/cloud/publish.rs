//! A parameter that names an image: written as the data type that Systems Manager checks, and seen to be there.

use super::parameters::by_names;
use super::retry::until;
use super::{Call, CloudError, Instant, Service, Session};
use aws_sdk_ssm::types::ParameterType;
use std::time::Duration;

/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html>
const DATA_TYPE: &str = "aws:ec2:image";
/// The check happens after the answer: a value that it does not pass never appears.
const CHECKED: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(500);

/// Makes the parameter name this image in the session's region, and waits until Systems Manager shows it.
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
pub async fn publish_image(
    session: &Session,
    name: &str,
    image: &str,
    description: &str,
    deadline: Instant,
) -> Result<(), CloudError> {
    let call = Call::new(Service::Ssm, "PutParameter", name);
    let request = session.ssm().put_parameter().name(name).value(image).description(description);
    let request = request.r#type(ParameterType::String).data_type(DATA_TYPE).overwrite(true);
    if let Err(answer) = until(&call, deadline, || request.clone().send()).await {
        return Err(session.failed(call, answer).await);
    }
    let until_then = deadline.min(Instant::now() + CHECKED);
    loop {
        let shown = by_names(session, &[name.to_owned()], deadline).await?.pop().flatten();
        if shown.is_some_and(|parameter| parameter.value.expose() == image) {
            return Ok(());
        }
        if Instant::now() + LOOK >= until_then {
            let why = format!(
                "the write was accepted, and {name} does not become {image}: Systems Manager checks a value of type \
                 {DATA_TYPE} afterwards, and did not find this image in {}",
                session.region()
            );
            return Err(CloudError::Contract { call, why });
        }
        tokio::time::sleep(LOOK).await;
    }
}

//! The one endpoint of all services: route, faults, signature, the service itself, the log.

use crate::clock;
use crate::credentials::Principal;
use crate::envelope::{Answer, enveloped};
use crate::error::{ApiError, Common};
use crate::fault::Effect;
use crate::form::Form;
use crate::imds;
use crate::log::Logged;
use crate::reply::{Delivery, Reply};
use crate::request::Request;
use crate::service::{Service, route};
use crate::signature::{self, Expected, Scope};
use crate::world::World;
use crate::{autoscaling, cloudformation, ec2, kms, registry, s3, secrets, ssm, sts};
use serde_json::Value;
use std::time::Duration;

/// Answers a request to the API endpoint.
pub(crate) fn answer(world: &mut World, request: &Request) -> Reply {
    if let Some((action, reply)) = world.registry.serve(request) {
        log(world, "registry", &action, None, &reply, None);
        return reply;
    }
    let Some((service, action)) = route(request) else {
        let reply = Reply::new(404, "text/plain", "the emulator has no such service");
        log(world, "unknown", &request.path, None, &reply, None);
        return reply;
    };
    let request_id = world.request_id();
    let as_json = request.header("accept") == Some("application/json");
    let effect = world.faults.strike(service.name(), &action);
    let (result, principal) = match effect.and_then(refusal) {
        Some(refused) => (Err(refused), None),
        None if withheld(effect) => (Err(ApiError::common(Common::Unavailable, "")), None),
        None => world.within(&region(request), |world| serve(world, service, &action, request)),
    };
    let error = result.as_ref().err().map(|error| error.spelled(service.protocol()).1.to_owned());
    let reply = match result {
        Ok(answer) => enveloped(service, &action, answer, &request_id, as_json),
        Err(error) => error.reply(service.protocol(), &request_id, as_json),
    };
    // AWS's own clock, which a refusal of a date is judged by; what stands in between has another.
    let date = clock::http_date(world.signing_time());
    let reply = if effect == Some(Effect::Portal) { reply } else { reply.with("date", date) };
    let reply = affected(reply, effect).with("x-amzn-requestid", request_id);
    log(world, service.name(), &action, principal, &reply, error);
    reply
}

/// The region that a request is signed for.
fn region(request: &Request) -> String {
    let credential = request.header("authorization").and_then(|header| header.split_once("Credential="));
    let scope = credential.and_then(|(_, rest)| Scope::parse(rest.split(',').next()?));
    scope.map(|(_, scope)| scope.region.to_owned()).unwrap_or_default()
}

/// Answers a request to an instance's metadata service.
pub(crate) fn metadata(world: &mut World, index: usize, request: &Request) -> Reply {
    let action = imds::action(request);
    let effect = world.faults.strike("imds", &action);
    let status = match effect {
        Some(Effect::Throttle) => Some(503),
        Some(Effect::Status(status)) => Some(status),
        _ => None,
    };
    let reply = match (status, withheld(effect)) {
        (Some(status), _) => imds::refusal(status),
        (None, true) => Reply::default(),
        (None, false) => {
            let now = world.clock.now();
            let machine = &mut world.machines[index];
            let lifecycle = world.groups.lifecycle(&machine.instance.id, now);
            let target_state = lifecycle.map(|lifecycle| lifecycle.target);
            let around = imds::Around { account: &world.account, keys: &mut world.keys, now, target_state };
            machine.answer(request, around)
        }
    };
    let reply = affected(reply, effect);
    log(world, "imds", &action, None, &reply, None);
    reply
}

/// The refusal that a fault stands for, if it is one.
fn refusal(effect: Effect) -> Option<ApiError> {
    match effect {
        Effect::Throttle => Some(ApiError::common(Common::Throttled, "Rate exceeded")),
        Effect::Status(500) => Some(ApiError::common(Common::Internal, "We encountered an internal error.")),
        Effect::Status(_) => Some(ApiError::common(Common::Unavailable, "Service is unable to handle request.")),
        Effect::Delay(_) | Effect::Portal | Effect::CutOff | Effect::Reset | Effect::Silence => None,
    }
}

/// Whether a fault keeps the request from reaching the service at all.
fn withheld(effect: Option<Effect>) -> bool {
    matches!(effect, Some(Effect::Portal | Effect::Reset | Effect::Silence))
}

fn affected(reply: Reply, effect: Option<Effect>) -> Reply {
    if effect == Some(Effect::Portal) {
        return Reply::new(200, "text/html", "<html>Please log in</html>");
    }
    let (delivery, delay) = match effect {
        Some(Effect::CutOff) => (Delivery::CutOff, Duration::ZERO),
        Some(Effect::Reset) => (Delivery::Reset, Duration::ZERO),
        Some(Effect::Silence) => (Delivery::Silence, Duration::ZERO),
        Some(Effect::Delay(delay)) => (reply.delivery, delay),
        _ => (reply.delivery, reply.delay),
    };
    Reply { delivery, delay, ..reply }
}

/// Judges who asks, then asks the service. Two ways come without a signature of the caller's own.
fn serve(
    world: &mut World,
    service: Service,
    action: &str,
    request: &Request,
) -> (Result<Answer, ApiError>, Option<Principal>) {
    let authorization = request.header("authorization");
    if service == Service::CloudFormation && authorization.is_some_and(|text| text.starts_with(cloudformation::SCHEME))
    {
        return (identified(world, action, request), None);
    }
    if service == Service::S3 && request.query_parameter("AWSAccessKeyId").is_some() {
        return (presigned(world, request), None);
    }
    let expected = Expected {
        service: service.name(),
        region: &world.account.region,
        protocol: service.protocol(),
        now: world.signing_time(),
        session_now: world.clock.now(),
    };
    let principal = match signature::verify(request, &world.keys, &expected) {
        Ok(principal) => principal,
        Err(refused) => return (Err(refused), None),
    };
    (dispatch(world, service, action, request, &principal), Some(principal))
}

/// A call to CloudFormation by an instance that shows its identity document.
fn identified(world: &mut World, action: &str, request: &Request) -> Result<Answer, ApiError> {
    let header = request.header("authorization").unwrap_or_default();
    let instance = cloudformation::instance_of(header, &world.machines, &world.account)?;
    let (who, now) = (cloudformation::Who::Instance(instance), world.clock.now());
    let caller = cloudformation::Caller { who, account: &world.account, policy: &world.policy, now };
    world.stacks.answer(&caller, action, &form(request)?).map(Answer::Query)
}

/// An object put at a wait-condition handle.
fn presigned(world: &mut World, request: &Request) -> Result<Answer, ApiError> {
    let now = world.clock.now();
    cloudformation::Handles { account: &world.account, now }.verify(request)?;
    let (_, key) = s3::address(request);
    world.stacks.put_handle(&world.account, &key, &request.body, now);
    Ok(Answer::Whole(Reply::new(200, "", "").with("etag", "\"d41d8cd98f00b204e9800998ecf8427e\"")))
}

fn dispatch(
    world: &mut World,
    service: Service,
    action: &str,
    request: &Request,
    principal: &Principal,
) -> Result<Answer, ApiError> {
    let now = world.clock.now();
    let (account, policy) = (&world.account, &world.policy);
    match service {
        Service::Ssm => {
            let caller =
                ssm::Caller { principal, account, policy, secrets: &world.secrets, images: &world.images, now };
            world.parameters.answer(&caller, action, &input(request)?).map(Answer::Json)
        }
        Service::SecretsManager => {
            let caller = secrets::Caller { principal, account, policy };
            world.secrets.answer(&caller, action, &input(request)?).map(Answer::Json)
        }
        Service::Sts => {
            let around = sts::Around { principal, account, policy, keys: &mut world.keys, roles: &world.roles, now };
            sts::answer(around, action, &form(request)?).map(Answer::Query)
        }
        Service::CloudFormation => {
            let who = cloudformation::Who::Principal(principal);
            let caller = cloudformation::Caller { who, account, policy, now };
            world.stacks.answer(&caller, action, &form(request)?).map(Answer::Query)
        }
        Service::AutoScaling => {
            let caller = autoscaling::Caller { principal, account, policy, now };
            world.groups.answer(&caller, action, &form(request)?).map(Answer::Query)
        }
        Service::Ecr => {
            let caller = registry::Caller { principal, account, policy };
            let host = request.header("host").unwrap_or_default();
            world.registry.answer(&caller, action, &input(request)?, host).map(Answer::Json)
        }
        Service::Kms => {
            let caller = kms::Caller { principal, account, policy };
            world.signing.answer(&caller, action, &input(request)?).map(Answer::Json)
        }
        Service::Ec2 => {
            let caller = ec2::Caller { principal, account, policy, machines: &world.machines };
            world.images.answer(&caller, action, &form(request)?).map(Answer::Ec2)
        }
        Service::S3 => {
            let caller = s3::Caller { principal, account, policy };
            world.objects.answer(&caller, action, request).map(Answer::Whole)
        }
    }
}

/// The input of a JSON service.
fn input(request: &Request) -> Result<Value, ApiError> {
    let content_type = request.header("content-type").unwrap_or_default();
    if request.method != "POST" || content_type != "application/x-amz-json-1.1" {
        return Err(ApiError::with_status(404, "UnknownOperationException", ""));
    }
    serde_json::from_slice(&request.body).map_err(|_| ApiError::own("SerializationException", ""))
}

/// The input of a query service.
fn form(request: &Request) -> Result<Form, ApiError> {
    let content_type = request.header("content-type").unwrap_or_default();
    if request.method == "POST" && !content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(ApiError::own("MissingAction", "Missing Action"));
    }
    Ok(Form::new(request.form()))
}

fn log(
    world: &mut World,
    service: &str,
    action: &str,
    principal: Option<Principal>,
    reply: &Reply,
    error: Option<String>,
) {
    let answered = matches!(reply.delivery, Delivery::Whole | Delivery::CutOff);
    world.log.push(Logged {
        at: world.clock.now(),
        service: service.to_owned(),
        action: action.to_owned(),
        principal: principal.map(|principal| principal.arn),
        status: answered.then_some(reply.status),
        error: if answered { error } else { None },
    });
}

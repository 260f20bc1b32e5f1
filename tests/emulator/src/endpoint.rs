//! The one endpoint of all services: route, faults, signature, the service itself, the log.

use crate::credentials::Principal;
use crate::error::{ApiError, Common};
use crate::fault::Effect;
use crate::form::Form;
use crate::imds;
use crate::log::Logged;
use crate::reply::{Delivery, Reply};
use crate::request::Request;
use crate::service::{Service, route};
use crate::signature::{self, Expected};
use crate::world::World;
use crate::xml::Xml;
use crate::{secrets, ssm, sts};
use serde_json::Value;
use std::time::Duration;

/// What a service answered, before its protocol's envelope.
pub(crate) enum Answer {
    Json(Value),
    Query(Xml),
}

/// Answers a request to the API endpoint.
pub(crate) fn answer(world: &mut World, request: &Request) -> Reply {
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
        None => serve(world, service, &action, request),
    };
    let error = result.as_ref().err().map(|error| error.spelled(service.protocol()).1.to_owned());
    let reply = match result {
        Ok(answer) => enveloped(service, &action, answer, &request_id, as_json),
        Err(error) => error.reply(service.protocol(), &request_id, as_json),
    };
    let reply = affected(reply, effect).with("x-amzn-requestid", request_id);
    log(world, service.name(), &action, principal, &reply, error);
    reply
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
            let around = imds::Around {
                account: &world.account,
                keys: &mut world.keys,
                now: world.clock.now(),
                target_state: None,
            };
            world.machines[index].answer(request, around)
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
        Effect::Delay(_) | Effect::CutOff | Effect::Reset | Effect::Silence => None,
    }
}

/// Whether a fault keeps the request from reaching the service at all.
fn withheld(effect: Option<Effect>) -> bool {
    matches!(effect, Some(Effect::Reset | Effect::Silence))
}

fn affected(reply: Reply, effect: Option<Effect>) -> Reply {
    let (delivery, delay) = match effect {
        Some(Effect::CutOff) => (Delivery::CutOff, Duration::ZERO),
        Some(Effect::Reset) => (Delivery::Reset, Duration::ZERO),
        Some(Effect::Silence) => (Delivery::Silence, Duration::ZERO),
        Some(Effect::Delay(delay)) => (reply.delivery, delay),
        _ => (reply.delivery, reply.delay),
    };
    Reply { delivery, delay, ..reply }
}

/// Judges the signature, then asks the service.
fn serve(
    world: &mut World,
    service: Service,
    action: &str,
    request: &Request,
) -> (Result<Answer, ApiError>, Option<Principal>) {
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
            let caller = ssm::Caller { principal, account, policy, secrets: &world.secrets, now };
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

/// Wraps an answer as its protocol does.
fn enveloped(service: Service, action: &str, answer: Answer, request_id: &str, as_json: bool) -> Reply {
    match answer {
        Answer::Json(value) => Reply::new(200, "application/x-amz-json-1.1", value.to_string()),
        Answer::Query(xml) if as_json && xml.is_empty() => {
            let metadata = serde_json::json!({ "ResponseMetadata": { "RequestId": request_id } });
            let body = serde_json::json!({ format!("{action}Response"): metadata });
            Reply::new(200, "application/json", body.to_string())
        }
        Answer::Query(inner) => {
            let mut xml = Xml::default();
            xml.nested(&format!("{action}Response xmlns=\"{}\"", service.namespace()), |xml| {
                if !inner.is_empty() {
                    xml.nested(&format!("{action}Result"), |xml| xml.append(&inner));
                }
                xml.nested("ResponseMetadata", |xml| xml.leaf("RequestId", request_id));
            });
            Reply::new(200, "text/xml", xml.finish())
        }
    }
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

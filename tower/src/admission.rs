//! Asks the guard about a request, and makes the answer one of HTTP or gRPC.

use core::net::IpAddr;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::request::Parts;
use http::{Extensions, Response, StatusCode};
use ratecell::Clock;
use ratecell_contract::{Fields, Headers, Limit, Outcome, Pass, Refusal, Request, RequestError};
use smallvec::SmallVec;

use crate::caller::Caller;
use crate::grpc;
use crate::held::Held;
use crate::layer::Watch;
use crate::passage::{self, Outer, Passage};
use crate::peer::PeerAddr;
use crate::request_path::request_path;

/// The name of the value in which the guard takes the id of a request.
const REQUEST_ID: &str = "request_id";

/// What becomes of a request.
pub(crate) enum Admission {
    Passed(Passage),
    Refused(Response<Bytes>),
}

/// Decides about a request, and tells those further in what they must know.
pub(crate) fn decide<C>(watch: &Watch<C>, parts: &mut Parts) -> Admission
where
    C: Clock + Send + Sync + 'static,
{
    let peer = PeerAddr::of(&mut parts.extensions);
    if peer.is_none() {
        watch.meter.miss_peer();
    }
    let is_inner = parts.extensions.get::<Outer>().is_some();
    let mut outcome = match ask(watch, parts, peer) {
        Ok(outcome) => outcome,
        Err(error) => {
            watch.meter.fail(&error);
            return Admission::Refused(failed(&parts.headers));
        }
    };
    let fields = outcome.take_fields();
    match outcome {
        Outcome::Pass(pass) => {
            watch.meter.pass(pass.would_refuse());
            Admission::Passed(passage(pass, fields, is_inner, &mut parts.extensions))
        }
        Outcome::Refuse(refusal) => {
            watch.meter.refuse(&refusal);
            Admission::Refused(refused(watch, refusal, fields, is_inner, &parts.headers))
        }
    }
}

/// Puts a request as the guard wants it, and asks.
fn ask<C: Clock>(
    watch: &Watch<C>,
    parts: &Parts,
    peer: Option<IpAddr>,
) -> Result<Outcome<C>, RequestError> {
    let mut values: SmallVec<[(&str, &[u8]); 4]> = SmallVec::new();
    let mut limits: SmallVec<[(&str, Limit<'_>); 4]> = SmallVec::new();
    let caller = parts.extensions.get::<Caller>();
    if let Some(caller) = caller {
        values.extend(caller.values.iter().map(|(name, value)| (&**name, &*value.0)));
        limits.extend(caller.limits.iter().map(|(rule, limit)| (&**rule, *limit)));
    }
    // After the caller's: of two values of a name the first counts.
    if let Some(Outer { request_id: Some(id) }) = parts.extensions.get() {
        values.push((REQUEST_ID, id.as_bytes()));
    }
    let cost = caller.and_then(|caller| caller.cost);
    let cost = cost.or_else(|| watch.cost.as_ref().map(|cost| cost(parts)));
    let path = request_path(parts);
    let request = Request {
        peer,
        headers: &FieldsOf(&parts.headers),
        values: &values,
        limits: &limits,
        cost: cost.unwrap_or(1),
        ..Request::new(parts.method.as_str(), &path)
    };
    watch.guard.admit(watch.stage, &request)
}

/// What a request that passes takes along; its extensions tell those further in.
fn passage<C>(pass: Pass<C>, fields: Fields, is_inner: bool, extensions: &mut Extensions) -> Passage
where
    C: Send + Sync + 'static,
{
    if !fields.is_empty() {
        extensions.insert(Outer { request_id: pass.request_id().map(Box::from) });
    }
    let held = pass.holds_permits().then(|| {
        // A handler that keeps what this layer holds keeps what those further out hold, too.
        let held = Held::new((pass, extensions.remove::<Held>()));
        extensions.insert(held.clone());
        held
    });
    Passage { fields, held, is_inner }
}

/// The response to a request that is refused.
fn refused<C: Clock>(
    watch: &Watch<C>,
    refusal: Refusal,
    fields: Fields,
    is_inner: bool,
    request: &HeaderMap,
) -> Response<Bytes> {
    let (mut parts, ()) = Response::new(()).into_parts();
    passage::write(fields, is_inner, &mut parts.headers, &mut parts.extensions);
    if grpc::is_call(request) {
        let message = watch.message_of(refusal.rule());
        grpc::write_refusal(message, refusal.retry_after(), &mut parts.headers);
        return Response::from_parts(parts, Bytes::new());
    }
    // Status and media type were checked when the contract was read.
    parts.status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::TOO_MANY_REQUESTS);
    if let Some(kind) = passage::field_value(refusal.content_type()) {
        parts.headers.insert(CONTENT_TYPE, kind);
    }
    Response::from_parts(parts, Bytes::from(refusal.into_body()))
}

/// The response where the service has asked for what cannot be: it says nothing of the reason,
/// which is not the caller's business.
fn failed(request: &HeaderMap) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    if grpc::is_call(request) {
        grpc::write_failure(response.headers_mut());
    } else {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    response
}

/// The header fields of a request, as the guard reads them.
struct FieldsOf<'a>(&'a HeaderMap);

impl Headers for FieldsOf<'_> {
    fn each<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.0.get_all(name).iter().for_each(|value| visit(value.as_bytes()));
    }
}

//! Refusals as gRPC clients read them.
//!
//! The status travels in the header fields of a response without messages ("Trailers-Only"). It is
//! made by tonic and its types for `google.rpc`, so that clients of every language can read the
//! wait from `RetryInfo`.
//!
//! SOURCE: gRPC over HTTP2, "Responses"; google/rpc/error_details.proto.

#[cfg(feature = "tonic")]
pub(crate) use with_tonic::{is_call, write_failure, write_refusal};
#[cfg(not(feature = "tonic"))]
pub(crate) use without_tonic::{is_call, write_failure, write_refusal};

#[cfg(feature = "tonic")]
mod with_tonic {
    use core::time::Duration;

    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue};
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt as _};

    /// Whether a request is a gRPC call: its content type is `application/grpc`, with or without a
    /// subtype such as `+proto`. That of gRPC-Web is not; there tonic's layer for it goes outside.
    pub(crate) fn is_call(fields: &HeaderMap) -> bool {
        let Some(kind) = fields.get(CONTENT_TYPE) else { return false };
        let Some(rest) = kind.as_bytes().strip_prefix(b"application/grpc") else { return false };
        matches!(rest.first(), None | Some(b'+' | b';' | b' '))
    }

    /// Writes a refusal into the header fields of its response, which is 200: in gRPC the status of
    /// HTTP says only that the call was heard.
    /// `wait` is none if nobody can know it.
    pub(crate) fn write_refusal(message: &str, wait: Option<Duration>, fields: &mut HeaderMap) {
        let status = match wait {
            Some(wait) => {
                let details = ErrorDetails::with_retry_info(Some(wait));
                Status::with_error_details(Code::ResourceExhausted, message, details)
            }
            None => Status::new(Code::ResourceExhausted, message),
        };
        write(&status, fields);
    }

    /// As [`write_refusal`], where the service has made a mistake.
    pub(crate) fn write_failure(fields: &mut HeaderMap) {
        write(&Status::new(Code::Internal, ""), fields);
    }

    fn write(status: &Status, fields: &mut HeaderMap) {
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        // It fails on what is no header value; the message is percent-encoded, the details base64.
        if status.add_header(fields).is_err() {
            fields.insert(Status::GRPC_STATUS, HeaderValue::from(status.code() as i32));
        }
    }

    #[cfg(test)]
    mod tests {
        use super::{is_call, write_refusal};
        use core::time::Duration;
        use http::{HeaderMap, HeaderValue};
        use tonic::{Code, Status};
        use tonic_types::StatusExt as _;

        #[test]
        fn only_the_content_types_of_grpc_are_calls() {
            let is_call_with = |kind: &'static str| {
                let mut fields = HeaderMap::new();
                fields.insert("content-type", HeaderValue::from_static(kind));
                is_call(&fields)
            };
            for kind in ["application/grpc", "application/grpc+proto", "application/grpc; x=y"] {
                assert!(is_call_with(kind), "{kind}");
            }
            for kind in ["application/grpc-web", "application/grpcx", "application/json", ""] {
                assert!(!is_call_with(kind), "{kind}");
            }
            assert!(!is_call(&HeaderMap::new()));
        }

        #[test]
        fn a_client_reads_code_message_and_the_wait_to_the_nanosecond() {
            let mut fields = HeaderMap::new();
            let wait = Duration::from_nanos(12_000_000_001);
            write_refusal("60 % \u{fc}ber\n", Some(wait), &mut fields);
            let status = Status::from_header_map(&fields).unwrap();
            assert_eq!(status.code(), Code::ResourceExhausted);
            assert_eq!(status.message(), "60 % \u{fc}ber\n");
            assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(wait));
        }

        #[test]
        fn an_unknown_wait_is_left_out() {
            let mut fields = HeaderMap::new();
            write_refusal("inflight", None, &mut fields);
            let status = Status::from_header_map(&fields).unwrap();
            assert_eq!((status.code(), status.details()), (Code::ResourceExhausted, &[][..]));
        }
    }
}

/// Without tonic no call is known as gRPC: a refusal is what it is in HTTP.
#[cfg(not(feature = "tonic"))]
mod without_tonic {
    use core::time::Duration;

    use http::HeaderMap;

    pub(crate) const fn is_call(_fields: &HeaderMap) -> bool {
        false
    }

    pub(crate) const fn write_refusal(_: &str, _: Option<Duration>, _fields: &mut HeaderMap) {}

    pub(crate) const fn write_failure(_fields: &mut HeaderMap) {}
}

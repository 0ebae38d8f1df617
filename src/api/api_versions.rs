//! ApiVersions (18): what this broker speaks and which features are on.

use super::answer::{Outcome, encode};
use super::table::TABLE;
use super::{Api, Call};
use crate::controller::{finalized_features, supported_features};
use crate::wire::ErrorCode;
use crate::wire::header::RequestHeader;
use crate::wire::messages::{
    ApiVersionsRequest, ApiVersionsResponse, ApiVersionsResponseApiVersion,
    ApiVersionsResponseFinalizedFeature, ApiVersionsResponseSupportedFeature,
};

/// Asked before anything else; an unsupported version is answered too.
pub const API: Api = Api { key: 18, versions: 0..=4 };

/// Clients name their software from this version on.
const SOFTWARE_VERSION: i16 = 3;
/// Supported features whose range begins at 0 are told from this version on: older Java clients refuse them.
const ZERO_FEATURES_VERSION: i16 = 4;

/// Answers with the table of APIs. Error: InvalidRequest (42) for a malformed software name.
pub async fn handle(call: &Call, request: ApiVersionsRequest) -> ApiVersionsResponse {
    if call.version() >= SOFTWARE_VERSION {
        let (name, version) = (&request.client_software_name, &request.client_software_version);
        if !(is_software_name(name) && is_software_name(version)) {
            return ApiVersionsResponse {
                error_code: ErrorCode::InvalidRequest.code(),
                ..Default::default()
            };
        }
        *call.context.peer().software.borrow_mut() = Some((name.to_string(), version.to_string()));
    }
    let image = call.shard().image();
    let supported = supported_features().into_iter();
    let supported = supported.filter(|feature| call.version() >= ZERO_FEATURES_VERSION || feature.min > 0);
    ApiVersionsResponse {
        api_keys: keys(),
        supported_features: supported
            .map(|feature| ApiVersionsResponseSupportedFeature {
                name: feature.name.into(),
                min_version: feature.min,
                max_version: feature.max,
            })
            .collect(),
        finalized_features_epoch: image.offset().get(),
        finalized_features: finalized_features(&image)
            .into_iter()
            .map(|(name, level)| ApiVersionsResponseFinalizedFeature {
                name: name.into(),
                max_version_level: level,
                min_version_level: level,
            })
            .collect(),
        ..Default::default()
    }
}

/// The answer to a version that is not served: in version 0, which every client can read.
pub fn unsupported(call: &Call) -> Outcome {
    let header = RequestHeader { api_version: 0, ..call.header.clone() };
    let error_code = ErrorCode::UnsupportedVersion.code();
    let response = ApiVersionsResponse { error_code, api_keys: keys(), ..Default::default() };
    encode::<ApiVersionsRequest>(&header, &response, Vec::new())
}

fn keys() -> Vec<ApiVersionsResponseApiVersion> {
    let key = |api: &Api| ApiVersionsResponseApiVersion {
        api_key: api.key,
        min_version: *api.versions.start(),
        max_version: *api.versions.end(),
    };
    TABLE.iter().map(key).collect()
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`
fn is_software_name(text: &str) -> bool {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(inside)
}

#[cfg(test)]
mod tests {
    use super::is_software_name;

    #[test]
    fn software_names_as_kafka_checks_them() {
        for good in ["a", "kafka-python", "apache-kafka-java", "4.3.1", "x-.y"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-", "a-", ".a", "a b", "a_b", "é"] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }
}

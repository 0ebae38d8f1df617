//! DescribeCluster (60): cluster id, controller and brokers.

use super::{Api, Call, authorized, brokers};
use crate::wire::messages::{DescribeClusterRequest, DescribeClusterResponse, DescribeClusterResponseBroker};
use crate::wire::{ErrorCode, Str};

/// Asked of any broker.
pub const API: Api = Api { key: 60, versions: 0..=2 };

/// The only kind of endpoint that a broker's listener tells of: brokers.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// Errors: MismatchedEndpointType (114) if controllers are asked for, UnsupportedEndpointType (115) for other kinds.
pub async fn handle(call: &Call, request: DescribeClusterRequest) -> DescribeClusterResponse {
    let refused = match request.endpoint_type {
        BROKERS => None,
        CONTROLLERS => Some((
            ErrorCode::MismatchedEndpointType,
            "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER".into(),
        )),
        other => Some((ErrorCode::UnsupportedEndpointType, Str::from(format!("Unsupported endpoint type {other}")))),
    };
    if let Some((code, message)) = refused {
        return DescribeClusterResponse {
            error_code: code.code(),
            error_message: Some(message),
            ..Default::default()
        };
    }
    let image = call.shard().image();
    let broker = |broker: brokers::Endpoint| DescribeClusterResponseBroker {
        broker_id: broker.node_id,
        host: broker.host,
        port: broker.port,
        rack: broker.rack,
        ..Default::default()
    };
    DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: image.cluster_id().into(),
        controller_id: image.controller_id().get(),
        brokers: brokers::endpoints(call).map(broker).collect(),
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            authorized::CLUSTER
        } else {
            i32::MIN
        },
        ..Default::default()
    }
}

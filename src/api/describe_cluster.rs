//! DescribeCluster (60): cluster id, controller and brokers.

use super::{Api, Call, authorized, brokers};
use crate::wire::ErrorCode;
use crate::wire::messages::{DescribeClusterRequest, DescribeClusterResponse, DescribeClusterResponseBroker};

/// Asked of any broker.
pub const API: Api = Api { key: 60, versions: 0..=2 };

/// The only kind of endpoint that a broker's listener tells of: brokers.
const BROKERS: i8 = 1;

/// Errors: MismatchedEndpointType (114) if controllers are asked for.
pub async fn handle(call: &Call, request: DescribeClusterRequest) -> DescribeClusterResponse {
    if request.endpoint_type != BROKERS {
        return DescribeClusterResponse {
            error_code: ErrorCode::MismatchedEndpointType.code(),
            error_message: Some("The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER".into()),
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

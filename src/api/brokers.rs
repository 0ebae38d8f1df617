//! The brokers as a client is to reach them: by the listener that it came by.

use super::Call;
use crate::wire::Str;

/// Where a broker is reached.
pub struct Endpoint {
    /// Its `node.id`.
    pub node_id: i32,
    /// The advertised host.
    pub host: Str,
    /// The advertised port.
    pub port: i32,
    /// Its rack, if it has one.
    pub rack: Option<Str>,
}

/// The endpoints of all live brokers. A single node knows itself.
pub fn endpoints(call: &Call) -> impl Iterator<Item = Endpoint> {
    std::iter::once(own(call))
}

/// The endpoint of this broker: it leads every partition and coordinates every group.
pub fn own(call: &Call) -> Endpoint {
    let config = call.shard().config();
    let listener = &call.context.peer().listener;
    Endpoint {
        node_id: call.shard().node_id().get(),
        host: listener.advertised_host.as_str().into(),
        port: i32::from(listener.advertised_port),
        rack: config.rack.as_deref().map(Into::into),
    }
}

//! Every API that is served: one table drives version checks, ApiVersions and the calls themselves.

use std::ops::RangeInclusive;

use super::{Call, Outcome, answered};
use super::{
    api_versions, create_partitions, create_topics, delete_groups, delete_topics, describe_cluster,
    describe_configs, describe_groups, describe_topic_partitions, fetch, find_coordinator, heartbeat,
    init_producer_id, join_group, leave_group, list_groups, list_offsets, metadata, offset_commit,
    offset_delete, offset_fetch, offset_for_leader_epoch, produce, sync_group,
};
use crate::wire::Reader;

/// An API as it is advertised.
#[derive(Debug, Clone)]
pub struct Api {
    /// Kafka's number for it.
    pub key: i16,
    /// The versions that are served.
    pub versions: RangeInclusive<i16>,
}

/// All APIs, by key.
pub const TABLE: &[Api] = &[
    produce::API,
    fetch::API,
    list_offsets::API,
    metadata::API,
    offset_commit::API,
    offset_fetch::API,
    find_coordinator::API,
    join_group::API,
    heartbeat::API,
    leave_group::API,
    sync_group::API,
    describe_groups::API,
    list_groups::API,
    api_versions::API,
    create_topics::API,
    delete_topics::API,
    init_producer_id::API,
    offset_for_leader_epoch::API,
    describe_configs::API,
    create_partitions::API,
    delete_groups::API,
    offset_delete::API,
    describe_cluster::API,
    describe_topic_partitions::API,
];

/// The API of a key, if it is served.
pub fn find(key: i16) -> Option<&'static Api> {
    TABLE.iter().find(|api| api.key == key)
}

fn not_served(call: &Call) -> Outcome {
    let (api, version) = (call.header.api_key, call.version());
    tracing::debug!(client = %call.context.peer().address, api, version, "connection closed: not served");
    Outcome::Close
}

/// Checks key and version and calls the API.
pub async fn serve(call: Call, body: Reader) -> Outcome {
    let Some(api) = find(call.header.api_key) else {
        return not_served(&call);
    };
    if !api.versions.contains(&call.version()) {
        // The one question that is answered in any version: which versions are there?
        return if api.key == api_versions::API.key {
            api_versions::unsupported(&call)
        } else {
            Outcome::Close
        };
    }
    match api.key {
        0 => produce::serve(call, body).await,
        1 => fetch::serve(call, body).await,
        2 => answered(call, body, list_offsets::handle).await,
        3 => answered(call, body, metadata::handle).await,
        8 => answered(call, body, offset_commit::handle).await,
        9 => answered(call, body, offset_fetch::handle).await,
        10 => answered(call, body, find_coordinator::handle).await,
        11 => answered(call, body, join_group::handle).await,
        12 => answered(call, body, heartbeat::handle).await,
        13 => answered(call, body, leave_group::handle).await,
        14 => answered(call, body, sync_group::handle).await,
        15 => answered(call, body, describe_groups::handle).await,
        16 => answered(call, body, list_groups::handle).await,
        18 => answered(call, body, api_versions::handle).await,
        19 => answered(call, body, create_topics::handle).await,
        20 => answered(call, body, delete_topics::handle).await,
        22 => answered(call, body, init_producer_id::handle).await,
        23 => answered(call, body, offset_for_leader_epoch::handle).await,
        32 => answered(call, body, describe_configs::handle).await,
        37 => answered(call, body, create_partitions::handle).await,
        42 => answered(call, body, delete_groups::handle).await,
        47 => answered(call, body, offset_delete::handle).await,
        60 => answered(call, body, describe_cluster::handle).await,
        75 => answered(call, body, describe_topic_partitions::handle).await,
        _ => Outcome::Close,
    }
}

//! OffsetCommit: who may commit, and the records it makes.

use super::after::{After, TopicPartition};
use super::call::{ClientContext, GroupReply};
use super::context::Context;
use super::offsets::Committed;
use super::records::{self, STRING_BYTES_MAX};
use super::state::{Group, GroupState};
use crate::base::ids::TopicId;
use crate::replicated::{CallId, KeyValue};
use crate::wire::error::ErrorCode;
use crate::wire::messages::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitResponse, OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
};
use std::rc::Rc;

/// The answer in which `error_of` says how each partition fared.
fn response(
    request: &OffsetCommitRequest,
    mut error_of: impl FnMut(&str, TopicId, &OffsetCommitRequestPartition) -> ErrorCode,
) -> OffsetCommitResponse {
    let mut response = OffsetCommitResponse::default();
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let error = error_of(&topic.name, topic.topic_id, partition);
            partitions.push(OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: error.code(),
            });
        }
        response.topics.push(OffsetCommitResponseTopic {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions,
        });
    }
    response
}

/// The answer that fails all partitions.
pub(super) fn commit_error(request: &OffsetCommitRequest, error: ErrorCode) -> GroupReply {
    GroupReply::OffsetCommit(response(request, |_, _, _| error))
}

/// Fails the partitions that were to be written; those that failed before keep their own error.
pub(super) fn fail_commit(response: &mut OffsetCommitResponse, error: ErrorCode) {
    let partitions = response.topics.iter_mut().flat_map(|t| &mut t.partitions);
    for partition in partitions.filter(|p| p.error_code == ErrorCode::None.code()) {
        partition.error_code = error.code();
    }
}

impl Group {
    /// Decides about an OffsetCommit.
    pub(super) fn commit(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        client: &ClientContext,
        request: &OffsetCommitRequest,
    ) {
        if let Err(error) = self.validate_commit(request) {
            return cx.reply(call, commit_error(request, error));
        }
        if matches!(self.state(), GroupState::Stable | GroupState::PreparingRebalance) {
            self.refresh_member(cx, &request.member_id);
        }
        let (now_ms, metadata_max) = (cx.now_ms, cx.config.offset_metadata_bytes_max);
        let mut offsets: Vec<(TopicPartition, Committed)> = Vec::new();
        let response = response(request, |topic, topic_id, partition| {
            let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
            if metadata.len() > metadata_max.min(STRING_BYTES_MAX) {
                return ErrorCode::OffsetMetadataTooLarge;
            }
            if topic.is_empty() || topic.len() > STRING_BYTES_MAX {
                return ErrorCode::UnknownTopicOrPartition;
            }
            let topic = match offsets.last() {
                Some(((last, _), _)) if &**last == topic => Rc::clone(last),
                _ => Rc::from(topic),
            };
            let committed = committed(client, request, partition, metadata, topic_id, now_ms);
            offsets.push(((topic, partition.partition_index), committed));
            ErrorCode::None
        });
        if offsets.is_empty() {
            return cx.reply(call, GroupReply::OffsetCommit(response));
        }
        let record =
            |(at, committed): &(TopicPartition, Committed)| records::offset_commit(&self.id, at, committed);
        let records: Vec<KeyValue> = offsets.iter().map(record).collect();
        for ((topic, partition), _) in &offsets {
            self.offsets.launch(topic, *partition);
        }
        let after = After::Commit { group: Rc::clone(&self.id), call, offsets, response };
        cx.append(self.partition, records, after);
    }

    fn is_fenced(&self, generation: i32) -> bool {
        #[cfg(test)]
        if sabotage::UNFENCED.get() {
            return false;
        }
        generation != self.generation
    }

    /// A group's members commit with its generation; anybody may commit to a group without members.
    fn validate_commit(&self, request: &OffsetCommitRequest) -> Result<(), ErrorCode> {
        let generation = request.generation_id_or_member_epoch;
        let instance_id = request.group_instance_id.as_deref();
        match self.state() {
            GroupState::Dead => return Err(ErrorCode::CoordinatorNotAvailable),
            GroupState::Empty if generation < 0 => return Ok(()),
            _ => {}
        }
        if generation < 0 && request.member_id.is_empty() && instance_id.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.validate_member(&request.member_id, instance_id)?;
        if self.is_fenced(generation) {
            return Err(ErrorCode::IllegalGeneration);
        }
        if self.state() == GroupState::CompletingRebalance {
            // The member has heard of this generation, but not what it is to read.
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }
}

fn committed(
    client: &ClientContext,
    request: &OffsetCommitRequest,
    partition: &OffsetCommitRequestPartition,
    metadata: &str,
    topic_id: TopicId,
    now_ms: i64,
) -> Committed {
    let own_time = client.api_version == 1 && partition.commit_timestamp >= 0;
    let retention_ms = request.retention_time_ms;
    Committed {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: metadata.into(),
        commit_timestamp_ms: if own_time { partition.commit_timestamp } else { now_ms },
        expire_timestamp_ms: (retention_ms >= 0).then(|| now_ms.saturating_add(retention_ms)),
        topic_id,
    }
}

/// A bug to order: the simulation has to find it.
#[cfg(test)]
pub(super) mod sabotage {
    use std::cell::Cell;

    thread_local! {
        /// Commits of any generation are taken.
        pub(in crate::group) static UNFENCED: Cell<bool> = const { Cell::new(false) };
    }
}

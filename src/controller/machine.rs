//! The machine: decides on the newest draft, appends, and lets others see what has been committed.

use super::call::{
    Activation, ControllerCall, ControllerError, ControllerReply, ProducerIdBlock, Registration,
};
use super::draft::Draft;
use super::features::{METADATA_VERSION, METADATA_VERSION_NEWEST};
use super::{Rules, broker, create, delete};
use crate::base::ids::{BrokerId, Offset, PartitionIndex};
use crate::base::random::Random;
use crate::image::{Image, LogEnd, MetadataRecord};
use crate::replicated::{Append, AppendFailure, AppendId, CallId, Effects, KeyValue, Machine};
use crate::wire::records::{
    AbortTransactionRecord, BeginTransactionRecord, EndTransactionRecord, ProducerIdsRecord,
};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// Producer ids in a block; Kafka reserves as many at a time.
pub const PRODUCER_ID_BLOCK: i64 = 1_000;
/// Records of one append where they need not become durable together.
const RECORDS_PER_APPEND: usize = 10_000;
/// The metadata log has one partition.
const PARTITION: PartitionIndex = PartitionIndex::new(0);

/// An append whose outcome is not known yet.
struct Pending {
    id: AppendId,
    records: Vec<MetadataRecord>,
    reply: Option<(CallId, ControllerReply)>,
}

/// The controller of a cluster: the only writer of the metadata log, from the epoch's first record on.
///
/// It decides on an image that holds everything it has asked to be appended, so that two calls cannot both create a topic;
/// others see the image of what has been committed. Whoever has a reply finds its change in `image()`, and hands that to
/// all shards before it answers its client.
pub struct Controller {
    rules: Rules,
    random: Random,
    /// With all pending records.
    newest: Image,
    /// Without.
    committed: Arc<Image>,
    pending: VecDeque<Pending>,
    next_append: u64,
}

impl Controller {
    /// Takes over from the end of the log: `image` is the replayed one, its offset that of the last record, be it data
    /// or control (this epoch's LeaderChange included).
    pub fn new(rules: Rules, random: Random, image: Image) -> Self {
        let committed = Arc::new(image.clone());
        Self { rules, random, newest: image, committed, pending: VecDeque::new(), next_append: 0 }
    }

    /// What has been committed: what every shard may see.
    pub fn image(&self) -> &Arc<Image> {
        &self.committed
    }

    /// The offset that the next record will get.
    fn next_offset(&self) -> Offset {
        let pending: usize = self.pending.iter().map(|append| append.records.len()).sum();
        self.committed.offset().next().plus(pending as i64)
    }

    fn create_id(&mut self) -> AppendId {
        self.next_append += 1;
        AppendId::new(self.next_append)
    }

    /// Asks for the draft's records in appends of at most `per_append`, and replies when the last is committed; at once
    /// if there are none.
    fn submit(
        &mut self,
        draft: Draft,
        per_append: usize,
        call: CallId,
        reply: ControllerReply,
    ) -> Effects<ControllerReply> {
        let (image, mut records) = draft.finish();
        if records.is_empty() {
            return Effects::reply(call, reply);
        }
        let metadata_version = match image.feature(METADATA_VERSION) {
            0 => METADATA_VERSION_NEWEST,
            level => level,
        };
        let values: Result<Vec<Bytes>, _> = records.iter().map(|r| r.encode_for(metadata_version)).collect();
        let Ok(mut values) = values else {
            // A name or value longer than a length field can say; nothing has been changed.
            return Effects::reply(call, reply.failed(AppendFailure::TooLarge));
        };
        let mut effects = Effects::none();
        let mut reply = Some((call, reply));
        self.newest = image;
        while !records.is_empty() {
            let rest = records.split_off(records.len().min(per_append));
            let rest_values = values.split_off(values.len().min(per_append));
            let id = self.create_id();
            let key_values = values.into_iter().map(|value| KeyValue { key: None, value: Some(value) });
            effects.appends.push(Append { id, partition: PARTITION, records: key_values.collect() });
            let last = rest.is_empty();
            self.pending.push_back(Pending { id, records, reply: reply.take_if(|_| last) });
            (records, values) = (rest, rest_values);
        }
        effects
    }

    fn activate(&mut self, call: CallId, activation: Activation) -> Effects<ControllerReply> {
        let mut draft = Draft::new(&self.newest);
        if activation.log_end == LogEnd::InTransaction {
            let reason = Some("the controller that began it is gone".into());
            draft.push(AbortTransactionRecord { reason });
        }
        if self.newest.features().next().is_none() && !activation.bootstrap.is_empty() {
            draft.push(BeginTransactionRecord { name: Some("Bootstrap records".into()) });
            activation.bootstrap.into_iter().for_each(|record| draft.push(record));
            draft.push(EndTransactionRecord {});
        }
        self.submit(draft, usize::MAX, call, ControllerReply::Activated(Ok(())))
    }

    fn register(&mut self, call: CallId, registration: &Registration) -> Effects<ControllerReply> {
        let epoch = self.next_offset().get();
        let mut draft = Draft::new(&self.newest);
        broker::register(&mut draft, epoch, registration);
        broker::elect(&mut draft, registration);
        // Each partition's change stands for itself: a hundred thousand of them need not fit in one batch.
        self.submit(draft, RECORDS_PER_APPEND, call, ControllerReply::Registered(Ok(epoch)))
    }

    fn allocate_producer_ids(&mut self, call: CallId, broker: BrokerId) -> Effects<ControllerReply> {
        let first = self.newest.next_producer_id();
        let Some(next_producer_id) = first.get().checked_add(PRODUCER_ID_BLOCK) else {
            let reply = ControllerReply::ProducerIds(Err(ControllerError::ProducerIdsExhausted));
            return Effects::reply(call, reply);
        };
        let broker_epoch = self.newest.broker(broker).map_or(-1, |broker| broker.epoch);
        let mut draft = Draft::new(&self.newest);
        draft.push(ProducerIdsRecord { broker_id: broker.get(), broker_epoch, next_producer_id });
        let block = ProducerIdBlock { first, count: PRODUCER_ID_BLOCK };
        self.submit(draft, usize::MAX, call, ControllerReply::ProducerIds(Ok(block)))
    }

    /// Puts what is still pending on top of what is committed, after an append in between failed.
    fn rebuild(&mut self) {
        let mut newest = Image::clone(&self.committed);
        for append in &self.pending {
            append.records.iter().for_each(|record| newest.apply(record));
        }
        self.newest = newest;
    }

    fn commit(&mut self, records: &[MetadataRecord]) {
        let mut image = Image::clone(&self.committed);
        records.iter().for_each(|record| image.apply(record));
        image.set_offset(image.offset().plus(records.len() as i64));
        if self.pending.is_empty() {
            // The two are equal: let them share their memory again.
            self.newest = image.clone();
        }
        self.committed = Arc::new(image);
    }
}

impl Machine for Controller {
    type Call = ControllerCall;
    type Reply = ControllerReply;

    fn handle(
        &mut self,
        _now_ms: i64,
        id: CallId,
        _partition: PartitionIndex,
        call: ControllerCall,
    ) -> Effects<ControllerReply> {
        match call {
            ControllerCall::Activate(activation) => self.activate(id, activation),
            ControllerCall::RegisterBroker(registration) => self.register(id, &registration),
            ControllerCall::AllocateProducerIds(broker) => self.allocate_producer_ids(id, broker),
            ControllerCall::CreateTopics { topics, validate_only } => {
                let mut draft = Draft::new(&self.newest);
                let results = create::create_topics(&mut draft, &self.rules, &mut self.random, &topics);
                self.finish(draft, validate_only, id, ControllerReply::TopicsCreated(results))
            }
            ControllerCall::CreatePartitions { topics, validate_only } => {
                let mut draft = Draft::new(&self.newest);
                let results = create::create_partitions(&mut draft, &topics);
                self.finish(draft, validate_only, id, ControllerReply::PartitionsCreated(results))
            }
            ControllerCall::DeleteTopics(references) => {
                let mut draft = Draft::new(&self.newest);
                let results = delete::delete_topics(&mut draft, &self.rules, &references);
                self.finish(draft, false, id, ControllerReply::TopicsDeleted(results))
            }
        }
    }

    fn committed(
        &mut self,
        _now_ms: i64,
        id: AppendId,
        outcome: Result<(), AppendFailure>,
    ) -> Effects<ControllerReply> {
        let Some(append) = self.pending.pop_front_if(|append| append.id == id) else {
            return Effects::none();
        };
        let reply = match outcome {
            Ok(()) => {
                self.commit(&append.records);
                append.reply
            }
            Err(failure) => {
                self.rebuild();
                append.reply.map(|(call, reply)| (call, reply.failed(failure)))
            }
        };
        Effects { appends: Vec::new(), replies: reply.into_iter().collect() }
    }

    fn on_timer(&mut self, _now_ms: i64) -> Effects<ControllerReply> {
        Effects::none()
    }

    fn next_deadline(&self) -> Option<i64> {
        None
    }
}

impl Controller {
    fn finish(
        &mut self,
        draft: Draft,
        validate_only: bool,
        call: CallId,
        reply: ControllerReply,
    ) -> Effects<ControllerReply> {
        if validate_only {
            return Effects::reply(call, reply);
        }
        self.submit(draft, usize::MAX, call, reply)
    }
}

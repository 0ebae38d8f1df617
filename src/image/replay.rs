//! Replaying the metadata log: applies records, and those of a transaction only when it has ended.

use super::cluster::Image;
use super::record::MetadataRecord;
use crate::base::ids::Offset;
use crate::batch::{BatchError, BatchView, records};
use bytes::Bytes;

/// What a log's end means for an unfinished transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEnd {
    /// Every transaction has ended.
    Clean,
    /// The last one has not: its records took no effect, and the next leader begins with an `AbortTransactionRecord`.
    InTransaction,
}

/// An image on its way through the log.
#[derive(Debug)]
pub struct Replay {
    image: Image,
    /// The records of the transaction that is open.
    open: Option<Vec<MetadataRecord>>,
}

impl Replay {
    /// Starts from `image`: an empty one, or a snapshot's. What the image holds already is passed over, so that the whole
    /// log can be given.
    pub fn new(image: Image) -> Self {
        Self { image, open: None }
    }

    /// The next record; `offset` is its own. Control records are not given to it.
    pub fn apply(&mut self, offset: Offset, record: MetadataRecord) {
        if offset <= self.image.offset() {
            return;
        }
        match (&mut self.open, record) {
            (_, MetadataRecord::BeginTransaction(_)) => self.open = Some(Vec::new()),
            (_, MetadataRecord::AbortTransaction(_)) => self.open = None,
            (Some(records), MetadataRecord::EndTransaction(_)) => {
                for record in std::mem::take(records) {
                    self.image.apply(&record);
                }
                self.open = None;
            }
            (Some(records), record) => records.push(record),
            (None, record) => self.image.apply(&record),
        }
        self.image.set_offset(offset);
    }

    /// Passes over a control record.
    pub fn skip(&mut self, offset: Offset) {
        self.image.set_offset(offset.max(self.image.offset()));
    }

    /// The next batch of the log, data or control. The checksum is not looked at. Errors: those of [`records`]; the records
    /// before the bad one have been applied.
    pub fn apply_batch(&mut self, view: &BatchView<'_>) -> Result<(), BatchError> {
        if view.is_control() {
            self.skip(view.last_offset());
            return Ok(());
        }
        for record in &records(view)? {
            let record = record?;
            let value = Bytes::copy_from_slice(record.value.unwrap_or_default());
            self.apply(record.offset, MetadataRecord::decode(&value));
        }
        self.skip(view.last_offset());
        Ok(())
    }

    /// The image at the end of the log.
    pub fn finish(self) -> (Image, LogEnd) {
        (self.image, if self.open.is_some() { LogEnd::InTransaction } else { LogEnd::Clean })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::{BrokerId, TopicId};
    use crate::wire::records::{
        AbortTransactionRecord, BeginTransactionRecord, EndTransactionRecord, RemoveTopicRecord, TopicRecord,
    };

    #[test]
    fn a_log_that_kafka_wrote() {
        let log = include_bytes!("../../tests/golden/metadata/cluster_metadata.log");
        let mut replay = Replay::new(Image::empty("cluster", BrokerId::new(1)));
        for batch in crate::batch::batches(log) {
            let batch = batch.unwrap();
            replay.apply_batch(&batch).unwrap();
            for record in records(&batch).unwrap().iter().filter(|_| !batch.is_control()) {
                let value = Bytes::copy_from_slice(record.unwrap().value.unwrap());
                let (record, version) = MetadataRecord::decode_versioned(&value);
                assert_eq!(record.encode_at(version).unwrap(), value, "{record:?}");
            }
        }
        let (image, end) = replay.finish();
        assert_eq!((end, image.offset()), (LogEnd::Clean, Offset::new(189)));
        let mut names: Vec<_> = image.topics().map(|topic| topic.name.to_string()).collect();
        names.sort();
        assert_eq!(names, ["a1", "c2", "d2", "q.y", "q_y", "t1", "t2", "t3", "x.y"]);
        let topic = image.topic("t1").unwrap();
        assert_eq!((topic.partitions.len(), topic.id.to_string()), (4, "cTvZUQ5PQUyLNwtdOJoMGA".to_string()));
        // As a clean stop leaves it: no leader, nobody in sync, the one replica eligible.
        let partition = topic.partitions.first().unwrap();
        assert_eq!(
            (partition.leader(), partition.isr.len(), partition.eligible_leader_replicas.len()),
            (None, 0, 1)
        );
        assert_eq!(image.topic("c2").unwrap().config("compression.type"), Some("zstd"));
        assert_eq!(
            image.broker_configs(None).unwrap().get("min.insync.replicas").map(String::as_str),
            Some("1")
        );
        assert_eq!((image.feature("metadata.version"), image.feature("transaction.version")), (30, 2));
        let broker = image.broker(BrokerId::new(1)).unwrap();
        assert!(broker.fenced);
        assert_eq!(broker.endpoint("PLAINTEXT").map(|endpoint| endpoint.port), Some(29392));
        assert_eq!(image.kept().len(), 1);
    }

    fn replay(records: &[MetadataRecord]) -> (Image, LogEnd) {
        let mut replay = Replay::new(Image::empty("cluster", BrokerId::new(1)));
        for (offset, record) in records.iter().enumerate() {
            replay.apply(Offset::new(offset as i64), record.clone());
        }
        replay.finish()
    }

    #[test]
    fn a_transaction_takes_effect_at_its_end_or_never() {
        let topic: MetadataRecord = TopicRecord { name: "t".into(), topic_id: TopicId::from_u128(1) }.into();
        let begin: MetadataRecord = BeginTransactionRecord::default().into();
        let end: MetadataRecord = EndTransactionRecord {}.into();
        let abort: MetadataRecord = AbortTransactionRecord::default().into();

        let (image, at_end) = replay(&[begin.clone(), topic.clone()]);
        assert_eq!((image.topic_count(), image.offset(), at_end), (0, Offset::new(1), LogEnd::InTransaction));
        let (image, at_end) = replay(&[begin.clone(), topic.clone(), end.clone()]);
        assert_eq!((image.topic_count(), image.offset(), at_end), (1, Offset::new(2), LogEnd::Clean));
        let (image, at_end) = replay(&[begin, topic.clone(), abort, end.clone()]);
        assert_eq!((image.topic_count(), at_end), (0, LogEnd::Clean));
        let (image, _) = replay(&[end, topic.clone()]);
        assert_eq!(image.topic_count(), 1);

        let mut from_snapshot = Replay::new(image.clone());
        from_snapshot.apply(Offset::new(0), RemoveTopicRecord { topic_id: TopicId::from_u128(1) }.into());
        from_snapshot.skip(Offset::new(1));
        assert_eq!(from_snapshot.finish().0, image);
    }
}

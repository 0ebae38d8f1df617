//! The shape of a pure machine, and what it may ask its driver to do.

use crate::base::ids::PartitionIndex;
use bytes::Bytes;

/// A call that waits for its reply; the driver counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

impl CallId {
    /// The call with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// An append whose outcome the machine waits for; the machine counts them, across all its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppendId(u64);

impl AppendId {
    /// The append with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// One record of an internal topic. No value is a tombstone; the metadata log has no keys.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct KeyValue {
    /// The key, if any.
    pub key: Option<Bytes>,
    /// The value; none deletes the key.
    pub value: Option<Bytes>,
}

impl KeyValue {
    /// Bytes of key and value together.
    pub fn len(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len) + self.value.as_ref().map_or(0, Bytes::len)
    }
    /// Whether neither key nor value holds a byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Records that become durable together: one batch holds all of them, or none is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// What `committed` will be called with.
    pub id: AppendId,
    /// The partition of the machine's topic.
    pub partition: PartitionIndex,
    /// In log order; never empty.
    pub records: Vec<KeyValue>,
}

/// Why an append did not take place. The machine decides what its callers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AppendFailure {
    /// This broker does not lead the partition (any more).
    #[error("not the leader of the partition")]
    NotLeader,
    /// Its disk is gone.
    #[error("the partition's log directory is offline")]
    Storage,
    /// The records do not fit in a batch.
    #[error("the records are larger than a batch may be")]
    TooLarge,
    /// Too few replicas are in sync.
    #[error("too few replicas are in sync")]
    NotEnoughReplicas,
}

/// What a machine wants done. Appends of one partition take place in the order in which they were asked for.
#[derive(Debug)]
pub struct Effects<R> {
    /// To be appended; each is answered by `committed`.
    pub appends: Vec<Append>,
    /// To be handed to the callers, at once: what had to be durable first already is.
    pub replies: Vec<(CallId, R)>,
}

impl<R> Effects<R> {
    /// Nothing to do.
    pub const fn none() -> Self {
        Self { appends: Vec::new(), replies: Vec::new() }
    }
    /// A reply and nothing else.
    pub fn reply(call: CallId, reply: R) -> Self {
        Self { appends: Vec::new(), replies: vec![(call, reply)] }
    }
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.replies.is_empty()
    }
}

impl<R> Default for Effects<R> {
    fn default() -> Self {
        Self::none()
    }
}

/// A pure, synchronous state machine over the partitions of one internal topic. `now_ms` never needs to be exact, and
/// may stand still; timestamps in records and deadlines come from it.
pub trait Machine {
    /// What callers ask.
    type Call;
    /// What they get: exactly one per call, now or later.
    type Reply;

    /// Decides about a call that concerns `partition`.
    fn handle(
        &mut self,
        now_ms: i64,
        id: CallId,
        partition: PartitionIndex,
        call: Self::Call,
    ) -> Effects<Self::Reply>;

    /// An append took place or failed. Called once per append, in the order of the appends of a partition.
    fn committed(
        &mut self,
        now_ms: i64,
        id: AppendId,
        outcome: Result<(), AppendFailure>,
    ) -> Effects<Self::Reply>;

    /// Does what is due. Harmless when nothing is.
    fn on_timer(&mut self, now_ms: i64) -> Effects<Self::Reply>;

    /// When `on_timer` has something to do next, in milliseconds since the epoch; may be early, never late.
    fn next_deadline(&self) -> Option<i64>;
}

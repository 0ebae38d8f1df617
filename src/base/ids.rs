//! Typed ids. A raw integer crosses into them by `new` and out by `get`, so that every crossing can be searched for.

pub use super::uuid::{TopicId, Uuid};
use std::fmt;

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident($raw:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name($raw);

        impl $name {
            /// Wraps a raw value, as it stands on the wire or on disk.
            pub const fn new(raw: $raw) -> Self {
                Self(raw)
            }
            /// The raw value.
            pub const fn get(self) -> $raw {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

typed_id!(
    /// The place of a record in its partition, counted from 0; -1 where Kafka says "none".
    Offset(i64)
);
typed_id!(
    /// A byte position in a segment file.
    Position(u64)
);
typed_id!(
    /// The number of a partition within its topic, from 0.
    PartitionIndex(i32)
);
typed_id!(
    /// Counts the leaders that a partition has had; -1 where a client does not know.
    LeaderEpoch(i32)
);
typed_id!(
    /// An idempotent producer; -1 for a producer that is not.
    ProducerId(i64)
);
typed_id!(
    /// Fences the older incarnations of a producer; -1 with no producer id.
    ProducerEpoch(i16)
);
typed_id!(
    /// A broker's `node.id`.
    BrokerId(i32)
);
typed_id!(
    /// A shard of this process: an executor on a core of its own.
    ShardId(u16)
);

impl Offset {
    /// No offset.
    pub const NONE: Self = Self(-1);
    /// The first offset of a partition.
    pub const ZERO: Self = Self(0);
    /// The offset `delta` records on; saturates at the ends of the range.
    #[must_use]
    pub const fn plus(self, delta: i64) -> Self {
        Self(self.0.saturating_add(delta))
    }
    /// The next offset.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }
}

impl Position {
    /// The position `bytes` further on; saturates.
    #[must_use]
    pub const fn plus(self, bytes: u64) -> Self {
        Self(self.0.saturating_add(bytes))
    }
}

impl LeaderEpoch {
    /// No epoch known.
    pub const NONE: Self = Self(-1);
    /// The epoch of the next leader; saturates.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl ProducerId {
    /// A producer without idempotence.
    pub const NONE: Self = Self(-1);
}

impl ProducerEpoch {
    /// The epoch of a producer without idempotence.
    pub const NONE: Self = Self(-1);
}

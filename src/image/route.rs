//! Which shard owns a partition: a function of its id alone, so that any shard can route without asking.

use crate::base::ids::{PartitionIndex, ShardId, TopicId};

/// The owner of a partition among `shards` (at least 1; 0 counts as 1). A topic's partitions go round the shards, from a
/// start that its id decides. The owner of a partition is not written anywhere: another `shards` is another layout.
#[inline]
pub fn shard_of(topic_id: TopicId, partition: PartitionIndex, shards: u16) -> ShardId {
    let id = u128::from_be_bytes(topic_id.get());
    // Ids are mostly random; the multiplication spreads the few that are not.
    let folded = (id as u64 ^ (id >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let place = folded.wrapping_add(u64::from(partition.get().unsigned_abs()));
    ShardId::new((place % u64::from(shards.max(1))) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn partitions_go_round_and_topics_spread() {
        let mut random = Random::from_seed(1);
        let mut first = [0u32; 8];
        for _ in 0..8_000 {
            let id = random.uuid();
            let start = shard_of(id, PartitionIndex::new(0), 8).get();
            first[usize::from(start)] += 1;
            for partition in 0..20 {
                let owner = shard_of(id, PartitionIndex::new(partition), 8).get();
                assert_eq!(owner, ((u32::from(start) + partition as u32) % 8) as u16);
            }
        }
        assert!(first.iter().all(|&count| (800..1_200).contains(&count)), "{first:?}");
        assert_eq!(shard_of(random.uuid(), PartitionIndex::new(3), 1), ShardId::new(0));
        assert_eq!(shard_of(random.uuid(), PartitionIndex::new(3), 0), ShardId::new(0));
    }

    #[test]
    fn the_layout_is_stable() {
        // A change here would move every partition of every running cluster on its next start.
        assert_eq!(shard_of(TopicId::from_u128(1), PartitionIndex::new(0), 16), ShardId::new(9));
    }
}

//! Where a group lives.

use crate::base::ids::PartitionIndex;

/// The partition of `__consumer_offsets` that holds a group, among `partitions` of them (at least 1). Kafka's choice,
/// and thus fixed: Java's hash of the name, without its sign, modulo the number of partitions.
pub fn partition_of(group_id: &str, partitions: i32) -> PartitionIndex {
    let hash =
        group_id.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    PartitionIndex::new((hash & i32::MAX) % partitions.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_java() {
        assert_eq!(partition_of("", 50).get(), 0);
        // "hello".hashCode() == 99162322
        assert_eq!(partition_of("hello", 50).get(), 22);
        // "polygenelubricants".hashCode() == Integer.MIN_VALUE
        assert_eq!(partition_of("polygenelubricants", 50).get(), 0);
        assert_eq!(partition_of("anything", 0).get(), 0);
    }
}

//! A map whose clones share what they have in common: a new version costs the buckets that it changes, not the map.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Buckets of a map that is not empty. A change copies one bucket and the list of buckets: at 10,000 entries ten entries
/// and 8 KiB.
const BUCKETS: usize = 1024;

#[derive(Clone)]
struct Entry<K, V> {
    hash: u64,
    key: K,
    value: V,
}

/// Entries of one bucket, sorted by hash.
type Bucket<K, V> = Vec<Entry<K, V>>;

/// A hash map for data that is read everywhere and changed in one place. `Clone` costs a reference count.
#[derive(Clone)]
pub struct SharedMap<K, V> {
    /// Either none (an empty map that was never filled) or `BUCKETS`.
    buckets: Arc<Vec<Arc<Bucket<K, V>>>>,
    len: usize,
}

fn hash_of<Q: Hash + ?Sized>(key: &Q) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// The bucket is chosen by the low bits; within it the whole hash sorts.
const fn bucket_of(hash: u64) -> usize {
    hash as usize % BUCKETS
}

fn find<K, V, Q>(bucket: &[Entry<K, V>], hash: u64, key: &Q) -> Result<usize, usize>
where
    K: Borrow<Q>,
    Q: Eq + ?Sized,
{
    let first = bucket.partition_point(|entry| entry.hash < hash);
    let same = bucket.iter().skip(first).take_while(|entry| entry.hash == hash);
    same.enumerate().find(|(_, entry)| entry.key.borrow() == key).map(|(at, _)| first + at).ok_or(first)
}

impl<K, V> SharedMap<K, V> {
    /// An empty map; takes no memory.
    pub fn new() -> Self {
        Self { buckets: Arc::new(Vec::new()), len: 0 }
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All entries, in an order that says nothing but is the same for maps built alike.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.buckets.iter().flat_map(|bucket| bucket.iter()).map(|entry| (&entry.key, &entry.value))
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Hash + Eq, V> SharedMap<K, V> {
    /// The value under `key`.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = hash_of(key);
        let bucket = self.buckets.get(bucket_of(hash))?;
        let at = find(bucket, hash, key).ok()?;
        bucket.get(at).map(|entry| &entry.value)
    }

    /// Whether there is a value under `key`.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get(key).is_some()
    }
}

impl<K: Hash + Eq + Clone, V: Clone> SharedMap<K, V> {
    fn bucket_mut(&mut self, hash: u64) -> Option<&mut Bucket<K, V>> {
        Arc::make_mut(&mut self.buckets).get_mut(bucket_of(hash)).map(Arc::make_mut)
    }

    /// The value under `key`, to be changed in this version of the map only.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = hash_of(key);
        let at = find(self.buckets.get(bucket_of(hash))?, hash, key).ok()?;
        self.bucket_mut(hash)?.get_mut(at).map(|entry| &mut entry.value)
    }

    /// Puts `value` under `key` and returns what was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        if self.buckets.is_empty() {
            self.buckets = Arc::new(vec![Arc::default(); BUCKETS]);
        }
        let hash = hash_of(&key);
        let bucket = self.bucket_mut(hash)?;
        match find(bucket, hash, &key) {
            Ok(at) => bucket.get_mut(at).map(|entry| std::mem::replace(&mut entry.value, value)),
            Err(at) => {
                bucket.insert(at, Entry { hash, key, value });
                self.len += 1;
                None
            }
        }
    }

    /// Takes the value under `key` out.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = hash_of(key);
        let at = find(self.buckets.get(bucket_of(hash))?, hash, key).ok()?;
        let removed = self.bucket_mut(hash)?.remove(at);
        self.len -= 1;
        Some(removed.value)
    }
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Hash + Eq, V: PartialEq> PartialEq for SharedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len
            && (Arc::ptr_eq(&self.buckets, &other.buckets)
                || self.iter().all(|(key, value)| other.get(key) == Some(value)))
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SharedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use std::collections::HashMap;

    #[test]
    fn behaves_as_a_hash_map_and_versions_stay() {
        let mut random = Random::from_seed(7);
        let mut map = SharedMap::new();
        let mut model = HashMap::new();
        let mut versions = Vec::new();
        for step in 0..5_000u64 {
            let key = format!("k{}", random.below(700));
            if random.below(3) == 0 {
                assert_eq!(map.remove(key.as_str()), model.remove(&key));
            } else if random.below(3) == 0 {
                let changed = map.get_mut(key.as_str()).map(|value| *value += 1).is_some();
                assert_eq!(changed, model.get_mut(&key).map(|value| *value += 1).is_some());
            } else {
                assert_eq!(map.insert(key.clone(), step), model.insert(key, step));
            }
            assert_eq!(map.len(), model.len());
            if step % 500 == 0 {
                versions.push((map.clone(), model.clone()));
            }
        }
        versions.push((map, model));
        for (map, model) in versions {
            assert_eq!(map.iter().map(|(k, v)| (k.clone(), *v)).collect::<HashMap<_, _>>(), model);
            assert!(model.iter().all(|(key, value)| map.get(key.as_str()) == Some(value)));
        }
    }

    #[test]
    fn equality_is_by_content() {
        let (mut left, mut right) = (SharedMap::new(), SharedMap::new());
        assert_eq!(left, right);
        for n in 0..100 {
            left.insert(n, n);
            right.insert(99 - n, 99 - n);
        }
        assert_eq!(left, right);
        right.insert(5, 6);
        assert_ne!(left, right);
        left.remove(&5);
        assert_ne!(left, right);
    }
}

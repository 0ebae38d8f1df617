//! Injected randomness: seeded, so that a failing run can be replayed.

use super::ids::Uuid;

/// A small, fast generator (xoshiro256**), not for secrets.
#[derive(Clone, Debug)]
pub struct Random([u64; 4]);

impl Random {
    /// The sequence that belongs to `seed`.
    pub fn from_seed(seed: u64) -> Self {
        // SplitMix64 spreads the seed, as the generator's authors advise: the state must not be all zero.
        let mut state = seed;
        Self(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }))
    }

    /// A sequence that the operating system seeds.
    pub fn from_os() -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self::from_seed(RandomState::new().hash_one(std::process::id()))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number from 0 to `bound` - 1; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A random id. Never one that starts with `-`: tools would take it for a flag; never zero.
    pub fn uuid(&mut self) -> Uuid {
        loop {
            let value = (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64());
            // Version 4, variant 2, as Java's random UUIDs.
            let value = value & !(0xf << 76) | (0x4 << 76);
            let value = value & !(0x3 << 62) | (0x2 << 62);
            let id = Uuid::from_u128(value);
            if !id.to_string().starts_with('-') {
                return id;
            }
        }
    }
}

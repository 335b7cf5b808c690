// SPDX-License-Identifier: GPL-2.0
//! The pseudo-random number generator that programs are drawn with.
//!
//! Splitmix64: one word of state, the same numbers for the same seed on every
//! machine and in every release, so that a campaign can be repeated.

/// A source of pseudo-random numbers.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The generator for a seed.
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// The next 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// The next 32 bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// A number below `bound`; 0 if the bound is 0.
    #[inline]
    pub fn below(&mut self, bound: usize) -> usize {
        ((u64::from(self.next_u32()) * bound as u64) >> 32) as usize
    }

    /// A number of an inclusive range.
    #[inline]
    pub fn range(&mut self, first: i32, last: i32) -> i32 {
        let count = (i64::from(last) - i64::from(first) + 1) as usize;
        (i64::from(first) + self.below(count) as i64) as i32
    }

    /// True with probability `of` / `in_all`.
    #[inline]
    pub fn chance(&mut self, of: usize, in_all: usize) -> bool {
        self.below(in_all) < of
    }

    /// One of the items; there must be at least one.
    #[inline]
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// An index, drawn with these weights.
    #[inline]
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u32 = weights.iter().sum();
        let mut left = self.below(total as usize) as u32;
        for (i, &weight) in weights.iter().enumerate() {
            if left < weight {
                return i;
            }
            left -= weight;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut rng = Rng::new(1);
        assert_eq!(rng.next_u64(), 0x910a_2dec_8902_5cc1);
        assert_eq!(rng.next_u64(), 0xbeeb_8da1_658e_ec67);
    }

    #[test]
    fn draws_stay_in_their_bounds() {
        let mut rng = Rng::new(7);
        for _ in 0..1000 {
            assert!(rng.below(3) < 3);
            assert!((-2..=2).contains(&rng.range(-2, 2)));
            assert_ne!(rng.weighted(&[1, 0, 5]), 1);
            rng.range(i32::MIN, i32::MAX);
        }
        assert_eq!(rng.below(0), 0);
        assert!(rng.chance(1, 1) && !rng.chance(0, 1));
    }
}

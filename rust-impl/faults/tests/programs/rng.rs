// SPDX-License-Identifier: GPL-2.0
//! What the programs are drawn with.

/// A small generator of random numbers.
#[derive(Clone)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        // at 0, it would stay there
        Rng(seed | 1)
    }

    pub fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) as u32) % n
    }

    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }

    /// A protection key. Drawn from a copy: what follows is as it would be without it.
    pub fn pkey(&self) -> u32 {
        let mut copy = self.clone();
        if copy.one_in(4) { copy.below(4) } else { 0 }
    }

    /// A PKRU, drawn in the same way.
    pub fn pkru(&self) -> u32 {
        let mut copy = self.clone();
        if copy.one_in(3) { copy.below(256) } else { 0 }
    }

    /// Another generator, for those whose number of draws should not change what follows.
    pub fn fork(&mut self) -> Rng {
        Rng::new(u64::from(self.below(u32::MAX)) << 16)
    }
}

//! Splittable random streams: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).

use crate::FiberCx;

impl FiberCx {
    /// The next 64 random bits of this fiber's own stream.
    pub fn next_random(&self) -> u64 {
        let slot = self.slot();
        if let Some(stream) = &mut slot.random {
            return stream.next_u64();
        }
        let mut stream = self.random_stream();
        let bits = stream.next_u64();
        self.slot().random = Some(stream);
        bits
    }
}

/// A stream of pseudo-random numbers. Its clones repeat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    state: u64,
}

impl Stream {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Stream { state: seed }
    }

    /// The stream of a fiber: depends on the seed and the fiber's path alone, so that removing
    /// one fiber never shifts the numbers of another.
    pub fn of_fiber(seed: u64, path_hash: u64) -> Self {
        let mut s = Stream {
            state: seed ^ path_hash.rotate_left(32),
        };
        let state = s.next_u64() ^ path_hash;
        Stream { state }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, without bias; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Multiply-shift with rejection (Lemire 2019).
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(bound);
            if wide as u64 >= threshold {
                return (wide >> 64) as u64;
            }
        }
    }

    /// A number in `[0, 1)` with 53 random bits.
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

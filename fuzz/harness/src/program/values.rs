// SPDX-License-Identifier: GPL-2.0
//! The numbers that counts are drawn from: mostly ordinary ones, and on purpose those at
//! which the code branches or overflows.

use super::rng::Rng;

/// `GUP_PIN_COUNTING_BIAS`: what one pin of a small page adds to its refcount.
pub const BIAS: i32 = crate::world::folio::PIN_BIAS;

/// Boundary values: of signs, of the bias, of the "close to overflow" zone -127..=0, of
/// multiplication by the bias, and of `int`.
pub const EDGES: &[i32] = &[
    0,
    -1,
    1,
    2,
    -2,
    3,
    BIAS - 1,
    BIAS,
    BIAS + 1,
    -BIAS,
    1 - BIAS,
    -BIAS - 1,
    2 * BIAS - 1,
    2 * BIAS,
    2 * BIAS + 1,
    16 * BIAS,
    -126,
    -127,
    -128,
    127,
    128,
    511,
    512,
    513,
    4095,
    -4095,
    -4096,
    0x1f_ffff,
    0x20_0000,
    0x3f_ffff,
    0x40_0000,
    i32::MAX / BIAS,
    i32::MAX,
    i32::MAX - 1,
    i32::MAX - 127,
    i32::MAX - 128,
    i32::MAX - BIAS,
    i32::MAX - (BIAS - 1),
    i32::MAX - (BIAS - 2),
    i32::MIN,
    i32::MIN + 1,
    i32::MIN + BIAS,
    i32::MIN + 127,
];

/// A boundary value or its neighbour.
pub fn edge(rng: &mut Rng) -> i32 {
    let edge = rng.pick(EDGES);
    match rng.below(8) {
        0 => edge.wrapping_add(rng.range(-2, 2)),
        1 => rng.range(-4, 40).wrapping_mul(BIAS),
        2 if rng.chance(1, 4) => rng.next_u32() as i32,
        _ => edge,
    }
}

/// The number of references or pins that one operation takes or drops.
pub fn refs(rng: &mut Rng, nr_pages: usize) -> i32 {
    match rng.weighted(&[48, 12, 16, 8, 16]) {
        0 => 1,
        1 => 2,
        2 => rng.range(2, 16),
        3 => nr_pages as i32,
        _ => edge(rng),
    }
}

/// The refcount of a folio.
pub fn refcount(rng: &mut Rng, nr_pages: usize) -> i32 {
    match rng.weighted(&[24, 30, 12, 16, 4, 4, 10]) {
        0 => 1,
        1 => rng.range(2, 12),
        2 => nr_pages as i32 + rng.range(0, 2),
        3 => rng.range(1, 8) * BIAS + rng.range(-1, 4),
        4 => 0,
        5 => i32::MAX - rng.range(0, 3 * BIAS),
        _ => edge(rng),
    }
}

/// The pin count of a large folio with this many references.
pub fn pincount(rng: &mut Rng, refs: i32) -> i32 {
    match rng.weighted(&[60, 16, 10, 14]) {
        0 => 0,
        1 => rng.range(1, 4),
        2 => rng.range(0, refs.clamp(0, 4096)),
        _ => edge(rng),
    }
}

/// A number close to another, or a boundary value.
pub fn tweak(rng: &mut Rng, value: i32) -> i32 {
    match rng.below(8) {
        0 => value.wrapping_add(1),
        1 => value.wrapping_sub(1),
        2 => value.wrapping_neg(),
        3 => value.wrapping_mul(2),
        4 => value.wrapping_add(rng.pick(&[BIAS, -BIAS, 127, -127])),
        5 => value ^ (1 << rng.below(32)),
        6 => rng.range(0, 4),
        _ => edge(rng),
    }
}

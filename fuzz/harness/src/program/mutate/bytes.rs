// SPDX-License-Identifier: GPL-2.0
//! The interfaces that libFuzzer and AFL++ expect of custom mutators.

use super::super::profile::Profile;
use super::super::rng::Rng;
use super::super::{Program, generate, wire};
use super::{crossover, go_on, mutate};

/// Mutates the `size` bytes of a program in place and returns their new number, at most
/// `max_size` and at most the buffer's length.
///
/// For `libfuzzer_sys::fuzz_mutator!` and AFL++'s `afl_custom_fuzz`.
pub fn mutate_bytes(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u64,
    profile: &Profile,
) -> usize {
    let mut rng = Rng::new(seed);
    let size = size.min(data.len());
    let mut program = match size < wire::MIN_LEN || rng.chance(1, 16) {
        true => generate::program(&mut rng, profile),
        false => Program::decode(&data[..size]),
    };
    if size >= wire::MIN_LEN {
        mutate(&mut program, &mut rng, profile);
        if rng.chance(1, 2) {
            go_on(&mut program, &mut rng, profile);
        }
    }
    write_bounded(&mut program, data, max_size)
}

/// Crosses two programs' bytes; returns the number of bytes written to `out`, at most
/// `max_size`.
///
/// For `libfuzzer_sys::fuzz_crossover!` and AFL++'s splicing.
pub fn crossover_bytes(
    a: &[u8],
    b: &[u8],
    out: &mut [u8],
    max_size: usize,
    seed: u64,
    profile: &Profile,
) -> usize {
    let mut rng = Rng::new(seed);
    let (a, b) = (Program::decode(a), Program::decode(b));
    let mut child = crossover(&a, &b, &mut rng, profile);
    if rng.chance(1, 2) {
        mutate(&mut child, &mut rng, profile);
    }
    write_bounded(&mut child, out, max_size)
}

/// Writes a program, without operations and folios that do not fit.
fn write_bounded(program: &mut Program, out: &mut [u8], max_size: usize) -> usize {
    let room = out.len().min(max_size);
    while program.encoded_len() > room {
        let (ops, folios) = (program.nr_ops(), program.nr_folios());
        if ops > 0 {
            program.truncate_ops(ops - 1);
        } else if folios > 1 {
            program.remove_folio(folios - 1);
        } else if program.world().pkru != 0 {
            program.0.world.pkru = 0;
        } else {
            break;
        }
    }
    match program.encode_to(&mut out[..room]) {
        Some(written) => written,
        None => {
            // not even one folio fits; a prefix of its bytes is a program too
            let bytes = program.encode();
            out[..room].copy_from_slice(&bytes[..room]);
            room
        }
    }
}

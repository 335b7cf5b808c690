// SPDX-License-Identifier: GPL-2.0
//! Stubs for symbols that the harness does not provide: each ends the program with a gap of
//! that name.

use crate::error::{Error, Result, at};
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, elf};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

/// Names and prefixes that are resolved later: the C library and the engines' runtimes.
pub const ELSEWHERE: (&[&str], &[&str]) = (NAMES, PREFIXES);

const NAMES: &[&str] = &[
    "memset",
    "memcpy",
    "memmove",
    "memcmp",
    "strlen",
    "strcmp",
    "_GLOBAL_OFFSET_TABLE_",
    "__ehdr_start",
];
const PREFIXES: &[&str] = &[
    "__sanitizer_",
    "__sancov_",
    "__start_",
    "__stop_",
    "__afl_",
    "__llvm_",
    "__asan_",
    "__ubsan_",
    "gd_",
];

/// C source with a stub for every undefined symbol.
pub fn source(units: &[PathBuf]) -> Result<String> {
    let (mut defined, mut wanted) = (BTreeSet::new(), BTreeMap::new());
    for unit in units {
        let data = fs::read(unit).map_err(at(unit))?;
        scan(&data, &mut defined, &mut wanted)
            .map_err(|e| Error::Damaged(unit.clone(), e.to_string()))?;
    }
    wanted.retain(|name: &String, _| {
        !defined.contains(name)
            && !NAMES.contains(&name.as_str())
            && !PREFIXES.iter().any(|p| name.starts_with(p))
    });
    let stub = |(i, (name, called)): (usize, (&String, &bool))| match called {
        true => format!("void {name}(void) {{ gd_gap({i}); }}\n"),
        // a read of data cannot be intercepted: provide zeros
        false => format!("char {name}[4096] __attribute__((aligned(64)));\n"),
    };
    let stubs: String = wanted.iter().enumerate().map(stub).collect();
    let names: String = wanted
        .keys()
        .map(|name| format!("\t\"{name}\",\n"))
        .collect();
    Ok(format!(
        "extern void gd_gap(unsigned int) __attribute__((noreturn));\n{stubs}\
         const char *const gd_gap_names[] = {{\n{names}\t0\n}};\n"
    ))
}

/// Records the symbols that a unit defines and needs; true if it calls them.
fn scan(
    data: &[u8],
    defined: &mut BTreeSet<String>,
    wanted: &mut BTreeMap<String, bool>,
) -> object::Result<()> {
    let file = object::File::parse(data)?;
    for symbol in file.symbols() {
        let Ok(name) = symbol.name() else { continue };
        if name.is_empty() {
            continue;
        }
        if symbol.is_undefined() {
            wanted.entry(name.into()).or_default();
        } else if symbol.is_global() {
            defined.insert(name.into());
        }
    }
    for section in file.sections() {
        for (_, relocation) in section.relocations() {
            let RelocationTarget::Symbol(index) = relocation.target() else {
                continue;
            };
            let object::RelocationFlags::Elf { r_type } = relocation.flags() else {
                continue;
            };
            let symbol = file.symbol_by_index(index)?;
            if r_type == elf::R_X86_64_PLT32 && symbol.is_undefined() {
                wanted.insert(symbol.name()?.into(), true);
            }
        }
    }
    Ok(())
}

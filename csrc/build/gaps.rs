// SPDX-License-Identifier: GPL-2.0
//! Stubs for what the harness does not provide: each ends the program with
//! its own name.

use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, elf};
use std::{collections::BTreeMap, collections::BTreeSet, fmt::Write, fs, path::PathBuf};

/// Left to the final link: the C library and the engines' runtimes.
const ELSEWHERE: &[&str] = &[
    "memset",
    "memcpy",
    "memmove",
    "memcmp",
    "strlen",
    "strcmp",
    "_GLOBAL_OFFSET_TABLE_",
];
const ELSEWHERE_PREFIXES: &[&str] = &[
    "__sanitizer_",
    "__sancov_",
    "__start_",
    "__stop_",
    "__afl_",
    "__llvm_",
    "gd_",
];

/// C source with a stub for every symbol that the units leave undefined.
pub fn source(units: &[PathBuf]) -> Result<String> {
    let (mut defined, mut wanted) = (BTreeSet::new(), BTreeMap::new());
    for unit in units {
        scan(unit, &mut defined, &mut wanted)?;
    }
    wanted.retain(|name, _| {
        !defined.contains(name)
            && !ELSEWHERE.contains(&name.as_str())
            && !ELSEWHERE_PREFIXES.iter().any(|p| name.starts_with(p))
    });

    let mut c = String::from("extern void gd_gap(unsigned int) __attribute__((noreturn));\n");
    for (i, (name, called)) in wanted.iter().enumerate() {
        if *called {
            writeln!(c, "void {name}(void) {{ gd_gap({i}); }}")?;
        } else {
            // nobody can be stopped at a read of data: give zeros
            writeln!(c, "char {name}[4096] __attribute__((aligned(64)));")?;
        }
    }
    writeln!(c, "const char *const gd_gap_names[] = {{")?;
    for name in wanted.keys() {
        writeln!(c, "\t\"{name}\",")?;
    }
    writeln!(
        c,
        "\t0\n}};\nconst unsigned int gd_nr_gaps = {};",
        wanted.len()
    )?;
    Ok(c)
}

/// Notes what a unit defines, and what it wants: true if it calls it.
fn scan(
    unit: &PathBuf,
    defined: &mut BTreeSet<String>,
    wanted: &mut BTreeMap<String, bool>,
) -> Result<()> {
    let data = fs::read(unit)?;
    let file = object::File::parse(&*data).with_context(|| unit.display().to_string())?;
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

// SPDX-License-Identifier: GPL-2.0
//! What a tree lacks, in the names of the kernel.

use gup_sides::compile::Piece;

use crate::ops;
use crate::rev::Rev;

/// The operation with a role, in C's spelling.
pub(super) fn by_role(role: &str) -> Option<&'static ops::OpInfo> {
    ops::by_role(&role.to_ascii_lowercase().replace('_', "-"))
}

/// Translates to the kernel's names.
pub(super) fn absent_name(piece: &Piece, rev: Rev) -> String {
    match piece {
        Piece::Operation(role) => {
            let name = by_role(role).map_or(role.as_str(), |op| op.name_or_role(rev));
            format!("{name} (renamed or removed?)")
        }
        Piece::Row(row) => row_name(row),
        Piece::Part(part) => part.to_lowercase(),
        // the tree has the other variant
        Piece::Spelling(name) => name.clone(),
    }
}

/// Prefixes of table rows in csrc/shim/port, and the kernel's prefixes.
const ROWS: [(&str, &str); 9] = [
    ("GD_FOLL_", "FOLL_"),
    ("GD_F_", "PG_"),
    ("GD_EF_", "_PAGE_"),
    ("GD_MT_", "MIGRATE_"),
    ("GD_M_", "PAGE_MAPPING_"),
    ("GD_VM_", "VM_"),
    ("GD_FAULT_", "VM_FAULT_"),
    ("GD_FF_", "FAULT_FLAG_"),
    ("GD_K_DEV_", "MEMORY_DEVICE_"),
];

/// Things that not all kernels have, as named in [`SideInfo::lacks`]: since some release,
/// and until another.
const NOT_EVERYWHERE: [(&str, Option<Rev>, Option<Rev>); 8] = [
    ("CONFIG_SECRETMEM", Some(Rev::linux(5, 14)), None),
    ("FOLL_NOFAULT", Some(Rev::linux(5, 16)), None),
    ("FAULT_FLAG_UNSHARE", Some(Rev::linux(5, 19)), None),
    ("MEMORY_DEVICE_COHERENT", Some(Rev::linux(6, 0)), None),
    ("VM_FAULT_COMPLETED", Some(Rev::linux(6, 0)), None),
    // v6.2: "mm: remove VM_FAULT_WRITE"
    ("VM_FAULT_WRITE", None, Some(Rev::linux(6, 2))),
    ("VM_SHADOW_STACK", Some(Rev::linux(6, 6)), None),
    ("CONFIG_X86_USER_SHADOW_STACK", Some(Rev::linux(6, 6)), None),
];

/// Does no kernel of a revision have something that a tree lacks?  Then it is not reported.
pub fn is_of_others(lack: &str, rev: Rev) -> bool {
    NOT_EVERYWHERE.iter().any(|&(name, since, until)| {
        let early = since.is_some_and(|since| rev < since);
        let late = until.is_some_and(|until| rev >= until);
        name == lack && (early || late)
    })
}

/// The kernel's name for a row of a table.
fn row_name(row: &str) -> String {
    if row == "GD_T_DEVICE" {
        return "ZONE_DEVICE".into();
    }
    let of = |(ours, kernel)| row.strip_prefix(ours).map(|name| (kernel, name));
    match ROWS.into_iter().find_map(of) {
        // these are in lower case
        Some((kernel @ "PG_", name)) => format!("{kernel}{}", name.to_lowercase()),
        Some((kernel, name)) => format!("{kernel}{name}"),
        None => row.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn what_a_tree_lacks_is_said_in_the_words_of_the_kernel() {
        let operation = |role: &str| absent_name(&Piece::Operation(role.into()), Rev::V6_1);
        assert_eq!(
            operation("GRAB_SLOW"),
            "try_grab_page (renamed or removed?)"
        );
        let row = |name: &str| absent_name(&Piece::Row(name.into()), Rev::V6_1);
        assert_eq!(row("GD_FOLL_LONGTERM"), "FOLL_LONGTERM");
        assert_eq!(row("GD_F_PRIVATE_2"), "PG_private_2");
        assert_eq!(row("GD_EF_DEVMAP"), "_PAGE_DEVMAP");
        assert_eq!(row("GD_VM_SHADOW_STACK"), "VM_SHADOW_STACK");
    }

    /// Every row that a tree may lack has a name that its developers know.
    #[test]
    fn rows_are_named_as_in_the_kernel() {
        let port = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../csrc/shim/port");
        let mut rows = 0;
        for file in fs::read_dir(port).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            for line in text.lines() {
                let row = line
                    .trim()
                    .strip_prefix('[')
                    .and_then(|l| l.split_once("] ="));
                let Some((row, _)) = row else { continue };
                assert!(!row_name(row).starts_with("GD_"), "{row}");
                rows += 1;
            }
        }
        assert!(rows > 50, "{rows} rows");
    }
}

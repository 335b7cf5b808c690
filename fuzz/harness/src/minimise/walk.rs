// SPDX-License-Identifier: GPL-2.0
//! Passes for the script, page-table entries, VMAs and addresses.

use csrc::abi;

use super::Shrinker;
use crate::hooks::{self, Object};
use crate::program::walk::{self, ADDR_MASK, Level, PAGE_SIZE};
use crate::program::{Program, page, split_page};

/// Removes actions: first all of one operation, then single ones, the last first.  This
/// comes before removing operations, which also removes their actions.
pub(super) fn drop_acts(s: &mut Shrinker) {
    for i in (0..s.best().nr_ops()).rev() {
        s.edit(|p| p.remove_acts(p.acts_range(i)));
    }
    let mut i = s.best().nr_acts();
    while i > 0 {
        i -= 1;
        s.edit(|p| p.remove_acts(i..i + 1));
    }
}

/// Simplifies hook points: the first time, the first page; or a change before the operation
/// instead of an action.
pub(super) fn hook_points(s: &mut Shrinker) {
    let mut i = 0;
    while i < s.best().nr_acts() {
        for nth in 1..s.best().acts()[i].nth.min(8) {
            if s.edit(|p| p.acts_mut()[i].nth = nth) {
                break;
            }
        }
        let (index, _) = split_page(s.best().acts()[i].at_page);
        for at_page in [page(0, 0), page(index, 0)] {
            if at_page < s.best().acts()[i].at_page && s.edit(|p| p.acts_mut()[i].at_page = at_page)
            {
                break;
            }
        }
        if !s.edit(|p| do_before(p, i)) {
            i += 1;
        }
    }
}

/// Moves an action before its operation.
fn do_before(p: &mut Program, i: usize) {
    let act = p.acts()[i];
    p.remove_acts(i..i + 1);
    p.insert_op(act.owner.into(), act.op);
}

/// Simplifies entries: writable pages, else none, without flags; the lowest level.
pub(super) fn entries(s: &mut Shrinker) {
    const PLAIN: u16 = 1 << abi::GD_EF_RW;
    let plainest = |kind: u8| match u32::from(kind) {
        abi::GD_E_PAGE => 0,
        abi::GD_E_NONE => 1,
        _ => 2,
    };
    for i in 0..s.best().nr_all() {
        if walk::set_level(s.best().any_op(i).op).is_none() {
            continue;
        }
        let op = move |s: &Shrinker| *s.best().any_op(i);
        for kind in [abi::GD_E_PAGE as u8, abi::GD_E_NONE as u8] {
            if plainest(kind) < plainest(op(s).entry) {
                let flags = if plainest(kind) == 0 { PLAIN } else { 0 };
                let plain = |p: &mut Program| {
                    p.any_op_mut(i).entry = kind;
                    p.any_op_mut(i).eflags = flags;
                };
                if s.edit(plain) {
                    break;
                }
            }
        }
        if op(s).eflags != PLAIN && !s.edit(|p| p.any_op_mut(i).eflags = PLAIN) {
            s.edit(|p| p.any_op_mut(i).eflags = 0);
            for flag in (0..abi::GD_NR_ENTRY_FLAGS).rev() {
                if op(s).eflags & 1 << flag != 0 {
                    s.edit(|p| p.any_op_mut(i).eflags &= !(1 << flag));
                }
            }
        }
        for level in walk::LEVELS {
            if walk::set_level(op(s).op) > Some(level)
                && s.edit(|p| p.any_op_mut(i).op = level.set_op())
            {
                break;
            }
        }
    }
}

/// Simplifies VMAs: none, else anonymous, one page long, few flags; first those of a simple
/// VMA.
pub(super) fn vmas(s: &mut Shrinker) {
    const PLAIN: i32 = 1 << abi::GD_VM_READ
        | 1 << abi::GD_VM_WRITE
        | 1 << abi::GD_VM_MAYREAD
        | 1 << abi::GD_VM_MAYWRITE;
    for i in 0..s.best().nr_all() {
        if !walk::is_vma(s.best().any_op(i).op) {
            continue;
        }
        let op = move |s: &Shrinker| *s.best().any_op(i);
        if op(s).n == 0 || s.edit(|p| p.any_op_mut(i).n = 0) {
            continue;
        }
        let anon = abi::GD_V_ANON as u8;
        if (op(s).entry, op(s).val) != (anon, PLAIN) {
            s.edit(|p| (p.any_op_mut(i).entry, p.any_op_mut(i).val) = (anon, PLAIN));
        }
        s.edit(|p| p.any_op_mut(i).entry = anon);
        for flag in (0..abi::GD_NR_VM_FLAGS).rev() {
            if op(s).val & 1 << flag != 0 {
                s.edit(|p| p.any_op_mut(i).val &= !(1 << flag));
            }
        }
        for n in [1, 2, 4, 8, 16, 512] {
            if n < op(s).n && s.edit(|p| p.any_op_mut(i).n = n) {
                break;
            }
        }
    }
}

/// Calls a function for every address of a program.
fn each_address(p: &mut Program, mut f: impl FnMut(&mut u64)) {
    p.each_op(|op| {
        if walk::has_address(op.op) && !(walk::is_vma(op.op) && op.n == 0) {
            f(&mut op.addr);
        }
    });
    for act in p.acts_mut() {
        if let Object::Entry(_) = hooks::object(act.hook) {
            f(&mut act.at_addr);
        }
    }
}

/// All addresses, without duplicates, the lowest first.
fn known_addresses(p: &Program, of: impl Fn(u64) -> u64) -> Vec<u64> {
    let mut all = Vec::new();
    let mut copy = *p;
    each_address(&mut copy, |addr| all.push(of(*addr)));
    all.sort_unstable();
    all.dedup();
    all
}

/// Simplifies addresses: page-aligned, in user space, in the first regions of the address
/// space and at their first pages.  Addresses in the same region move together; otherwise
/// the walk would not find its entries.
pub(super) fn addresses(s: &mut Shrinker) {
    s.edit(|p| each_address(p, |addr| *addr &= !(PAGE_SIZE - 1)));
    s.edit(|p| each_address(p, |addr| *addr &= ADDR_MASK));
    for i in 0..s.best().nr_all() {
        for plain in [ADDR_MASK, !(PAGE_SIZE - 1)] {
            s.edit(|p| p.any_op_mut(i).addr &= plain);
        }
    }
    // regions of a PGD, of a PUD, of a PMD entry
    for level in [Level::Pgd, Level::Pud, Level::Pmd] {
        regions(s, level);
    }
    // the pages of a region, starting with the first one
    for region in known_addresses(s.best(), |addr| addr >> Level::Pmd.shift()) {
        let inside = |addr: u64| addr >> Level::Pmd.shift() == region;
        let all = known_addresses(s.best(), |addr| addr);
        let first = all.into_iter().find(|addr| inside(*addr)).unwrap_or(0);
        let start = region << Level::Pmd.shift();
        for to in [start + PAGE_SIZE, start] {
            // keep addresses different from 0
            if to != 0
                && (to < first || first == 0)
                && s.edit(|p| move_region(p, inside, first, to))
            {
                break;
            }
        }
    }
    each_on_its_own(s);
}

/// Moves whole regions to the first free ones, or onto each other.
fn regions(s: &mut Shrinker, level: Level) {
    let mask = ADDR_MASK >> level.shift();
    for region in known_addresses(s.best(), |addr| addr >> level.shift() & mask) {
        let inside = |addr: u64| addr >> level.shift() & mask == region;
        for to in 0..region.min(3) {
            let (from, to) = (region << level.shift(), to << level.shift());
            if s.edit(|p| move_region(p, inside, from, to)) {
                break;
            }
        }
    }
}

fn move_region(p: &mut Program, inside: impl Fn(u64) -> bool, from: u64, to: u64) {
    let by = to.wrapping_sub(from);
    each_address(p, |addr| {
        if inside(*addr) {
            *addr = addr.wrapping_add(by);
        }
    });
}

/// The rest: moves each address, in all places, to the first page or half the distance
/// towards it.
fn each_on_its_own(s: &mut Shrinker) {
    for addr in known_addresses(s.best(), |addr| addr) {
        let mut now = addr;
        for _ in 0..16 {
            let candidates = [
                PAGE_SIZE,
                (now / 2) & !(PAGE_SIZE - 1),
                now.saturating_sub(PAGE_SIZE),
            ];
            let plainer = |to: &u64| *to < now && now > PAGE_SIZE;
            let replace = |p: &mut Program, to| {
                each_address(p, |addr| {
                    if *addr == now {
                        *addr = to;
                    }
                });
            };
            let kept = candidates.into_iter().filter(plainer);
            let mut kept = kept.filter(|to| s.edit(|p| replace(p, *to)));
            match kept.next() {
                Some(to) => now = to,
                None => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::text;

    #[test]
    fn a_change_can_be_done_before() {
        let parse = |lines: &str| text::parse(&format!("page p\n{lines}")).unwrap();
        let mut p = parse(
            "get_page p\nput_page p\n| before ref p: set_ref p 3\n| after ref p: set_ref p 4",
        );
        do_before(&mut p, 1);
        p.normalise();
        let expected = parse("get_page p\nset_ref p 4\nput_page p\n| before ref p: set_ref p 3");
        assert_eq!(p, expected);
    }

    #[test]
    fn vmas_and_calls_move_with_what_is_mapped() {
        let parse = |lines: &str| text::parse(&format!("page p\n{lines}")).unwrap();
        let mut p = parse(
            "set_vma 0 0x40001000 anon\nset_vma 1 none\nset_pte 0x40001000 p\n\
             get_user_pages 0x40001234",
        );
        move_region(&mut p, |addr| addr >> 30 == 1, 1 << 30, 0);
        let expected = parse(
            "set_vma 0 0x1000 anon\nset_vma 1 none\nset_pte 0x1000 p\n\
             get_user_pages 0x1234",
        );
        assert_eq!(p, expected);
    }

    #[test]
    fn what_lies_together_moves_together() {
        let parse = |lines: &str| text::parse(&format!("page p\n{lines}")).unwrap();
        let mut p = parse(
            "set_pte 0x40001000 p\nset_pte 0x80000000 none\n\
             get_user_pages_fast 0x40001234\n| before read pte@0x40001000: set_seq 1",
        );
        move_region(&mut p, |addr| addr >> 30 == 1, 1 << 30, 0);
        let expected = parse(
            "set_pte 0x1000 p\nset_pte 0x80000000 none\n\
             get_user_pages_fast 0x1234\n| before read pte@0x1000: set_seq 1",
        );
        assert_eq!(p, expected);
        assert_eq!(
            known_addresses(&p, |addr| addr),
            [0x1000, 0x1234, 0x8000_0000]
        );
    }
}

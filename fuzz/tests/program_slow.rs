// SPDX-License-Identifier: GPL-2.0
//! Programs of the slow layer: their text, and what there is no room for.

use csrc::abi::{self, gd_op};
use harness::layer::{self, Focus};
use harness::program::walk::{self, PAGE_SIZE, TASK_SIZE_MAX};
use harness::program::{NO_OP, Program, text};
use harness::rev::Rev;

fn parse(text: &str) -> Program {
    text::parse(text).unwrap_or_else(|e| panic!("{e}\n{}", e.excerpt(text)))
}

const DECLARED: &str = "names 6.12\nmm slow=1\npage p ref=1\n";

#[test]
fn what_is_written_reads_back() {
    let text = [
        "set_vma 0 0x10000000 n=16 anon read write mayread maywrite",
        "set_vma 7 0x7fffffffe000 gate read exec",
        "set_vma 1 0x10010000 n=65536 file read shared locked uffd_wp shadow_stack",
        "set_vma 2 0x10020000 anon read pkey=3",
        "set_vma 1 none",
        "set_signal kill",
        "get_user_pages 0x10000000 n=2 WRITE",
        "  | before page_table_lock #2: set_pte 0x10000000 none",
        "  | at handle_mm_fault: answer 0",
        "  | at handle_mm_fault #2: answer retry|major",
        "  | at handle_mm_fault #3: answer completed",
        "  | at mmap_read_lock: answer -4",
        "  | at expand_stack: answer -12",
        "  | at lru_add_drain: set_flag p lru",
        "  | at folio_isolate_lru: answer 0",
        "  | at migrate_pages: answer 2",
        "  | at migrate_device_coherent: answer 0",
        "  | at split_huge_pmd: set_signal none",
        "pin_user_pages 0x10000000 n=2 LONGTERM NULL",
        "get_user_pages_remote 0x10000000 n=1 FORCE",
        "pin_user_pages_remote 0x10000000 locked=1 n=1 FORCE",
        "pin_user_pages_remote 0x10000000 locked=0 n=1",
        "get_user_pages_unlocked 0x10000123 n=-1",
        "pin_user_pages_unlocked 0xffffffffffffffff n=1 flags=0x40",
    ];
    let text = format!("{DECLARED}{}\n", text.join("\n"));
    let p = parse(&text);
    assert_eq!(text::format(&p, Rev::V6_12), text);
    assert_eq!(Program::decode(&p.encode()), p);
    assert_eq!(layer::of(&p), Focus::Slow);
    let fault = &p.acts()[2];
    let retry = 1 << abi::GD_FAULT_RETRY | 1 << abi::GD_FAULT_MAJOR;
    assert_eq!(
        (u32::from(fault.hook), fault.op.val),
        (abi::GD_HOOK_FAULT, retry)
    );
    let vma = &p.ops()[0];
    assert_eq!((vma.arg, vma.addr, vma.n), (0, 0x1000_0000, 16));
    assert_eq!(u32::from(vma.entry), abi::GD_V_ANON);
}

#[test]
fn mistakes_are_placed_at_the_word() {
    let cases = [
        ("set_vma", "8: expected the number of the VMA, 0 to 7"),
        (
            "set_vma 8 none",
            "9: expected the number of the VMA, 0 to 7, found `8`",
        ),
        (
            "set_vma 1",
            "10: expected its start address, like 0x10000000, or none",
        ),
        (
            "set_vma 1 nine",
            "11: expected its start address, like 0x10000000, or none, found `nine`",
        ),
        (
            "set_vma 1 none anon",
            "16: expected the end of the line, found `anon`",
        ),
        (
            "set_vma 1 0x1001 anon",
            "11: a VMA starts at a page boundary",
        ),
        (
            "set_vma 1 0x7ffffffff000 anon",
            "11: this address is beyond the end of user space",
        ),
        (
            "set_vma 1 0x7fffffffe000 n=2 anon",
            "28: the VMA would reach beyond the end of user space",
        ),
        (
            "set_vma 1 0x1000 n=0 anon",
            "20: expected a number of pages from 1 to 262144, found `0`",
        ),
        (
            "set_vma 1 0x1000 read",
            "22: expected the kind of the VMA: anon, file, shmem, special, secretmem, fsdax, gate, hugetlb or hugetlb_1g",
        ),
        (
            "set_vma 1 0x1000 anon file",
            "23: the kind of the VMA is given twice",
        ),
        ("set_vma 1 0x1000 anon read read", "28: read is given twice"),
        ("set_vma 1 0x1000 n=1 n=2 anon", "22: n is given twice"),
        (
            "set_vma 1 0x1000 anon raed",
            "23: expected n=, mm=, pkey=, what the VMA is of or flags of it, like anon read \
             write, found `raed`; did you mean `read`?",
        ),
        ("set_signal", "11: expected none, other or kill"),
        (
            "get_user_pages_remote 0x1000 locked=2",
            "37: expected NULL, 1 or 0, found `2`",
        ),
    ];
    for (line, expected) in cases {
        let mistake = text::parse(&format!("{DECLARED}{line}")).expect_err(line);
        assert_eq!(mistake.to_string(), format!("4:{expected}"), "{line}");
    }
    let cases = [
        (
            "| at handle_mm_fault: answer",
            "29: expected 0, or what the fault returns, like retry|major",
        ),
        (
            "| at handle_mm_fault: answer retry|mayor",
            "36: expected 0, or what the fault returns, like retry|major, found `mayor`; \
             did you mean `major`?",
        ),
        (
            "| before page_table_lick: set_signal kill",
            "10: expected read, ref, pin or page_table_lock, found `page_table_lick`; \
             did you mean `page_table_lock`?",
        ),
    ];
    for (line, expected) in cases {
        let text = format!("{DECLARED}get_user_pages 0x1000\n{line}");
        let mistake = text::parse(&text).expect_err(line);
        assert_eq!(mistake.to_string(), format!("5:{expected}"), "{line}");
    }
}

#[test]
fn a_vma_ends_where_user_space_ends() {
    let mut p = parse("page p\nset_vma 0 0x1000 anon");
    let fixed = |p: &mut Program, addr, n| {
        let op = &mut p.ops_mut()[0];
        (op.addr, op.n) = (addr, n);
        p.normalise();
        (p.ops()[0].addr, p.ops()[0].n)
    };
    assert_eq!(
        fixed(&mut p, 0x1fff, 300_000),
        (0x1000, walk::MAX_VMA_PAGES)
    );
    let last = TASK_SIZE_MAX - PAGE_SIZE;
    assert_eq!(fixed(&mut p, last, 2), (last, 1));
    assert_eq!(fixed(&mut p, last | 1 << 63, 2), (last, 1));
    p.ops_mut()[0].val = -1;
    assert_eq!(fixed(&mut p, TASK_SIZE_MAX, 2), (0, 0));
    let none = gd_op {
        op: abi::GD_OP_SET_VMA as u8,
        ..NO_OP
    };
    assert_eq!(p.ops()[0], none);
}

#[test]
fn what_changes_vmas_is_slow_and_the_rest_is_not() {
    let of = |line: &str| layer::of(&parse(&format!("page p\n{line}")));
    assert_eq!(of("set_vma 0 none"), Focus::Slow);
    assert_eq!(of("pin_user_pages 0x1000"), Focus::Slow);
    assert_eq!(
        of("get_page p\n| before ref p: set_signal kill"),
        Focus::Slow
    );
    assert_eq!(of("get_user_pages_fast 0x1000"), Focus::Lockless);
    assert_eq!(of("get_page p"), Focus::Page);
    assert_eq!(
        layer::of(&parse("mm slow=1\npage p\nget_user_pages_fast 0x1000")),
        Focus::Slow
    );
}

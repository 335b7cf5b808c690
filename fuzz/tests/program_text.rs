// SPDX-License-Identifier: GPL-2.0
//! The text form: round trips, and where mistakes are reported.

use csrc::abi;
use harness::ops;
use harness::program::generate;
use harness::program::profile::{Focus, Profile};
use harness::program::rng::Rng;
use harness::program::{NULL, POISON, Program, page, text, walk};
use harness::rev::Rev;
use proptest::prelude::*;

fn parse(text: &str) -> Program {
    text::parse(text).unwrap_or_else(|e| panic!("{e}\n{}", e.excerpt(text)))
}

/// The message, with line and column in front.
fn mistake(text: &str) -> String {
    text::parse(text).expect_err(text).to_string()
}

/// As `mistake`, for an operation line after declarations of `p` and `h`.
fn operation_mistake(line: &str) -> String {
    let message = mistake(&format!("page p\npage h order=9\n{line}"));
    message
        .strip_prefix("3:")
        .expect("a mistake in the line")
        .to_string()
}

proptest! {
    #[test]
    fn what_is_formatted_parses_to_the_same(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let p = Program::decode(&bytes);
        for rev in Rev::kernels() {
            let text = text::format(&p, rev);
            prop_assert_eq!(parse(&text), p);
        }
    }

    #[test]
    fn drawn_programs_survive_the_text(seed: u64) {
        let p = generate::program(&mut Rng::new(seed), &Profile::new(Rev::V6_12).focus(Focus::All));
        for rev in Rev::kernels() {
            prop_assert_eq!(parse(&text::format(&p, rev)), p);
        }
    }

    #[test]
    fn damaged_text_is_a_program_or_a_mistake_in_it(
        seed: u64,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..6),
    ) {
        let p = generate::program(&mut Rng::new(seed), &Profile::new(Rev::V6_1).focus(Focus::All));
        let mut chars: Vec<char> = text::format(&p, Rev::V6_1).chars().collect();
        for (i, (at, c)) in damage.iter().enumerate() {
            let at = at.index(chars.len());
            let c = match i % 3 {
                0 => *c,
                _ => " \n#[],.+*=|-0x9hNULL:@"
                    .chars()
                    .nth(*c as usize % 23)
                    .unwrap_or('\t'),
            };
            match *c.encode_utf8(&mut [0; 4]).as_bytes() {
                [b, ..] if b % 3 == 0 => { chars.remove(at); }
                [b, ..] if b % 3 == 1 => chars[at] = c,
                _ => chars.insert(at, c),
            }
        }
        let text: String = chars.into_iter().collect();
        if let Err(e) = text::parse(&text) {
            let lines = text.lines().count().max(1);
            prop_assert!((1..=lines).contains(&e.line), "{}", e);
            let len = text.lines().nth(e.line - 1).map_or(0, |l| l.chars().count());
            prop_assert!((1..=len + 1).contains(&e.column), "{}", e);
            prop_assert!(!e.message.contains('\n'));
            e.excerpt(&text);
        }
    }

    #[test]
    fn any_text_at_all_is_a_program_or_a_mistake(text in "\\PC*") {
        let _ = text::parse(&text);
    }
}

#[test]
fn the_form_is_as_documented() {
    let p = parse(
        "names 6.1                                   # which kernel's names follow
         mm irqs=on has_pinned=0 devmap_key=0 seq=0  # these are the defaults
         page p ref=1 file dirty
         page h order=9 ref=1 anon exclusive
         try_grab_folio h+3 refs=2 PIN|LONGTERM
         unpin_user_pages_dirty_lock [h+3..h+4, p] dirty
         set_ref p INT_MAX-1",
    );
    assert_eq!((p.nr_folios(), p.nr_ops()), (2, 3));
    let grab = &p.ops()[0];
    assert_eq!(u32::from(grab.op), abi::GD_OP_GRAB_FAST);
    assert_eq!((grab.n, grab.run[0].page), (2, page(1, 3)));
    assert_eq!(
        grab.foll,
        1 << abi::GD_FOLL_PIN | 1 << abi::GD_FOLL_LONGTERM
    );
    let unpin = &p.ops()[1];
    assert_eq!((unpin.run[0].page, unpin.run[0].len), (page(1, 3), 2));
    assert_eq!((unpin.run[1].page, unpin.run[1].len), (page(0, 0), 1));
    assert_eq!(u32::from(unpin.mods), abi::GD_MOD_DIRTY);
    assert_eq!(p.ops()[2].val, i32::MAX - 1);
    let expected = "names 6.1\n\
        page p ref=1 file dirty\n\
        page h order=9 ref=1 anon exclusive\n\
        try_grab_folio h+3 refs=2 PIN|LONGTERM\n\
        unpin_user_pages_dirty_lock [h+3..h+4, p] dirty\n\
        set_ref p INT_MAX-1\n";
    assert_eq!(text::format(&p, Rev::V6_1), expected);
}

#[test]
fn every_change_of_the_world_reads_back() {
    let lines = [
        "set_ref h+1 5",
        "set_pin h 2",
        "set_seq 4294967295",
        "set_flag p dirty",
        "clear_flag p dirty",
        "set_mapping p anon",
        "set_pageblock p cma",
        "set_irqs off",
        "set_has_pinned on",
        "split h order=0 ref=1 rest=INT_MIN",
        "merge h ref=1 pin=0",
        "reuse p file ref=1",
        "set_devmap_key on",
    ];
    let text = format!(
        "names 6.12\npage p ref=1\npage h order=9 ref=1\n{}\n",
        lines.join("\n")
    );
    assert_eq!(text::format(&parse(&text), Rev::V6_12), text);
}

#[test]
fn a_name_means_what_it_means_in_its_revision() {
    let op = |names: &str, line: &str| {
        let p = parse(&format!("names {names}\npage p\n{line} p PIN"));
        u32::from(p.ops()[0].op)
    };
    assert_eq!(op("6.1", "try_grab_folio"), abi::GD_OP_GRAB_FAST);
    assert_eq!(op("6.12", "try_grab_folio"), abi::GD_OP_GRAB_SLOW);
    assert_eq!(op("6.12", "try_grab_folio_fast"), abi::GD_OP_GRAB_FAST);
    for names in ["6.1", "6.12", "7.2"] {
        assert_eq!(op(names, "grab-fast"), abi::GD_OP_GRAB_FAST);
    }
}

#[test]
fn what_a_revision_lacks_is_written_by_its_role() {
    let p = parse("page p\nfolio-add-pin p");
    assert!(text::format(&p, Rev::V6_1).ends_with("\nfolio-add-pin p\n"));
    assert!(text::format(&p, Rev::V6_12).ends_with("\nfolio_add_pin p\n"));
}

#[test]
fn short_forms_have_defaults() {
    let p = parse(
        "page p\npage z zero\npage hz huge_zero\nput_page p\nunpin_user_pages []\nsplit hz order=2",
    );
    let f = &p.folios()[0];
    assert_eq!((f.order, f.ref_, f.pin), (0, 1, 0));
    assert_eq!(u32::from(f.migratetype), abi::GD_MT_MOVABLE);
    assert_eq!(p.folios()[2].order, 9);
    assert_eq!(u32::from(p.world().state), abi::GD_W_IRQS_ON);
    assert_eq!((p.ops()[2].val, p.ops()[2].n), (1, 1));
}

#[test]
fn operands_have_their_kernel_spellings_too() {
    let p = parse(
        "page p\npage h order=3\n\
         try_grab_folio p FOLL_PIN|FOLL_WRITE\n\
         try_grab_folio p refs=0xffffffff flags=0x40001\n\
         unpin_user_pages [p, h+1, h+2, h+3, NULL, NULL, POISON] npages=-14\n\
         unpin_user_page_range_dirty_lock h refs=8 dirty\n",
    );
    assert_eq!(
        p.ops()[0].foll,
        1 << abi::GD_FOLL_PIN | 1 << abi::GD_FOLL_WRITE
    );
    assert_eq!((p.ops()[1].n, p.ops()[1].foll), (-1, 0x40001));
    assert_eq!(u32::from(p.ops()[1].mods), abi::GD_MOD_RAW);
    let runs: Vec<_> = p.ops()[2].run.iter().map(|r| (r.page, r.len)).collect();
    assert_eq!(
        runs,
        [(page(0, 0), 1), (page(1, 1), 3), (NULL, 2), (POISON, 1)]
    );
    assert_eq!((p.ops()[2].n, p.ops()[3].n), (-14, 8));
}

#[test]
fn comments_blank_lines_and_line_ends_do_not_matter() {
    let plain = parse("page p\nget_page p");
    let p = parse("\u{feff}# one\r\n\r\n\tpage p # two\r\n#3\r\n  get_page\t p  #four\r\n");
    assert_eq!(p, plain);
}

#[test]
fn mistakes_are_placed_at_the_word() {
    assert_eq!(
        operation_mistake("try_grab_folo h PIN"),
        "1: expected `page`, `mm`, `names`, `on`, `expect` or an operation of 6.1, found `try_grab_folo`; \
         did you mean `try_grab_folio`?"
    );
    assert_eq!(
        operation_mistake("try_grab_folio h PIN|LONGTREM"),
        "22: expected a FOLL_ flag, found `LONGTREM`; did you mean `LONGTERM`?"
    );
    assert_eq!(
        operation_mistake("try_grab_folio h+2048 PIN"),
        "18: expected an offset from 0 to 2047, found `2048`"
    );
    assert_eq!(
        operation_mistake("  put_page q"),
        "12: expected a page, found `q`; declared are p, h"
    );
    assert_eq!(
        operation_mistake("put_page"),
        "9: expected a page, like h+3, NULL or POISON"
    );
    assert_eq!(
        operation_mistake("put_page p now"),
        "12: expected the end of the line, found `now`"
    );
    assert_eq!(
        operation_mistake("folio_put_refs p refs=2147483648"),
        "23: expected a number (decimal, 0x..., INT_MAX or INT_MIN), found `2147483648`"
    );
    assert_eq!(
        operation_mistake("set_flag p drity"),
        "12: expected a page flag, like dirty, found `drity`; did you mean `dirty`?"
    );
    assert_eq!(operation_mistake("set_irqs"), "9: expected off or on");
    assert_eq!(
        operation_mistake("split h ref=1"),
        "14: expected order= and a number from 0 to 10"
    );
    assert_eq!(
        operation_mistake("try_grab_folio h PIN refs=2 refs=3"),
        "29: refs is given twice"
    );
    assert_eq!(
        operation_mistake("get_page \u{1f980}"),
        "10: expected a page, found `\u{1f980}`; declared are p, h"
    );
}

#[test]
fn mistakes_in_lists_are_placed_at_the_entry() {
    assert_eq!(
        operation_mistake("unpin_user_pages p"),
        "18: expected a list of pages, like [p, h+3..h+9, NULL], found `p`"
    );
    assert_eq!(
        operation_mistake("unpin_user_pages [p, h"),
        "23: expected `]` at the end of the list"
    );
    assert_eq!(
        operation_mistake("unpin_user_pages [p, , h]"),
        "22: expected a page, NULL or POISON"
    );
    assert_eq!(
        operation_mistake("unpin_user_pages [h+3..h+1]"),
        "24: this range ends before it starts"
    );
    assert_eq!(
        operation_mistake("unpin_user_pages [h..p+1]"),
        "22: a range must end in the page that it starts in"
    );
    assert_eq!(
        operation_mistake("unpin_user_pages [p, h, p, h, p]"),
        "31: a list has at most 4 runs of consecutive pages"
    );
    assert_eq!(
        operation_mistake("unpin_user_pages [h..h+511, NULL*600]"),
        "29: a list has at most 1024 pages"
    );
    assert_eq!(
        operation_mistake("unpin_user_pages [p*2]"),
        "19: only NULL and POISON can be repeated with `*`"
    );
    assert_eq!(
        operation_mistake("put_page [p]"),
        "10: expected one page, not a list, found `[p]`"
    );
}

#[test]
fn mistakes_in_declarations_are_placed_at_the_word() {
    let cases = [
        ("page z order=2 zero", "1:8: the zero page has order 0"),
        (
            "page h order=11",
            "1:14: expected an order, 0 to 10, found `11`",
        ),
        (
            "page h hugetlb",
            "1:8: a hugetlb folio needs an order of at least 1",
        ),
        (
            "page h huge_zero order=8",
            "1:18: the huge zero folio has order 9",
        ),
        (
            "page p anon file",
            "1:13: mapping is given twice: first `anon`",
        ),
        (
            "page p ref=x",
            "1:12: expected a number (decimal, 0x..., INT_MAX or INT_MIN), found `x`",
        ),
        (
            "page d dev_fsdax movable",
            "1:18: a ZONE_DEVICE folio is neither in ZONE_MOVABLE nor exclusive",
        ),
        (
            "page p head",
            "1:8: head cannot be set here: it follows from the order",
        ),
        (
            "page p anon_exclusive",
            "1:8: anon_exclusive cannot be set here: write `exclusive`",
        ),
        ("page NULL", "1:6: NULL names a pointer already"),
        (
            "page 1p",
            "1:6: expected a name for the page (letters, digits and `_`), found `1p`",
        ),
        ("page p\npage p", "2:6: `p` is declared already"),
        (
            "page a zero\npage b zero",
            "2:6: a program can have only one such page, and `a` is one",
        ),
        (
            "page p\nmm\nmm",
            "3:1: a program has one `mm` line; this is the second",
        ),
        (
            "page p\nget_page p\npage q",
            "3:1: `page` lines come before the first operation",
        ),
        (
            "mm irqs=maybe",
            "1:9: expected on, off, 1 or 0, found `maybe`",
        ),
        (
            "mm seq=-2147483649",
            "1:8: expected a 32-bit number, found `-2147483649`",
        ),
        (
            "names 6.x",
            "1:7: expected a revision, like 6.1 or v8, found `6.x`",
        ),
        (
            "names 5.4",
            "1:7: no names are known for 5.4; the oldest is 5.10",
        ),
        (
            "names 6.1 6.2",
            "1:11: expected the end of the line, found `6.2`",
        ),
        (
            "",
            "1:1: expected a `page` line: a program declares at least one page",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(mistake(text), expected, "{text}");
    }
    assert!(mistake("page p pin=1").starts_with("1:8: only large folios have a pin count"));
}

#[test]
fn a_name_of_another_revision_is_explained() {
    assert_eq!(
        operation_mistake("unpin_folio p"),
        "1: 6.1 has no `unpin_folio`, 6.12 has; write `names 6.12` above, or the role `unpin-folio`"
    );
}

#[test]
fn too_many_pages_or_operations_are_refused_where_they_are() {
    let pages: String = (0..9).map(|i| format!("page p{i}\n")).collect();
    assert_eq!(mistake(&pages), "9:1: a program declares at most 8 pages");
    let text = format!("page p\n{}", "get_page p\n".repeat(33));
    assert_eq!(mistake(&text), "34:1: a program has at most 32 operations");
}

#[test]
fn an_excerpt_marks_the_place() {
    let text = "page p\n\tput_page q\n";
    let e = text::parse(text).unwrap_err();
    assert_eq!(e.excerpt(text), "\tput_page q\n\t         ^\n");
}

#[test]
fn every_operation_of_the_table_has_a_text() {
    for op in ops::table() {
        let mut p = parse("page h order=1\nget_page h");
        p.ops_mut()[0] = abi::gd_op {
            op: op.id,
            ..harness::program::NO_OP
        };
        p.normalise();
        for rev in Rev::kernels() {
            assert_eq!(parse(&text::format(&p, rev)), p, "{}", op.role);
        }
    }
}

#[test]
fn walks_and_scripts_read_back() {
    let text = "names 6.1\n\
        page p ref=1\n\
        page h order=9 ref=1\n\
        set_pte 0x10000000 p rw dirty\n\
        set_pte 0x10001000 h+3 n=4 old kernel absent protnone special devmap softdirty uffdwp nx\n\
        set_pte 0x10005000 none n=1024\n\
        set_pte 0x10006000 swap\n\
        set_pte 0x10007000 migration p\n\
        set_pmd 0x200000 h rw\n\
        set_pmd 0x200000 table nx\n\
        set_pud 0x40000000 h\n\
        set_pgd 0xffffffffe000 table\n\
        set_tail p h+3\n\
        get_user_pages_fast 0x10000000 n=2 WRITE\n  \
        | before read pte@0x10000000 #2: set_pte 0x10000000 none\n  \
        | before read pmd@0x10000000: set_pmd 0x10000000 h+5 rw dirty\n  \
        | before read pud@0x10000000: set_pud 0x10000000 none\n  \
        | before read pgd@0x10000000 #255: set_pgd 0x10000000 none\n  \
        | after ref p: set_ref p 0\n  \
        | before ref h+3 #3: split h order=0 ref=1 rest=1\n  \
        | before read seq #2: set_seq 3\n  \
        | before pin h: set_flag h anon_exclusive\n  \
        | after pin h: set_pin h 7\n  \
        | at get_dev_pagemap: answer 0\n  \
        | at make_accessible: answer -5\n  \
        | at slow_path #2: answer INT_MAX\n\
        pin_user_pages_fast 0xffffffffffffffff n=INT_MAX flags=0x40001 NULL\n\
        put_page p\n  \
        | after ref p: reuse p file ref=1\n\
        answer 1\n";
    let p = parse(text);
    assert_eq!(text::format(&p, Rev::V6_1), text);
    let call = &p.ops()[10];
    assert_eq!((call.addr, call.n, call.foll), (0x1000_0000, 2, 1));
    assert_eq!((p.acts_range(10), p.acts_range(12)), (0..12, 12..13));
    let first = &p.acts()[0];
    assert_eq!(u32::from(first.hook), abi::GD_HOOK_READ_PTE);
    assert_eq!((first.nth, first.at_addr), (2, 0x1000_0000));
    assert_eq!(p.acts()[5].at_page, page(1, 3));
    let wild = &p.ops()[11];
    assert_eq!(wild.addr, u64::MAX);
    assert_eq!(u32::from(wild.mods), abi::GD_MOD_RAW | abi::GD_MOD_NULL);
}

#[test]
fn actions_have_short_and_long_spellings() {
    let head = "page p\npage swap\nget_user_pages_fast 4096\n";
    let plain = parse(&format!("{head}|after ref p:set_ref p 0"));
    for line in [
        "  |  after ref p #1 : set_ref p 0 # comment: yes",
        "\t| after ref p+0 #1: set_ref p 0x0",
    ] {
        assert_eq!(parse(&format!("{head}{line}")), plain, "{line}");
    }
    assert_eq!((plain.ops()[0].addr, plain.ops()[0].n), (4096, 1));
    let swapped = parse(&format!("{head}set_pte 0 swap\nset_pte 0 swap+0"));
    assert_eq!(u32::from(swapped.ops()[1].entry), abi::GD_E_SWAP);
    assert_eq!(u32::from(swapped.ops()[2].entry), abi::GD_E_PAGE);
    let text = text::format(&swapped, Rev::V6_1);
    assert_eq!(parse(&text), swapped);
}

#[test]
fn mistakes_in_entries_are_placed_at_the_word() {
    let cases = [
        ("set_pte", "8: expected an address, like 0x10000000"),
        (
            "set_pte p",
            "9: expected an address, like 0x10000000, found `p`",
        ),
        (
            "set_pte 0x10000001 p",
            "9: expected the address of a page, of 48 bits, found `0x10000001`",
        ),
        (
            "set_pte 0x1000000000000 p",
            "9: expected the address of a page, of 48 bits, found `0x1000000000000`",
        ),
        (
            "set_pte 0x1000",
            "15: expected a page, like h+3, or none, table, swap or migration",
        ),
        (
            "set_pte 0x1000 NULL",
            "16: an entry holds no pointers, so not `NULL`",
        ),
        (
            "set_pte 0x1000 table",
            "16: there are no tables below a PTE",
        ),
        (
            "set_pgd 0x1000 swap",
            "16: entries of the top level are table or none",
        ),
        (
            "set_pgd 0x1000 p",
            "16: entries of the top level are table or none",
        ),
        (
            "set_pte 0x1000 migration",
            "25: expected the page that is being migrated, like h+3",
        ),
        (
            "set_pte 0x1000 nothing",
            "16: expected a page, found `nothing`; declared are p, h",
        ),
        (
            "set_pmd 0x1000 table rw",
            "22: an entry that points to a table is always rw and dirty",
        ),
        (
            "set_pmd 0x1000 table devmap",
            "22: devmap makes an entry one of a page, never of a table",
        ),
        (
            "set_pte 0x1000 none old",
            "21: only entries of pages and tables have flags",
        ),
        ("set_pte 0x1000 p rw rw", "21: rw is given twice"),
        (
            "set_pte 0x1000 p specail",
            "18: expected n=, mm=, rw, dirty, old, kernel, absent, protnone, special, devmap, \
             softdirty, uffdwp or nx, found `specail`; did you mean `special`?",
        ),
        (
            "set_pte 0x1000 p n=0",
            "20: expected a number from 1 to 1024, found `0`",
        ),
        (
            "set_tail p",
            "11: expected the page whose folio it becomes a tail of",
        ),
        (
            "get_user_pages_fast 0x1000 n=1 NULL NULL",
            "37: NULL is given twice",
        ),
        (
            "get_user_pages_fast 0x1000 2",
            "28: expected FOLL_ flags, n=, flags= or NULL, found `2`",
        ),
        (
            "answer x",
            "8: expected a number (decimal, 0x..., INT_MAX or INT_MIN), found `x`",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(operation_mistake(line), expected, "{line}");
    }
}

#[test]
fn mistakes_in_hook_points_are_placed_at_the_word() {
    let cases = [
        ("|", "2: expected `:` and an action after the hook point"),
        (
            "| before read seq # note: set_seq 1",
            "18: expected `:` and an action after the hook point",
        ),
        ("| :", "2: expected before, after or at"),
        (
            "| befor read seq: set_seq 1",
            "3: expected before, after or at, found `befor`; did you mean `before`?",
        ),
        (
            "| before write seq: set_seq 1",
            "10: expected read, ref, pin or page_table_lock, found `write`",
        ),
        (
            "| after read seq: set_seq 1",
            "9: expected ref or pin, found `read`; did you mean `ref`?",
        ),
        (
            "| before read: set_seq 1",
            "14: expected an entry that is read, like pte@0x10000000, or seq",
        ),
        (
            "| before read ptd@0x1000: set_seq 1",
            "15: expected pte, pmd, pud or pgd, found `ptd`; did you mean `pte`?",
        ),
        (
            "| before read pte@0x1001: set_seq 1",
            "19: expected the address of a page, of 48 bits, found `0x1001`",
        ),
        (
            "| before ref: set_seq 1",
            "13: expected the page whose count changes, like h",
        ),
        ("| before ref NULL: set_seq 1", "14: `NULL` has no counts"),
        (
            "| at slowpath: answer 1",
            "6: expected get_dev_pagemap, make_accessible, slow_path, handle_mm_fault, \
             mmap_read_lock, expand_stack, lru_add_drain, folio_isolate_lru, migrate_pages, \
             migrate_device_coherent, split_huge_pmd, user_access, \
             filemap_get_folios_contig, memfd_alloc_folio, \
             hugetlbfs_pagecache_present, migration_entry_wait or split_huge_page, \
             found `slowpath`; \
             did you mean `slow_path`?",
        ),
        (
            "| before read seq #0: set_seq 1",
            "19: expected `:`, or the number of the time, from #1 to #255, found `#0`",
        ),
        (
            "| before read seq #1 #2: set_seq 1",
            "22: expected `:`, found `#2`",
        ),
        (
            "| before read seq #1:",
            "22: expected an action, like set_pte",
        ),
        (
            "| before read seq: put_page p",
            "20: only changes of the world and answers can be actions; `put_page` is neither",
        ),
    ];
    for (line, expected) in cases {
        let message = mistake(&format!("page p\nget_page p\n{line}"));
        assert_eq!(message.strip_prefix("3:"), Some(expected), "{line}");
    }
    assert_eq!(
        operation_mistake("| before read seq: set_seq 1"),
        "1: `|` lines follow the operation during which they happen"
    );
    assert_eq!(
        mistake("page p\nset_seq 1\n  | before read seq: set_seq 1"),
        "3:3: a change of the world has no hook points: `|` lines follow a function of the kernel"
    );
}

#[test]
fn the_seeds_survive_the_text_and_the_wire() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../corpus/seeds");
    let mut walks = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        let p = text::parse(&source).unwrap_or_else(|e| panic!("{}:{e}", path.display()));
        assert_eq!(Program::decode(&p.encode()), p, "{}", path.display());
        let once = text::format(&p, Rev::V6_12);
        assert_eq!(parse(&once), p, "{}", path.display());
        // a seed says all that it means: nothing was changed on the way
        if p.ops().iter().any(|op| walk::is_call(op.op)) {
            let is_program = |l: &&str| !l.starts_with('#') && !l.starts_with("  expect ");
            let lines = |text: &str| text.lines().filter(is_program).count();
            assert_eq!(lines(&source), lines(&once), "{}", path.display());
            walks += 1;
        }
    }
    assert!(walks >= 30, "{walks}");
}

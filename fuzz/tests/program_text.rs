// SPDX-License-Identifier: GPL-2.0
//! The text form: what is written reads back.

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
        set_pte 0x10001000 h+3 n=4 old kernel absent protnone special devmap softdirty uffd_wp nx\n\
        set_pte 0x10005000 none n=1024\n\
        set_pte 0x10006000 swap\n\
        set_pte 0x10007000 migration p\n\
        set_pmd 0x200000 h rw pkey=2\n\
        set_pmd 0x200000 table nx pkey=1\n\
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

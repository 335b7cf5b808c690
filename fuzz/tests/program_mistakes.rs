// SPDX-License-Identifier: GPL-2.0
//! What is said of malformed programs, and where.

use harness::hooks;
use harness::program::text;

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
            "18: expected n=, mm=, pkey=, rw, dirty, old, kernel, absent, protnone, special, devmap, \
             softdirty, uffd_wp or nx, found `specail`; did you mean `special`?",
        ),
        (
            "set_pte 0x1000 p pkey=4",
            "23: expected a protection key, 0 to 3, found `4`",
        ),
        (
            "set_pte 0x1000 swap pkey=1",
            "26: only entries of pages and tables have a protection key",
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
    let hooks = hooks::table().iter().map(|hook| hook.text);
    let calls: Vec<_> = hooks.filter_map(|text| text.strip_prefix("at ")).collect();
    let (last, others) = calls.split_last().unwrap();
    let no_such_call = format!(
        "6: expected {} or {last}, found `slowpath`; did you mean `slow_path`?",
        others.join(", ")
    );
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
        ("| at slowpath: answer 1", &no_such_call),
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

// SPDX-License-Identifier: GPL-2.0
//! The lines that a report tells to look at.

use crate::patched;
use gup_sides::{Recipe, Store};
use harness::oracle::Oracle;
use harness::program::{Program, text};
use harness::report::suspects::{self, Span, Suspects};
use harness::report::{Origin, Report};
use harness::side::Pair;

/// A side under a name of its own, for as long as this exists.
struct Added(String);

impl Added {
    fn new() -> Option<Self> {
        let name = format!("{}+test-{}", patched::KERNEL, std::process::id());
        patched::recipe(&name)?.save(&Store::find()).unwrap();
        Some(Self(name))
    }
}

impl Drop for Added {
    fn drop(&mut self) {
        Recipe::remove(&Store::find(), &self.0).unwrap();
    }
}

fn found(left: &str, right: &str, program: &Program) -> Vec<Suspects> {
    let mut oracle = Oracle::new(Pair::open(left, right).unwrap());
    let verdict = oracle.judge(program);
    let report = Report::new(&oracle, program, &verdict, None, &Origin::default());
    assert!(report.is_finding(), "{}", report.finding.summary);
    suspects::find(&report, program).unwrap()
}

fn functions(suspects: &Suspects) -> Vec<&str> {
    let spans = suspects.spans.iter();
    spans.map(|span: &Span| span.function.as_str()).collect()
}

/// The tail is taken for a folio: the WARN is hit, and what grabs is not.
#[test]
fn a_patch_is_held_against_the_kernel_without_it() {
    let Some(added) = Added::new() else {
        return;
    };
    let program = text::parse("page h order=1 ref=1\ntry_grab_page h+1 GET").unwrap();
    let (patched, kernel) = (format!("c:{}", added.0), format!("c:{}", patched::KERNEL));
    let rust = format!("rust:{}", patched::KERNEL);
    // the same whether the kernel is the other side or not
    for right in [&rust, &kernel] {
        let found = found(&patched, right, &program);
        let [here, there] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(
            (&here.side, here.against.as_ref()),
            (&patched, Some(&kernel))
        );
        assert_eq!(
            (&there.side, there.against.as_ref()),
            (&kernel, Some(&patched))
        );
        assert_eq!(functions(here), ["try_grab_page"]);
        assert!(functions(there).contains(&"_compound_head"), "{there:?}");
        // the line that was changed is first, and the only one that is marked
        let changed: Vec<bool> = there.spans.iter().map(|span| span.changed).collect();
        assert!(changed[0] && !changed[1..].contains(&true), "{there:?}");
        assert_eq!(there.spans[0].function, "try_grab_page");
        assert_eq!(there.spans[0].file, "mm/gup.c");
    }
}

/// Without a kernel to hold it against they are those that came with the call.
#[test]
fn lines_that_came_before_are_left_out() {
    if patched::recipe("unused").is_none() {
        return;
    }
    // a BUG with CONFIG_DEBUG_VM only
    let source = "page p ref=1\nget_page p\nset_ref p 0\nput_page p";
    let program = text::parse(source).unwrap();
    let kernel = format!("c:{}", patched::KERNEL);
    let found = found(
        &kernel,
        &format!("rust:{}-nodebug", patched::KERNEL),
        &program,
    );
    let [only] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!((&only.side, &only.against), (&kernel, &None));
    assert!(functions(only).contains(&"put_page"), "{only:?}");
    assert!(!functions(only).contains(&"get_page"), "{only:?}");
    assert!(only.spans.iter().all(|span| !span.changed));
}

// SPDX-License-Identifier: GPL-2.0
//! The FOLL_PIN series: each version's C against its Rust, and what the review
//! found, between versions and by the laws alone.

use std::path::Path;

use harness::compare::Field;
use harness::hunt::hunt;
use harness::input;
use harness::laws::Law;
use harness::ops::{self, Rev};
use harness::oracle::{Oracle, Verdict};
use harness::program::generate;
use harness::program::profile::Profile;
use harness::program::rng::Rng;
use harness::program::{Program, text};
use harness::side::Pair;

const SIDES: &[&str] = &[
    "v8",
    "v8-nodebug",
    "v8-signed",
    "v9",
    "v9-nodebug",
    "v9-bias32",
    "v10",
    "v10-nodebug",
    "v11",
    "v11-nodebug",
];

fn profile(oracle: &Oracle) -> Profile {
    let left = oracle.pair().left.info();
    let right = oracle.revisions().right;
    Profile::new(left.rev)
        .debug_vm(left.debug_vm)
        .retain(|op| op.name(right).is_some())
}

#[test]
fn each_version_agrees_with_its_reimplementation() {
    for side in SIDES {
        let pair = Pair::open(&format!("c:{side}"), &format!("rust:{side}")).unwrap();
        let mut oracle = Oracle::new(pair);
        let profile = profile(&oracle);
        let found = hunt(&mut oracle, &[], &profile, 1, 40_000);
        // This one is made to break a law; its reimplementation does so too.
        let found =
            found.filter(|c| *side != "v8-signed" || !matches!(c.verdict, Verdict::BrokenLaw(..)));
        if let Some(catch) = found {
            panic!(
                "{side}: {:?} after {} programs\n{}",
                catch.verdict,
                catch.programs,
                text::format(&catch.program, oracle.revisions().left)
            );
        }
    }
}

#[test]
fn v11_and_a_kernel_agree_on_small_pages() {
    let mut oracle = Oracle::new(Pair::open("c:v11", "c:6.1").unwrap());
    let profile = profile(&oracle);
    if let Some(catch) = hunt(&mut oracle, &[], &profile, 1, 100_000) {
        panic!(
            "{:?} after {} programs\n{}",
            catch.verdict,
            catch.programs,
            text::format(&catch.program, Rev::V11)
        );
    }
    let stale = oracle.accepted().stale(oracle.revisions());
    assert!(stale.is_empty(), "never hit: {stale:#?}");
}

/// What a reproducer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    Differs(Field),
    Breaks(Law),
}

/// A finding: its file in corpus/regressions, the sides, the operation's role
/// and what is seen at it.
struct Finding(
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Shows,
);

const FINDINGS: &[Finding] = &[
    Finding(
        "grab-page-tail",
        "v8",
        "v9",
        "grab-slow",
        Shows::Differs(Field::Refcount),
    ),
    Finding(
        "grab-page-overflow",
        "v8",
        "v9",
        "grab-slow",
        Shows::Differs(Field::Warn),
    ),
    Finding(
        "follow-page-pte-tail",
        "v8",
        "v9",
        "follow-page-pte",
        Shows::Differs(Field::Refcount),
    ),
    Finding(
        "follow-page-pte-overflow",
        "v8",
        "none",
        "follow-page-pte",
        Shows::Breaks(Law::OverflowIsNoticed),
    ),
    Finding(
        "follow-page-mask-null",
        "v8",
        "v9",
        "follow-page-mask",
        Shows::Differs(Field::Ret),
    ),
    Finding(
        "neither-flag",
        "v9",
        "v10",
        "grab-fast",
        Shows::Differs(Field::Warn),
    ),
    Finding(
        "grab-after-mlock",
        "v9",
        "v10",
        "follow-trans-huge-pmd",
        Shows::Differs(Field::Call),
    ),
    Finding(
        "both-flags",
        "v10",
        "v11",
        "grab-slow",
        Shows::Differs(Field::Warn),
    ),
    Finding(
        "bias-overflow",
        "v10",
        "v11",
        "grab-slow",
        Shows::Differs(Field::Warn),
    ),
    Finding(
        "bias-overflow-32",
        "v9",
        "v9-bias32",
        "close-to-bias-overflow",
        Shows::Differs(Field::Ret),
    ),
    Finding(
        "errno",
        "v10",
        "v11",
        "follow-devmap-pmd",
        Shows::Differs(Field::Ret),
    ),
    Finding(
        "dma-pinned-signed",
        "v8",
        "v8-signed",
        "page-maybe-dma-pinned",
        Shows::Differs(Field::Ret),
    ),
    Finding(
        "put-is-not-counted",
        "v8",
        "none",
        "gup-put-folio",
        Shows::Breaks(Law::PinIsCounted),
    ),
];

impl Finding {
    fn program(&self) -> Program {
        let path = format!("../corpus/regressions/series-{}.gup", self.0);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        input::read(&path).unwrap().program
    }

    fn oracle(&self) -> Oracle {
        let right = match self.2 {
            "none" => "none".to_string(),
            side => format!("rust:{side}"),
        };
        Oracle::new(Pair::open(&format!("c:{}", self.1), &right).unwrap())
    }

    fn is(&self, program: &Program, verdict: &Verdict) -> bool {
        let seen = match verdict {
            Verdict::Divergence(d) => (d.op_index, Shows::Differs(d.field)),
            Verdict::BrokenLaw(_, b) => (b.op_index, Shows::Breaks(b.law)),
            _ => return false,
        };
        let op = program.ops().get(seen.0).and_then(|op| ops::info(op.op));
        seen.1 == self.4 && op.is_some_and(|op| op.role == self.3)
    }
}

#[test]
fn every_reproducer_shows_its_finding() {
    for finding in FINDINGS {
        let program = finding.program();
        let verdict = finding.oracle().judge(&program);
        assert!(finding.is(&program, &verdict), "{}: {verdict:?}", finding.0);
        assert!(program.nr_ops() <= 2, "{}", finding.0);
    }
}

#[test]
fn every_finding_is_found_from_nothing() {
    for finding in FINDINGS {
        let mut oracle = finding.oracle();
        let profile = profile(&oracle);
        let mut rng = Rng::new(1);
        let found = (0..50_000).find(|_| {
            let program = generate::program(&mut rng, &profile);
            let verdict = oracle.judge(&program);
            finding.is(&program, &verdict)
        });
        assert!(found.is_some(), "{} is not found", finding.0);
    }
}

#[test]
fn the_laws_alone_catch_what_v8_does_to_refcounts() {
    for (file, law) in [
        ("grab-page-tail", Law::OnlyItsFolio),
        ("grab-page-overflow", Law::SlowGrabWarns),
        ("follow-page-pte-tail", Law::OnlyItsFolio),
    ] {
        let finding = FINDINGS.iter().find(|f| f.0 == file).unwrap();
        let mut oracle = Oracle::new(Pair::open("c:v8", "none").unwrap());
        match oracle.judge(&finding.program()) {
            Verdict::BrokenLaw(_, broken) => assert_eq!(broken.law, law, "{file}"),
            verdict => panic!("{file}: {verdict:?}"),
        }
    }
}

#[test]
fn an_overflowed_count_looks_pinned_in_v8_and_in_v11() {
    let finding = FINDINGS
        .iter()
        .find(|f| f.0 == "dma-pinned-signed")
        .unwrap();
    let mut oracle = Oracle::new(Pair::open("c:v8", "rust:v11").unwrap());
    assert_eq!(oracle.judge(&finding.program()), Verdict::Match);
}

#[test]
fn no_known_defect_is_stale() {
    for rev in [Rev::V8, Rev::V9, Rev::V10, Rev::V11] {
        // without DEBUG_VM a count of 0 is no BUG in v8
        let mut stale: Option<Vec<String>> = None;
        for suffix in ["", "-nodebug"] {
            let pair = Pair::open(&format!("c:{rev}{suffix}"), &format!("rust:{rev}{suffix}"));
            let mut oracle = Oracle::new(pair.unwrap());
            let profile = profile(&oracle);
            assert!(hunt(&mut oracle, &[], &profile, 1, 20_000).is_none());
            let unseen = oracle.accepted().stale_defects(rev);
            let unseen: Vec<String> = unseen.iter().map(|d| format!("{d:?}")).collect();
            stale = Some(match stale {
                None => unseen,
                Some(stale) => stale.into_iter().filter(|d| unseen.contains(d)).collect(),
            });
        }
        assert_eq!(stale, Some(Vec::new()), "{rev}");
    }
}

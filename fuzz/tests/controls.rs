// SPDX-License-Identifier: GPL-2.0
//! The oracle itself is tested: faults planted on either side must be found,
//! harmless changes must not be.

use std::path::{Path, PathBuf};
use std::sync::RwLock;

use gup::fault::{self, Fault};
use gup_fuzz::hunt::{Catch, hunt};
use gup_fuzz::input;
use gup_fuzz::ops::{self, Layer, Rev};
use gup_fuzz::oracle::Oracle;
use gup_fuzz::program::Program;
use gup_fuzz::program::generate::{Focus, Profile};
use gup_fuzz::side::Pair;

/// Programs within which a planted fault must be found.
const WITHIN: u64 = 200_000;
/// Programs that a harmless change must survive.
const HARMLESS: u64 = 50_000;
const SEED: u64 = 20191209;

/// A fault of the Rust code is selected for the whole process: with it nothing
/// else can be tested.
static RUST_FAULTS: RwLock<()> = RwLock::new(());

fn corpus() -> Vec<Program> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let files = input::files(&[dir]).expect("the shipped corpus is there");
    let program = |file: &PathBuf| input::read(file).expect("it can be read").program;
    files.iter().map(program).collect()
}

/// What the programs against a control should be about: it says so itself if
/// it is in the walk of page tables.
fn focus(control: &str) -> Focus {
    match control.starts_with("walk-") {
        true => Focus::Lockless,
        false => Focus::All,
    }
}

/// Does this revision have the walk at all? The FOLL_PIN series has not.
fn has_walk(rev: Rev) -> bool {
    let walks = |op: &ops::OpInfo| op.layer == Layer::Lockless && op.name(rev).is_some();
    ops::table().iter().any(walks)
}

fn walks(program: &Program) -> bool {
    let layer = |id| ops::info(id).map(|op| op.layer);
    let mut ops = program.ops().iter();
    ops.any(|op| layer(op.op) == Some(Layer::Lockless))
}

fn campaign(
    left: &str,
    right: &str,
    corpus: &[Program],
    focus: Focus,
    limit: u64,
) -> Option<Catch> {
    let pair = Pair::open(left, right).expect("the sides exist");
    let info = pair.left.info();
    let profile = Profile::new(info.rev).debug_vm(info.debug_vm);
    let mut corpus = corpus.to_vec();
    let profile = match focus {
        _ if !has_walk(info.rev) => profile.focus(Focus::Page),
        Focus::Lockless => {
            corpus.sort_by_key(|program| !walks(program));
            profile.focus(focus)
        }
        _ => profile.focus(focus),
    };
    hunt(&mut Oracle::new(pair), &corpus, &profile, SEED, limit)
}

/// The kernel that a control was made from: `6.1` of `6.1+name`.
fn base(name: &str) -> &str {
    name.split('+').next().unwrap_or(name)
}

/// The control itself: `name` of `6.1+name`.
fn control(name: &str) -> &str {
    name.split('+').nth(1).unwrap_or_default()
}

#[test]
fn every_fault_of_the_c_side_is_found() {
    let _none = RUST_FAULTS.read().unwrap_or_else(|e| e.into_inner());
    let corpus = corpus();
    let (mut missed, mut tried) = (Vec::new(), 0);
    for kernel in csrc::kernels()
        .iter()
        .filter(|k| k.control() == Some("fault"))
    {
        tried += 1;
        let (left, right) = (
            format!("c:{}", kernel.name()),
            format!("rust:{}", base(kernel.name())),
        );
        let focus = focus(control(kernel.name()));
        match campaign(&left, &right, &corpus, focus, WITHIN) {
            Some(catch) => println!("{left}: after {} programs", catch.programs),
            None => missed.push(left),
        }
    }
    assert!(tried >= 200, "only {tried} faults were planted");
    assert!(missed.is_empty(), "not found: {missed:#?}");
}

#[test]
fn every_harmless_change_of_the_c_side_ends_clean() {
    let _none = RUST_FAULTS.read().unwrap_or_else(|e| e.into_inner());
    let corpus = corpus();
    let mut tried = 0;
    for kernel in csrc::kernels()
        .iter()
        .filter(|k| k.control() == Some("harmless"))
    {
        tried += 1;
        let (left, right) = (
            format!("c:{}", kernel.name()),
            format!("rust:{}", base(kernel.name())),
        );
        let focus = focus(control(kernel.name()));
        let catch = campaign(&left, &right, &corpus, focus, HARMLESS);
        assert!(catch.is_none(), "{left} is harmless, but: {catch:?}");
    }
    assert!(tried >= 25, "only {tried} harmless changes were made");
}

#[test]
fn every_fault_of_the_rust_side_is_found() {
    let _one = RUST_FAULTS.write().unwrap_or_else(|e| e.into_inner());
    let corpus = corpus();
    let (mut missed, mut tried) = (Vec::new(), 0);
    for &planted in Fault::ALL {
        for rules in gup::Rules::ALL.iter().filter(|r| planted.applies(r)) {
            tried += 1;
            fault::select(Some(planted));
            let name = rules.name();
            let (left, right) = (format!("c:{name}"), format!("rust:{name}"));
            let hunt = |focus| campaign(&left, &right, &corpus, focus, WITHIN);
            // the walk uses much of the page level, where some faults show best
            let catch = match focus(planted.name()) {
                Focus::Lockless => hunt(Focus::Lockless),
                _ => hunt(Focus::All).or_else(|| hunt(Focus::Lockless)),
            };
            fault::select(None);
            match catch {
                Some(catch) => println!(
                    "{name} {}: after {} programs",
                    planted.name(),
                    catch.programs
                ),
                None => missed.push(format!("{name} {}", planted.name())),
            }
        }
    }
    assert!(tried >= 40, "only {tried} faults were planted");
    assert!(missed.is_empty(), "not found: {missed:#?}");
}
